// What waits to be appended. One batch of this process is under way at a time, and what is wanted meanwhile gathers for the
// next: a single record goes at once, and many share the cost of one transaction, without any timer. Equal wishes wait
// together.
import type { LoggedRecord, Outcome, WantedRecord } from "./logged-record.ts";

/** No batch appends more than a tile. */
const MAX_BATCH = 256;
/** How often a batch is tried whose transaction the database ended: it may have been committed, or not. */
const MAX_TRIES = 3;

export interface AppendQueue {
  /** The record of a version, appended if need be. Rejects when there is nothing to log, or the log cannot be written. */
  want(wanted: WantedRecord): Promise<LoggedRecord>;
  /** Waits for what is under way. */
  idle(): Promise<void>;
}

interface Waiting {
  readonly wanted: WantedRecord;
  readonly settled: PromiseWithResolvers<LoggedRecord>;
}

/** `append` does one batch; `mayTryAgain` says whether an error can be one of the connection alone. */
export function createAppendQueue(
  append: (wanted: readonly WantedRecord[]) => Promise<Outcome[]>,
  mayTryAgain: (error: unknown) => boolean,
): AppendQueue {
  const waiting = new Map<string, Waiting>();
  /** For which there was no room in the batch before. */
  let left: Waiting[] = [];
  let running: Promise<void> | undefined;

  const runBatch = async (batch: readonly Waiting[]): Promise<void> => {
    const wanted = batch.map((one) => one.wanted);
    for (let tries = 1; ; tries++)
      try {
        const outcomes = await append(wanted);
        for (const [n, { settled }] of batch.entries()) {
          const outcome = outcomes[n];
          if (outcome instanceof Error) settled.reject(outcome);
          else if (outcome) settled.resolve(outcome);
          else left.push(batch[n]!);
        }
        return;
      } catch (error) {
        if (tries < MAX_TRIES && mayTryAgain(error)) continue;
        for (const { settled } of batch) settled.reject(error);
        return;
      }
  };

  const run = async (): Promise<void> => {
    while (left.length + waiting.size > 0) {
      const batch = left;
      left = [];
      for (const [key, one] of waiting) {
        if (batch.length === MAX_BATCH) break;
        batch.push(one);
        waiting.delete(key);
      }
      await runBatch(batch);
    }
    running = undefined;
  };

  return {
    want(wanted) {
      const key = keyOf(wanted);
      const known = waiting.get(key);
      if (known) return known.settled.promise;
      const settled = Promise.withResolvers<LoggedRecord>();
      waiting.set(key, { wanted, settled });
      running ??= Promise.resolve().then(run); // what is wanted in the same breath goes together
      return settled.promise;
    },
    idle: async () => running,
  };
}

const keyOf = ({ modulePath, version }: WantedRecord): string => `${modulePath}@${version}`;
