// The keys of the checksum log. A key has a name, which is the name of the database: `host/path`, where clients may reach it.
// The first start makes one and keeps it in the data directory, readable to us alone; GOKURA_SUMDB_KEY takes its place where
// several servers share a database. Whoever loses it cannot go on under the name: clients that have seen a head signed by it
// refuse those of another key.
//
// A log may have several names, each with a key of its own, over one and the same tree: that is how a key is rotated and a
// host is moved. Clients take the new GOSUMDB line when it suits them; until then the old name is answered as well.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "../../errors.ts";
import { makeDirectory, writeDurably } from "../../storage/durable-files.ts";
import { generateSignerKey, parseSignerKey, type Signer } from "../../sumdb/note.ts";

export interface SigningSettings {
  readonly dataDirectory: string;
  /** The name that was set; undefined: the one that the log has, or `defaultName` for a new one. */
  readonly name: string | undefined;
  readonly defaultName: string;
  /** Keys that were set, `PRIVATE+KEY+…`, the one to sign with first; undefined: those of the data directory. */
  readonly keys: readonly string[] | undefined;
  /** Whether a key may be made where there is none; otherwise that is unavailable. */
  readonly mayMake?: boolean;
}

const fileOf = (dataDirectory: string): string => join(dataDirectory, "sumdb", "keys");

/** The keys to sign with, the first that of the current name; makes one if there is none of the name. */
export async function loadSigners(settings: SigningSettings): Promise<Signer[]> {
  const { dataDirectory, name, defaultName } = settings;
  if (settings.keys) return settings.keys.map(parseSignerKey);
  const kept = await readKeys(dataDirectory);
  const wanted = name ?? kept[0]?.name ?? defaultName;
  if (kept[0]?.name === wanted) return kept;
  const known = kept.find((signer) => signer.name === wanted);
  if (known) return [known, ...kept.filter((signer) => signer !== known)];
  if (settings.mayMake === false)
    throw new Failure(
      "unavailable",
      `a server that only reads signs with the keys of the one that leads: set GOKURA_SUMDB_KEY, to what ${fileOf("its data directory")} holds`,
    );
  return addName(dataDirectory, wanted);
}

/** Makes a key of a new name, which becomes the current one; the others stay. Throws conflict for a name that there is. */
export async function addName(dataDirectory: string, name: string): Promise<Signer[]> {
  const kept = await readKeyLines(dataDirectory);
  if (kept.some((line) => parseSignerKey(line).name === name))
    throw new Failure("conflict", `the checksum log has the name ${name} already`);
  await writeKeys(dataDirectory, [generateSignerKey(name), ...kept], kept.length === 0);
  return readKeys(dataDirectory);
}

async function readKeys(dataDirectory: string): Promise<Signer[]> {
  return (await readKeyLines(dataDirectory)).map(parseSignerKey);
}

async function readKeyLines(dataDirectory: string): Promise<string[]> {
  const file = fileOf(dataDirectory);
  try {
    const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
    for (const line of lines) parseSignerKey(line);
    return lines;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Failure(
      "unavailable",
      `the keys of the checksum log in ${file} cannot be read (${(error as Error).message}): put a copy in its place; without its key the log cannot go on under its name`,
      { cause: error },
    );
  }
}

/** Whole or not at all. Two servers that make the first key at once both get the one that was there first. */
async function writeKeys(dataDirectory: string, keys: readonly string[], first: boolean): Promise<void> {
  const file = fileOf(dataDirectory);
  await makeDirectory(dirname(file), 0o700);
  await writeDurably(file, keys.map((key) => `${key}\n`).join(""), { mode: 0o600, ifNew: first });
}
