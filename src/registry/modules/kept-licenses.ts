// Licences made ready, kept for the next process: to make them costs half a second and 40 MB, to read them a fiftieth of a second,
// for the five megabytes of texts that they are made of are not loaded then. They are kept beside Node's compile cache, under a name
// that says what they were made of, by whom, and where there is no such cache they are not kept. Whoever may write there may
// write our compiled code as well, so they are believed.
import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire, getCompileCacheDir } from "node:module";
import { dirname, join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { onDemand } from "../../concurrency/on-demand.ts";
import type { PreparedLicenses } from "../../gomod/license.ts";

const PREFIX = "licenses-";
/** What decides about the outcome, besides the list and the words that Node knows of. */
const MADE_BY = ["license.ts", "license-words.ts"];

/** What an earlier process kept; undefined: nothing that can be used. */
export async function keptLicenses(): Promise<PreparedLicenses | undefined> {
  const file = await placeOfLicenses();
  if (file === undefined) return undefined;
  try {
    return deserialize(await readFile(file)) as PreparedLicenses;
  } catch {
    return undefined; // not there, or broken: it is made anew
  }
}

/** Keeps them, in place of what was made of another list, if that can be. */
export async function keepLicenses(prepared: PreparedLicenses): Promise<void> {
  const file = await placeOfLicenses();
  if (file === undefined) return;
  const directory = dirname(file);
  const scratch = join(directory, `${PREFIX}${randomUUID()}`);
  try {
    for (const name of await readdir(directory)) if (name.startsWith(PREFIX)) await rm(join(directory, name));
    await writeFile(scratch, serialize(prepared));
    await rename(scratch, file);
  } catch {
    await rm(scratch, { force: true }).catch(() => {}); // an image whose file system is read-only, a disk that is full
  }
}

/** Where they are kept; undefined: nowhere. */
async function placeOfLicenses(): Promise<string | undefined> {
  const cache = getCompileCacheDir();
  if (cache === undefined) return undefined;
  return join(dirname(cache), `${PREFIX}${await madeOf.get()}`);
}

/** What they are made of, by whom, in a word. */
const madeOf = onDemand(async () => {
  const sum = createHash("sha256").update(process.version);
  sum.update((createRequire(import.meta.url)("spdx-license-list/package.json") as { version: string }).version);
  for (const name of MADE_BY) sum.update(await readFile(new URL(`../../gomod/${name}`, import.meta.url)));
  return sum.digest("hex").slice(0, 16);
});
