// What the parts of the dependency proxy share. Everything here is of this process, and bounded; what must outlive it is in
// the database. Each field says who writes it: nobody else does.
import { availableParallelism } from "node:os";
import type { LRUCache } from "lru-cache";
import { ExpiringMemory } from "../concurrency/expiring-memory.ts";
import { createSingleFlight, type SingleFlight } from "../concurrency/single-flight.ts";
import { createSlots, type Slots } from "../concurrency/slots.ts";
import type { Locks } from "../database/locks.ts";
import type { Failure } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";
import { ABSENCE_MS, type Absent, FLEETING_MS, type FoundAnswer } from "./answers.ts";
import type { Download, StoredZip } from "./download.ts";
import type { UpstreamClient } from "./upstream-client.ts";
import type { Verification } from "./upstream-verification.ts";

const JUDGED_AT_ONCE = 32;
/** Judging keeps a processor busy: so many at once for one caller while another one asks. */
const JUDGED_OF_ONE = Math.max(1, Math.floor(availableParallelism() / 2));
const MAX_ABSENCES = 20_000;
export const MAX_FLEETING_BYTES = 8 * 1024 * 1024;
/** How long trouble with one path is remembered. */
const TROUBLE_MS = 3_000;
const MAX_TROUBLES = 5_000;
/** How often the same refusal is written down. */
const REFUSAL_MS = 3_600_000;
const MAX_REFUSALS = 5_000;
const MAX_SEEN = 5_000;
/** How long upstream is left alone about an answer after it failed to give one. */
const REST_MS = 10_000;
const MAX_RESTING = 20_000;
/** Longer than a look into the database takes. */
const ARRIVED_MS = 10_000;
/** What an answer takes of memory beside its bytes and its name, about: most are .info files of less than 100 bytes. */
const ANSWER_OVERHEAD_BYTES = 400;

/** What the dependency proxy is made of. Names of things are their paths (gomod/proxy-path.ts goPathOf). */
export interface DependencyState {
  readonly registry: Registry;
  /** Whom to ask; undefined: nobody (GOKURA_UPSTREAM=off), only what is stored is served. */
  readonly upstreams: UpstreamClient | undefined;
  /** What is compared with a checksum database before it is stored. */
  readonly verification: Verification;
  /** Among the servers on one database. */
  readonly locks: Locks;
  /** How long a list and @latest are fresh. */
  readonly listTtlMs: number;
  /** What upstream said is not there, and what was refused, for seconds; written by upstream-request.ts and refusals.ts. */
  readonly absences: LRUCache<string, Absent>;
  /** What went wrong with one path, for seconds; written by upstream-request.ts. */
  readonly troubles: LRUCache<string, Failure>;
  /** The .info of versions that a list was tried by, for who asks next; written by module-list.ts. */
  readonly tried: LRUCache<string, Buffer>;
  /** Answers that are not stored: those to queries, and .mod files that no zip has vouched for; written by version-files.ts. */
  readonly fleeting: LRUCache<string, Buffer>;
  /** Refusals that were written down; written by refusals.ts. */
  readonly refusals: LRUCache<string, true>;
  /**
   * What came from upstream a moment ago, by its path, for those who had looked for it before it was stored; written by
   * download-lock.ts.
   */
  readonly arrived: LRUCache<string, Arrived>;
  /** Versions that the list was fetched anew for, a moment ago; written by latest-version.ts. */
  readonly seen: LRUCache<string, true>;
  /**
   * Zips that have come are judged and stored so many at once, and of one caller so many while others are about: each keeps the
   * processor for some milliseconds.
   */
  readonly judging: Slots;
  /** What is being fetched now, by what is asked. */
  readonly fetching: SingleFlight<string>;
  /**
   * Zips that are arriving, by their path; written by dependency-proxy.ts. No single flight: who comes reads along, and so
   * needs the download itself at once, not its end.
   */
  readonly downloads: Map<string, Download>;
  /** Answers that changed and could not be had anew a moment ago; written by changing-answer.ts. */
  readonly resting: LRUCache<string, true>;
}

/** What came from upstream, and when it was stored (performance.now). */
export interface Arrived {
  readonly answer: FoundAnswer | StoredZip;
  readonly at: number;
}

/** The state of a process that has just started. */
export function createDependencyState(
  parts: Pick<DependencyState, "registry" | "upstreams" | "verification" | "locks" | "listTtlMs">,
): DependencyState {
  return {
    ...parts,
    absences: new ExpiringMemory({ max: MAX_ABSENCES, ttl: ABSENCE_MS }),
    troubles: new ExpiringMemory({ max: MAX_TROUBLES, ttl: TROUBLE_MS }),
    tried: shortMemory(),
    fleeting: shortMemory(),
    refusals: new ExpiringMemory({ max: MAX_REFUSALS, ttl: REFUSAL_MS }),
    arrived: new ExpiringMemory({
      maxSize: MAX_FLEETING_BYTES,
      sizeCalculation: ({ answer }, key) =>
        key.length +
        ANSWER_OVERHEAD_BYTES +
        (answer.kind === "found" ? answer.body.length + (answer.goMod?.length ?? 0) : 0),
      ttl: ARRIVED_MS,
    }),
    seen: new ExpiringMemory({ max: MAX_SEEN, ttl: FLEETING_MS }),
    judging: createSlots(JUDGED_AT_ONCE, { waitMs: Number.POSITIVE_INFINITY, perCallerAmongOthers: JUDGED_OF_ONE }),
    fetching: createSingleFlight(),
    downloads: new Map(),
    resting: new ExpiringMemory({ max: MAX_RESTING, ttl: REST_MS }),
  };
}

/** Bytes that are believed for seconds. */
function shortMemory(): LRUCache<string, Buffer> {
  return new ExpiringMemory({
    maxSize: MAX_FLEETING_BYTES,
    sizeCalculation: (body, key) => body.length + key.length + ANSWER_OVERHEAD_BYTES,
    ttl: FLEETING_MS,
  });
}
