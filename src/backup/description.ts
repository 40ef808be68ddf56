// What a backup says of itself: backup.json, which is written last. Without it there is no backup.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../errors.ts";
import { renameDurably } from "../storage/durable-files.ts";

const FORMAT = 1;
const NAME = "backup.json";
/** What a backup that was killed at its very end leaves. */
export const UNFINISHED_DESCRIPTION = `${NAME}.new`;

export interface Description {
  readonly format: typeof FORMAT;
  /** The release that wrote it. */
  readonly gokura: string;
  /** Everything that was acknowledged before this moment is in it. */
  readonly moment: string;
  /** The directory of the database below the backup; null: the database is external, and saved by pg_dump. */
  readonly cluster: string | null;
  /** Versions that were published at that moment, or somewhat later. */
  readonly versions: number;
}

/** Puts the description in place, where it stays whatever happens. What it describes is on the disk before. */
export async function describeBackup(target: string, description: Omit<Description, "format">): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, ...description }, null, 2);
  await writeFile(join(target, UNFINISHED_DESCRIPTION), `${text}\n`, { mode: 0o600, flush: true });
  await renameDurably(join(target, UNFINISHED_DESCRIPTION), join(target, NAME));
}

/** The description of a backup; undefined: there is none, or none that was finished. Throws conflict for another format. */
export async function descriptionOf(target: string): Promise<Description | undefined> {
  const text = await readFile(join(target, NAME), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const description = JSON.parse(text) as Description;
  if (description.format !== FORMAT)
    throw new Failure("conflict", `${target} has the format ${description.format}; this release reads ${FORMAT}`);
  return description;
}
