// The h1: hash, by which go.sum and the checksum database know a module. Each file is hashed by itself, the lines
// "hex-of-hash  name" are put in the order of the names' bytes, and their SHA-256 in base64 is the hash. How a zip packs
// its files does not matter. A go.mod alone is hashed as if it were the only file. Sources: Go Modules Reference, "go.sum
// files"; golang.org/x/mod/sumdb/dirhash Hash1; cmd/go/internal/modfetch/fetch.go goModSum.

import { createHash } from "node:crypto";
import { invalid } from "../errors.ts";
import { compareBytewise } from "./byte-order.ts";

/** `h1:` and the base64, with padding, of a SHA-256. */
export type H1Hash = string & { readonly __brand: "H1Hash" };

/** A file in a zip: its whole name, such as `example.com/m@v1.0.0/go.mod`, and its SHA-256 as bytes or in hexadecimal. */
export type HashedFile = { name: string; sha256: Uint8Array | string };

/** The text as an h1: hash; throws Failure "invalid". */
export function parseH1Hash(text: string): H1Hash {
  if (!/^h1:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) throw invalid("not a hash of the form h1:…=");
  return text as H1Hash;
}

/** The hash of a set of files, in whatever order they are given. Throws Failure "invalid" if a name holds a line end. */
export function h1OfFiles(files: Iterable<HashedFile>): H1Hash {
  const summary = createHash("sha256");
  for (const { name, sha256 } of Array.from(files).sort((a, b) => compareBytewise(a.name, b.name))) {
    if (name.includes("\n")) throw invalid("dirhash: filenames with newlines are not supported");
    const hex = typeof sha256 === "string" ? sha256 : Buffer.from(sha256).toString("hex");
    summary.update(`${hex}  ${name}\n`);
  }
  return `h1:${summary.digest("base64")}` as H1Hash;
}

/** The hash of a go.mod file, that of the second line in go.sum. */
export const h1OfGoMod = (goMod: string | Uint8Array): H1Hash =>
  h1OfFiles([{ name: "go.mod", sha256: createHash("sha256").update(goMod).digest() }]);
