// How a server listens: alone on its port, or with several processes on one (GOKURA_WORKERS), among which the kernel deals
// out connections (SO_REUSEPORT, socket(7)). Whoever connects to a shared port may get any of them; so the first process, which
// has what the others pass on, listens on a port of its own besides, which only this machine reaches. What comes there is
// handed to the same server: one drain, one set of limits, one certificate.
import type http from "node:http";
import net from "node:net";
import type { Config } from "../config.ts";
import type { InternalAddress } from "../database/lease.ts";
import { Failure } from "../errors.ts";
import type { Measured } from "../telemetry/metrics.ts";

const LOOPBACK = "127.0.0.1";

/** Where the first process of a server is. */
export interface FirstProcess {
  /** As its lease says it to other servers: the port that all its processes share. */
  readonly url: string;
  /** Where its other processes reach it, and nobody else. */
  readonly near: InternalAddress;
}

/** A process of a server beside its first, and how it stands to that one. */
export interface OtherProcess {
  /** The port that they share. */
  readonly port: number;
  readonly first: FirstProcess;
  /** What all processes together have counted, as text for Prometheus. */
  metrics(): Promise<string>;
  /** Is handed how the own counts are read. */
  measures(own: () => Promise<Measured>): void;
}

/** A listener besides, on a port of its own. */
export interface NearListener {
  readonly port: number;
  /** Takes nothing new; resolves when the last connection has ended. */
  close(): Promise<void>;
}

/**
 * Listens where the settings say; `port` instead of theirs, if given. `shared`: other processes of this server will listen
 * there, too. Throws a Failure that says what to do when the address cannot be had.
 */
export async function listen(
  server: net.Server,
  { listen: { host, port: set } }: Pick<Config, "listen">,
  { port = set, shared }: { readonly port?: number | undefined; readonly shared: boolean },
): Promise<void> {
  try {
    await new Promise<void>((done, fail) => server.once("error", fail).listen({ port, host, reusePort: shared }, done));
  } catch (cause) {
    throw new Failure("unavailable", `cannot listen on ${host}:${port}: ${whyNot(cause as NodeJS.ErrnoException)}`, {
      cause,
    });
  }
}

/** What keeps a server from listening, and what to do. */
export function whyNot({ code, message }: Pick<NodeJS.ErrnoException, "code" | "message">): string {
  if (code === "ENOTSUP")
    return "processes cannot share a port on this system, as they can on Linux and FreeBSD; set GOKURA_WORKERS=0";
  const why: Record<string, string> = {
    EADDRINUSE: "another program listens there already",
    EACCES: "only root may use ports below 1024",
    EADDRNOTAVAIL: "this machine has no such address",
  };
  return `${why[code ?? ""] ?? message}; set GOKURA_LISTEN`;
}

/** Throws as `listen` does when somebody else listens there already: those who share a port are not told of each other. */
export async function demandFreePort({ listen: where }: Pick<Config, "listen">): Promise<void> {
  if (where.port === 0) return;
  const probe = net.createServer();
  await listen(probe, { listen: where }, { shared: false });
  await new Promise((done) => probe.close(done));
}

/** Has a server answer on a port of this machine besides. */
export async function listenNear(server: http.Server): Promise<NearListener> {
  const near = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    server.emit("connection", socket); // Node's way to hand a server a connection ("Event: 'connection'")
  });
  await listen(near, { listen: { host: LOOPBACK, port: 0 } }, { shared: false });
  return {
    port: (near.address() as net.AddressInfo).port,
    close: () => new Promise((done) => near.close(() => done())),
  };
}

/** The address of what listenNear opened. */
export function nearAddress(port: number, { certificate }: InternalAddress): InternalAddress {
  return { url: `${certificate === undefined ? "http" : "https"}://${LOOPBACK}:${port}`, certificate };
}
