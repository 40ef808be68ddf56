// A record of the checksum log, as it is wanted, on its way, and in its row.
import { recordText, type VersionSums } from "../../sumdb/record.ts";
import { HASH_BYTES } from "../../sumdb/tree-hash.ts";

/** How the sums of a record are known: SumBasis in prisma/schema.prisma. */
export type SumBasis = "HOSTED" | "PUBLIC" | "OBSERVED";

/** Sums, and how they are known. */
export interface KnownSums extends VersionSums {
  readonly basis: SumBasis;
  /** The number of the record that it was copied from, of a PUBLIC one. */
  readonly publicId: number | undefined;
}

/** What is to be in the log. */
export interface WantedRecord {
  readonly modulePath: string;
  readonly version: string;
  /**
   * Sums that were proved or observed; undefined for a hosted version, whose pinned sums are read under the lock: what is
   * pinned, and nothing that anybody says.
   */
  readonly known?: KnownSums;
}

/** A record without its place. */
export interface LogEntry extends KnownSums {
  readonly modulePath: string;
  readonly version: string;
  /** What the leaf of the tree is a hash of. */
  readonly text: string;
}

/** A record with its place. */
export interface LoggedRecord extends LogEntry {
  readonly id: number;
}

/** What became of something wanted: its record, or why it has none; undefined: there was no room, it is to be asked again. */
export type Outcome = LoggedRecord | Error | undefined;

/** A row of sum_record. */
export interface RecordRow {
  id: string | bigint;
  path: string;
  version: string;
  h1: Buffer;
  go_mod_h1: Buffer;
  basis: SumBasis;
  public_id: string | bigint | null;
}

/** The 32 bytes of a sum as go.sum has them. */
export const sumText = (bytes: Buffer): string => `h1:${bytes.toString("base64")}`;

/** The 32 bytes of a sum. Throws for what is none. */
export function sumBytes(sum: string): Buffer {
  const bytes = Buffer.from(sum.slice("h1:".length), "base64");
  if (!/^h1:[A-Za-z0-9+/]{43}=$/.test(sum) || bytes.length !== HASH_BYTES) throw new Error(`${sum} is no h1: sum`);
  return bytes;
}

/** The record in a row. */
export function recordIn(row: RecordRow): LoggedRecord {
  const { path: modulePath, version, basis } = row;
  const sums: VersionSums = { h1: sumText(row.h1), goModH1: sumText(row.go_mod_h1) };
  const publicId = row.public_id === null ? undefined : Number(row.public_id);
  return {
    ...{ id: Number(row.id), modulePath, version, basis, publicId, ...sums },
    text: recordText(modulePath, version, sums),
  };
}
