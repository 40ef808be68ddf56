// The record of a version with the proof that it is in the log, as of the newest head: what somebody takes along who will have
// no network, and what GraphQL shows.
import { formatProof } from "../../sumdb/log-proof.ts";
import { proveRecord } from "../../sumdb/tree-proof.ts";
import { headCovering, noteOf } from "./log-names.ts";
import { findRecord, hashesOf } from "./log-records.ts";
import { type ChecksumLog, readCommittedTree } from "./log-state.ts";
import type { LoggedRecord } from "./logged-record.ts";

/** A record, and the proof of it. */
export interface ProvedLogRecord extends LoggedRecord {
  /** How many records the tree has in which it was proved. */
  readonly treeSize: number;
  /** sumdb/log-proof.ts. */
  readonly proof: string;
}

/** Proves the record of a version; undefined if it was never logged. Says nothing about who may hear of it. */
export async function provedRecordOf(
  log: ChecksumLog,
  modulePath: string,
  version: string,
): Promise<ProvedLogRecord | undefined> {
  const record = await findRecord(log.registry, modulePath, version);
  if (!record) return undefined;
  await readCommittedTree(log);
  const head = await headCovering(log, record.id);
  const { name } = log.signers[0]!;
  const hashes = await proveRecord(head.size, record.id, hashesOf(log));
  const checkpoint = await noteOf(log, head, name, name);
  return { ...record, treeSize: head.size, proof: formatProof(record.text, record.id, hashes, checkpoint) };
}

/** What clients are told of the log. */
export interface DescribedLog {
  readonly name: string;
  /** As GOSUMDB holds it. */
  readonly verifierKey: string;
  readonly size: number;
  /** The newest head, signed, as the go command reads it. */
  readonly head: string;
}

/** The log under its current name, as it stands now. Throws unavailable while it is closed. */
export async function describeLog(log: ChecksumLog): Promise<DescribedLog> {
  const { name, verifierKey } = log.signers[0]!;
  const tree = await readCommittedTree(log);
  return { name, verifierKey, size: tree.size, head: (await noteOf(log, tree, name)).toString() };
}
