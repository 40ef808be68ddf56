// A server that is slow or dead must not make everybody wait. For each host: so many requests at once and no more, so that
// 300 that hang are not 300 connections and other hosts are not touched; and when several in a row got no connection or no
// answer in time, the next ones fail at once, but for one a second that is let through, until that succeeds (a circuit
// breaker). An answer of whatever status is a sign of life: what a server says of one path is nothing against it.
import { LRUCache } from "lru-cache";
import { createSlots, type Slots } from "../concurrency/slots.ts";
import type { Log } from "../telemetry/log.ts";
import { Unreachable } from "./http-trouble.ts";

/** Requests to one host at once, bodies included. */
const MAX_REQUESTS_PER_HOST = 100;
/** How long a request waits for its turn. */
const TURN_WAIT_MS = 10_000;
/** So many failures in a row mean that a host is down. */
export const FAILURES_UNTIL_DOWN = 5;
/** How long a host that is down is left alone: until one request may try again. */
export const DOWN_MS = 1_000;

/** So many hosts are known: whoever may fetch from repositories directly may name any. */
export const MAX_HOSTS = 2_000;

interface Host {
  readonly slots: Slots;
  /** In a row. */
  failures: number;
  /** Since the start of the process. */
  answered: number;
  failed: number;
  running: number;
  lastAnsweredAt: number | undefined;
  lastFailedAt: number | undefined;
  /** Until when nothing is asked; 0 while the host is well. */
  downUntil: number;
  /** Whether the one that may try after a pause is under way. */
  trying: boolean;
}

/** A request that may be made: say how it went, and when it is over with its body. */
export interface Turn {
  succeeded(): void;
  failed(): void;
  over(): void;
}

/** How a host has done since the start of this process. */
export interface HostHealth {
  /** UP: the last request was answered, or none was made yet; FAILING: some in a row were not; DOWN: it is left alone. */
  readonly state: "UP" | "FAILING" | "DOWN";
  readonly answered: number;
  readonly failed: number;
  /** Requests under way, bodies included. */
  readonly running: number;
  readonly lastAnsweredAt: Date | undefined;
  readonly lastFailedAt: Date | undefined;
  /** When it is tried again, while it is DOWN. */
  readonly triedAgainAt: Date | undefined;
}

export interface UpstreamHealth {
  /** What is known of a host. */
  of(host: string): HostHealth;
  /** A turn at a host. Throws Unreachable at once when it is down, and when too many others wait. */
  turn(host: string, signal?: AbortSignal): Promise<Turn>;
}

export function createUpstreamHealth(log: Log, now: () => number = Date.now): UpstreamHealth {
  const hosts = new LRUCache<string, Host>({ max: MAX_HOSTS });
  const hostOf = (name: string): Host => {
    let host = hosts.get(name);
    if (host === undefined) {
      const slots = createSlots(MAX_REQUESTS_PER_HOST, { waitMs: TURN_WAIT_MS });
      const nothingYet = { answered: 0, failed: 0, running: 0, lastAnsweredAt: undefined, lastFailedAt: undefined };
      host = { slots, failures: 0, ...nothingYet, downUntil: 0, trying: false };
      hosts.set(name, host);
    }
    return host;
  };
  const momentOf = (milliseconds: number | undefined): Date | undefined =>
    milliseconds === undefined ? undefined : new Date(milliseconds);
  return {
    of(name) {
      const { failures, answered, failed, running, lastAnsweredAt, lastFailedAt, downUntil } = hostOf(name);
      return {
        state: downUntil !== 0 ? "DOWN" : failures > 0 ? "FAILING" : "UP",
        ...{ answered, failed, running },
        lastAnsweredAt: momentOf(lastAnsweredAt),
        lastFailedAt: momentOf(lastFailedAt),
        triedAgainAt: downUntil === 0 ? undefined : new Date(downUntil),
      };
    },
    async turn(name, signal) {
      const host = hostOf(name);
      const down = (): boolean => host.downUntil !== 0 && (now() < host.downUntil || host.trying);
      const failAtOnce = (): never => {
        throw new Unreachable(name, { message: `${name} does not answer; it is asked again in a second` });
      };
      if (down()) failAtOnce();
      const release = await host.slots.take(signal).catch((error: unknown) => {
        if (signal?.aborted) throw error;
        const message = `too many requests wait for ${name}; try again in a minute`;
        throw new Unreachable(name, { message, cause: error });
      });
      // Those that waited for their turn behind the ones that failed learn of it without trying.
      if (down()) {
        release();
        failAtOnce();
      }
      const trial = host.downUntil !== 0;
      if (trial) host.trying = true;
      let judged = false;
      host.running += 1;
      const judge = (): boolean => {
        if (judged) return false;
        judged = true;
        if (trial) host.trying = false;
        return true;
      };
      return {
        succeeded() {
          if (!judge()) return;
          if (host.downUntil !== 0) log.info({ upstream: name }, "the upstream answers again");
          host.failures = 0;
          host.downUntil = 0;
          host.answered += 1;
          host.lastAnsweredAt = now();
        },
        failed() {
          if (!judge()) return;
          host.failures += 1;
          host.failed += 1;
          host.lastFailedAt = now();
          if (host.failures < FAILURES_UNTIL_DOWN) return;
          if (host.downUntil === 0) log.warn({ upstream: name }, "the upstream does not answer; it is left alone");
          host.downUntil = now() + DOWN_MS;
        },
        over() {
          judge(); // without a word it was given up by the one who asked
          host.running -= 1;
          release();
        },
      };
    },
  };
}
