// A module's zip written into a file: hashed as a module (h1) and as bytes (its place among the blobs) while it is written, and
// on the disk for good when it is done. Where the files come from, git's archive or a tar, is the caller's.
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type FileToZip, type WrittenZip, writeModuleZip } from "../../gomod/zip-writer.ts";

export interface ZipFile extends WrittenZip {
  /** Of the zip's bytes, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes the zip of a module version (`prefix`: "path@version") to a path at which nothing is, synced to the disk. Nothing is
 * left there if the promise rejects. Throws Failure("too-large") if the files together, or the zip, have more than `maxBytes`
 * (default the go command's 500 MiB), and whatever the files throw.
 */
export async function writeZipFile(
  path: string,
  prefix: string,
  files: AsyncIterable<FileToZip>,
  maxBytes?: number,
): Promise<ZipFile> {
  const handle = await open(path, "wx");
  try {
    const digest = createHash("sha256");
    const sink = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        digest.update(chunk);
        done(null, chunk);
      },
    });
    const stored = pipeline(sink, handle.createWriteStream({ flush: true }));
    stored.catch(() => {});
    try {
      const written = await writeModuleZip(prefix, files, sink, maxBytes === undefined ? {} : { maxBytes });
      sink.end();
      await stored;
      return { ...written, sha256: digest.digest("hex") };
    } catch (error) {
      sink.destroy();
      await stored.catch(() => {});
      throw error;
    }
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(path, { force: true });
    throw error;
  }
}
