// A repository that is fetched into again and again: each fetch leaves a pack of its own, and a file for each ref that moved.
// Refs are kept in one file again (3,000 small ones take 15 MB and slow everything down), and when packs have become many,
// those that are small beside the others are made one. Nothing is taken away by that: what no ref reaches is packed along.
// Source: git-repack(1) (--geometric), git-pack-refs(1).
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runGit } from "../process/git-process.ts";

/** So many packs are as fast as one. */
const MANY_PACKS = 50;
const REPACK_MS = 60 * 60_000;

/** Packs the refs of a bare repository, and its packs where they are many. No push may be under way. */
export async function packRepository(directory: string): Promise<void> {
  await runGit(directory, ["pack-refs", "--all"]);
  const names = await readdir(join(directory, "objects", "pack")).catch(() => []);
  if (names.filter((name) => name.endsWith(".pack")).length < MANY_PACKS) return;
  await runGit(directory, ["-c", "repack.writeBitmaps=false", "repack", "--geometric=2", "-d", "-q"], {
    timeoutMs: REPACK_MS,
  });
}

/** Puts objects that lie about alone, and that a ref reaches, into one more pack. Pushes may be under way. */
export async function packLooseObjects(directory: string): Promise<void> {
  const names = await readdir(join(directory, "objects")).catch(() => []);
  if (!names.some((name) => /^[0-9a-f]{2}$/.test(name))) return;
  await runGit(directory, ["-c", "repack.writeBitmaps=false", "repack", "-d", "-q"], { timeoutMs: REPACK_MS });
}
