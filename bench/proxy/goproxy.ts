// goproxy (github.com/goproxy/goproxy), the measure of a Go proxy, when its program is named: a cache in a directory of the
// bench's own, in front of the same upstream.
import { type ChildProcess, spawn } from "node:child_process";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/support/free-port.ts";
import type { Target } from "../measure.ts";

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Starts it; answers over TLS if there is a certificate. */
export async function startGoproxy(
  program: string,
  directory: string,
  upstream: string,
  certificate?: Certificate,
): Promise<{ child: ChildProcess; target: Target }> {
  const port = await freePort();
  const tls = certificate ? ["--tls-cert-file", certificate.certFile, "--tls-key-file", certificate.keyFile] : [];
  const words = ["server", "--address", `127.0.0.1:${port}`, "--cacher-dir", join(directory, "cache"), ...tls];
  const child = spawn(program, words, {
    env: { PATH: process.env.PATH ?? "", HOME: directory, GOPROXY: upstream, GOSUMDB: "off" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (let patience = 100; !(await answers(port)); patience--) {
    if (patience === 0 || child.exitCode !== null) throw new Error(`${program} did not start`);
    await delay(100);
  }
  return { child, target: { pid: child.pid!, port, tls: certificate !== undefined } };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.end();
  });
}
