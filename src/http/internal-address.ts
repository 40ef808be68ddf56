// Where other servers of the same database reach this one: GOKURA_INTERNAL_URL, else the address that it listens on. Of one
// that listens on all addresses the first that other machines can know is taken, which in a container or a pod is its own.
import { X509Certificate } from "node:crypto";
import { networkInterfaces } from "node:os";
import type { Config } from "../config.ts";
import type { InternalAddress } from "../database/lease.ts";

/** The address of a server that listens on a port, with a certificate (PEM) or without. */
export function internalAddress(
  { internalUrl, listen }: Pick<Config, "internalUrl" | "listen">,
  port: number,
  pem: string | undefined,
): InternalAddress {
  const { host } = listen;
  const everywhere = host === "0.0.0.0" || host === "::";
  const address = everywhere ? (outerAddress() ?? "127.0.0.1") : host;
  const shown = address.includes(":") ? `[${address}]` : address;
  return {
    url: internalUrl ?? `${pem === undefined ? "http" : "https"}://${shown}:${port}`,
    certificate: pem === undefined ? undefined : new X509Certificate(pem).fingerprint256,
  };
}

function outerAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}
