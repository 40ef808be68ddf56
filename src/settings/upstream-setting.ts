// GOKURA_UPSTREAM, and what becomes of the go command's own GOPROXY where it is not set.

import { isIP } from "node:net";
import { OFF, parseUpstreams, type UpstreamList, type VerifyMode } from "../upstream/policy.ts";
import type { Listen } from "./addresses.ts";

/**
 * GOKURA_UPSTREAM, else what the go command would use here, else nobody. Who uses Gokura on the server's own machine has its
 * endpoint in GOPROXY: nobody asks himself, so that entry is passed over. In GOKURA_UPSTREAM it is a mistake. What of GOPROXY
 * is not for us, such as a directory, is left out with a warning: it was written for the go command.
 */
export function upstreamOf(
  own: string | undefined,
  goproxy: string | undefined,
  ownHosts: readonly string[],
  mistakes: string[],
  warnings: string[],
): UpstreamList {
  const leaveOut = (why: string): void => void warnings.push(`an entry of GOPROXY is left out: ${why}`);
  const text = own ?? (goproxy?.trim() || undefined);
  if (text === undefined) return OFF;
  try {
    const list = parseUpstreams(text, own === undefined ? leaveOut : undefined);
    const others = list.filter((one) => one.kind !== "proxy" || !isOwnEndpoint(new URL(one.url), ownHosts));
    if (others.length === list.length) return list;
    if (own !== undefined) throw new Error("it names an endpoint of this server; give the registry behind it, or off");
    return others.length === 0 ? OFF : others;
  } catch (error) {
    mistakes.push(`GOKURA_UPSTREAM: ${(error as Error).message}`);
    return OFF;
  }
}

/** Where clients on this machine, and by GOKURA_URL, find this server: hosts with ports. */
export function ownHosts(listen: Listen, url: string | undefined): string[] {
  const hosts = [listen.host, "localhost", "127.0.0.1", "::1"].map((host) => (isIP(host) === 6 ? `[${host}]` : host));
  const local = hosts.map((host) => `${host}:${listen.port}`);
  return url === undefined ? local : [...local, hostAndPort(new URL(url))];
}

function isOwnEndpoint(url: URL, hosts: readonly string[]): boolean {
  return hosts.includes(hostAndPort(url)) && /\/api\/v4\/.*packages\/go/.test(url.pathname);
}

function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

/**
 * GOKURA_UPSTREAM_VERIFY. Unless set everything from upstream is verified, where there is a database to ask; adds to the
 * mistakes what is no mode, and a mode that needs a database where there is none.
 */
export function verifyModeOf(text: string | undefined, hasDatabase: boolean, mistakes: string[]): VerifyMode {
  const otherwise = hasDatabase ? "require" : "off";
  if (text === undefined) return otherwise;
  if (text !== "require" && text !== "allow" && text !== "off") {
    mistakes.push(`GOKURA_UPSTREAM_VERIFY: "${text}" is none of require, allow and off`);
    return otherwise;
  }
  if (text !== "off" && !hasDatabase)
    mistakes.push(`GOKURA_UPSTREAM_VERIFY=${text} needs a checksum database to ask, and GOKURA_SUMDB is off`);
  return text;
}
