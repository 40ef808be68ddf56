// The h1: hash, by which go.sum and the checksum database know a module. Each file is hashed by itself, the lines
// "hex-of-hash  name" are put in the order of the names' bytes, and their SHA-256 in base64 is the hash. How a zip packs
// its files does not matter. A go.mod alone is hashed as if it were the only file. Sources: Go Modules Reference, "go.sum
// files"; golang.org/x/mod/sumdb/dirhash Hash1; cmd/go/internal/modfetch/fetch.go goModSum.

import { createHash, type Hash } from "node:crypto";
import { everybodysTurn, sortInTurns } from "../concurrency/turns.ts";
import { invalid } from "../errors.ts";
import { compareBytewise } from "./byte-order.ts";

/** `h1:` and the base64, with padding, of a SHA-256. */
export type H1Hash = string & { readonly __brand: "H1Hash" };

/** So many names go into the hash without a pause. */
const LINES_AT_ONCE = 2_000;
const SHA256_BYTES = 32;
/** Hashes are kept in blocks of this many, not one by one: an object for each would take thrice the memory. */
const HASHES_PER_BLOCK = 1_024;

/** The hashes of the files of a module, taken one by one, each with 32 bytes beside its name. */
export type FileHashes = {
  /** Takes a file, in whatever order: its path relative to the module's root, and the SHA-256 of its content. */
  add(path: string, sha256: Uint8Array): void;
  /** How many files were added. */
  count(): number;
  /** The hash of all of them. Throws Failure "invalid" if a path holds a line end. */
  h1(): Promise<H1Hash>;
};

/** Gathers the hashes of files whose names in the zip are `prefix` ("path@version"), a slash, and their paths. */
export function createFileHashes(prefix: string): FileHashes {
  const paths: string[] = [];
  const blocks: Buffer[] = [];
  let inOrder = true;

  // All names begin with the same bytes, so that the paths decide about their order.
  const order = (): Promise<Iterable<number>> | Iterable<number> =>
    inOrder ? paths.keys() : sortInTurns([...paths.keys()], (a, b) => compareBytewise(paths[a]!, paths[b]!));

  return {
    add(path, sha256) {
      // git lists files in this very order; only a LICENSE that a module inherits and zips of others come otherwise.
      inOrder &&= paths.length === 0 || compareBytewise(paths.at(-1)!, path) <= 0;
      const place = paths.length % HASHES_PER_BLOCK;
      if (place === 0) blocks.push(Buffer.allocUnsafe(HASHES_PER_BLOCK * SHA256_BYTES));
      blocks.at(-1)!.set(sha256, place * SHA256_BYTES);
      paths.push(path);
    },
    count: () => paths.length,
    async h1() {
      const summary = createHash("sha256");
      let lines = 0;
      for (const index of await order()) {
        const at = (index % HASHES_PER_BLOCK) * SHA256_BYTES;
        const hex = blocks[Math.floor(index / HASHES_PER_BLOCK)]!.toString("hex", at, at + SHA256_BYTES);
        summary.update(lineOf(hex, `${prefix}/${paths[index]}`));
        if (++lines % LINES_AT_ONCE === 0) await everybodysTurn();
      }
      return h1Of(summary);
    },
  };
}

/** The hash of a go.mod file, that of the second line in go.sum. */
export const h1OfGoMod = (goMod: string | Uint8Array): H1Hash =>
  h1Of(createHash("sha256").update(lineOf(createHash("sha256").update(goMod).digest("hex"), "go.mod")));

function lineOf(hex: string, name: string): string {
  if (name.includes("\n")) throw invalid("dirhash: filenames with newlines are not supported");
  return `${hex}  ${name}\n`;
}

const h1Of = (summary: Hash): H1Hash => `h1:${summary.digest("base64")}` as H1Hash;
