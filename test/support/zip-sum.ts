import { hash } from "node:crypto";
import JSZip from "jszip";
import { createFileHashes, type H1Hash } from "../../src/gomod/dir-hash.ts";

/** The h1: of a module zip, worked out without our reader of zips. */
export async function h1OfZip(prefix: string, zip: Buffer): Promise<H1Hash> {
  const hashes = createFileHashes(prefix);
  const { files } = await JSZip.loadAsync(zip);
  for (const [name, file] of Object.entries(files))
    hashes.add(name.slice(prefix.length + 1), hash("sha256", await file.async("nodebuffer"), "buffer"));
  return hashes.h1();
}
