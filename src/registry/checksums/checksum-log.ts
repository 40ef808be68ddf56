// The checksum log, opened: what the rest asks of it. To open it is to load its keys, to claim its names, and to compare the
// database with the journal. A log that cannot be trusted opens all the same, closed: modules are served as ever, but nothing
// is signed, and every lookup says why.
import { createSingleFlight } from "../../concurrency/single-flight.ts";
import { isLostConnection } from "../../database/client.ts";
import { Failure, isFailure } from "../../errors.ts";
import type { Signer } from "../../sumdb/note.ts";
import type { Registry } from "../registry.ts";
import { appendBatch } from "./append-batch.ts";
import { createAppendQueue } from "./append-queue.ts";
import { claimNames } from "./log-names.ts";
import { type ChecksumLog, close, demandOpen, newLogState } from "./log-state.ts";
import type { LoggedRecord, Outcome, WantedRecord } from "./logged-record.ts";
import { reconcile } from "./reconcile.ts";

/** Opens the log of a registry with the keys that it signs with, the current one first. */
export async function openChecksumLog(registry: Registry, signers: readonly Signer[]): Promise<ChecksumLog> {
  const comparing = createSingleFlight<"journal", void>();
  const append = async (wanted: readonly WantedRecord[]): Promise<Outcome[]> => {
    for (;;) {
      const outcomes = await appendBatch(log, wanted);
      if (outcomes) return outcomes;
      await log.compare();
    }
  };
  const log: ChecksumLog = {
    registry,
    signers,
    state: newLogState(),
    compare: () => comparing.run("journal", () => reconcile(log)),
    queue: createAppendQueue(append, (error) => !isFailure(error) && isLostConnection(error)),
  };
  registry.demandCompared = (server) => {
    if (server === log.state.compared || log.state.closed !== undefined) return;
    void log.compare().catch(() => {}); // told by who asks next
    throw new Failure("unavailable", "the database is compared with the checksum log's journal; try again in a moment");
  };
  const otherKey = await claimNames(registry, signers);
  if (otherKey !== undefined) close(log, otherKey);
  else await log.compare();
  return log;
}

/**
 * The record of a version, appended if it is not in the log. A hosted version must have its zip. Whoever expects that there is
 * one asks for it first (log-records.ts, findRecord): this waits for the next batch. Throws not-found when there is nothing to
 * log, unavailable while the log is closed.
 */
export async function ensureRecord(log: ChecksumLog, wanted: WantedRecord): Promise<LoggedRecord> {
  demandOpen(log);
  return log.queue.want(wanted);
}
