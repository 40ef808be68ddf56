// All mirrors, followed: whichever is due is looked at, so many at once in all and two at once for one host, and the next look
// comes when the history of the mirror suggests. Nothing is asked while nothing is due: the one timer is set to the next look,
// and a notice of the database (gokura_mirror) wakes us when one is wanted sooner. A host that asks to be left alone is,
// with all of its mirrors.

import { databaseFailure } from "../database/trouble.ts";
import { Failure, isFailure } from "../errors.ts";
import {
  type BegunLook,
  beginDueLook,
  countMirrors,
  endLook,
  resumeLooks,
  untilNextLook,
} from "../registry/forge/mirror-looks.ts";
import { logSeldom } from "../telemetry/seldom.ts";
import { type LookParts, lookAt } from "./look.ts";
import { waitAfterLook } from "./next-look.ts";
import { ToldToWait } from "./remote-refs.ts";

const LOOKS_AT_ONCE = 8;
const LOOKS_AT_ONCE_OF_HOST = 2;
/** The timer is never set closer, nor, while the database is in trouble, longer. */
const SHORTEST_PAUSE_MS = 500;
const AFTER_TROUBLE_MS = 5_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

export interface FollowedMirrors {
  /** A look may be due sooner than it was. */
  wake(): void;
  /** Ends the looks that are under way; what they have fetched is recorded. */
  close(): Promise<void>;
}

/** Begins to follow. */
export async function followMirrors(parts: LookParts): Promise<FollowedMirrors> {
  const { registry } = parts;
  const ended = new AbortController();
  /** The looks under way, by mirror. */
  const running = new Map<number, Promise<void>>();
  const looksOfHost = new Map<string, number>();
  /** Until when hosts are left alone, by performance.now. */
  const leftAlone = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let passing: Promise<void> | undefined;
  let wokenMeanwhile = false;
  /** Whether a look may have been begun, or not have been ended, without our knowing: what the database was told last is lost. */
  let isUnsure = true;

  const busyHosts = (): string[] => {
    const now = performance.now();
    for (const [host, until] of leftAlone) if (until <= now) leftAlone.delete(host);
    const full = [...looksOfHost].filter(([, looks]) => looks >= LOOKS_AT_ONCE_OF_HOST).map(([host]) => host);
    return [...full, ...leftAlone.keys()];
  };
  const look = async (begun: BegunLook): Promise<void> => {
    const { mirror } = begun;
    const { host } = new URL(mirror.url);
    looksOfHost.set(host, (looksOfHost.get(host) ?? 0) + 1);
    try {
      const { error, toldToWaitMs, changed, refsDigest } = await outcomeOf(parts, begun, ended.signal);
      if (ended.signal.aborted) return; // the next start takes it up again
      if (toldToWaitMs !== undefined) leftAlone.set(host, performance.now() + toldToWaitMs);
      const since = changed ? Date.now() : (mirror.changedAt ?? mirror.createdAt).getTime();
      const failures = error === undefined ? 0 : mirror.failures + 1;
      const { intervalSeconds } = mirror;
      const sinceChangeMs = Date.now() - since;
      const nextInMs = waitAfterLook({ sinceChangeMs, failures, intervalSeconds, toldToWaitMs });
      await endLook(registry, begun, { nextInMs, error, changed, refsDigest });
      registry.metrics.mirrorLooks.inc({ outcome: error !== undefined ? "failed" : changed ? "changed" : "unchanged" });
      const { following, failing } = await countMirrors(registry);
      registry.metrics.mirrors.set({ state: "following" }, following);
      registry.metrics.mirrors.set({ state: "failing" }, failing);
    } catch (error) {
      // After trouble of the database it is looked at again; for a defect of ours that would have no end, and its lease runs out.
      if (databaseFailure(error, registry.log) !== undefined) isUnsure = true;
      else
        registry.log.error(
          { err: error, project: mirror.project.fullPath },
          "a look of a mirror could not be written down",
        );
    } finally {
      const left = looksOfHost.get(host)! - 1;
      if (left > 0) looksOfHost.set(host, left);
      else looksOfHost.delete(host);
    }
  };
  const pass = async (): Promise<void> => {
    if (isUnsure) await resumeLooks(registry, [...running.keys()]);
    isUnsure = false;
    while (!ended.signal.aborted && running.size < LOOKS_AT_ONCE) {
      const begun = await beginDueLook(registry, busyHosts());
      if (!begun) break;
      const { id } = begun.mirror;
      const run = look(begun).finally(() => {
        running.delete(id);
        wake();
      });
      running.set(id, run);
    }
    if (running.size >= LOOKS_AT_ONCE) return; // the next that ends wakes us
    const ms = await untilNextLook(registry);
    if (ms !== undefined) setTimer(ms);
  };
  const setTimer = (ms: number): void => {
    clearTimeout(timer);
    if (ended.signal.aborted) return;
    timer = setTimeout(wake, Math.min(Math.max(ms, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS)).unref();
  };
  function wake(): void {
    if (ended.signal.aborted) return;
    if (passing !== undefined) {
      wokenMeanwhile = true;
      return;
    }
    wokenMeanwhile = false;
    passing = pass()
      .catch((error: unknown) => {
        if (databaseFailure(error, registry.log) === undefined)
          logSeldom(registry.log, "error", "mirrors cannot be looked after", { err: error });
        isUnsure = true;
        setTimer(AFTER_TROUBLE_MS);
      })
      .finally(() => {
        passing = undefined;
        if (wokenMeanwhile) wake();
      });
  }

  wake();
  return {
    wake,
    async close() {
      clearTimeout(timer);
      ended.abort(new Failure("unavailable", "the server is stopping", { reason: "server_stopping" }));
      await passing;
      await Promise.all(running.values());
    },
  };
}

interface Outcome {
  readonly changed: boolean;
  readonly refsDigest?: string | undefined;
  readonly error?: string | undefined;
  readonly toldToWaitMs?: number | undefined;
}

async function outcomeOf(parts: LookParts, { mirror }: BegunLook, signal: AbortSignal): Promise<Outcome> {
  const { log } = parts.registry;
  const about = { project: mirror.project.fullPath, host: new URL(mirror.url).host };
  try {
    const found = await lookAt(parts, mirror, signal);
    if (found.changed) log.info(about, "a mirror has what is new at its remote");
    if (mirror.failures > 0) log.info(about, "a mirror can follow its remote again");
    return found;
  } catch (error) {
    if (signal.aborted) return { changed: false, error: "the server was stopping" };
    const isOurs = !isFailure(error);
    if (isOurs) log.error({ ...about, err: error }, "a look of a mirror failed");
    else if (mirror.failures === 0) log.warn({ ...about, reason: error.message }, "a mirror cannot follow its remote");
    return {
      changed: false,
      error: isOurs ? "something went wrong here that should not have: the log of the server says what" : error.message,
      toldToWaitMs: error instanceof ToldToWait ? error.waitMs : undefined,
    };
  }
}
