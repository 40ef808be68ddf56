// Whole files into a bucket and out of it. The name of a zip ends in the SHA-256 of its bytes: on the way in the server
// compares them with it, on the way out we do.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Failure, isFailure } from "../../errors.ts";
import { storing } from "../disk-blobs.ts";
import type { Bucket } from "./bucket.ts";

/** Sends a file under a key that ends in its SHA-256. "there": with `onlyNew`, when there is such an object already. */
export async function sendFile(
  bucket: Bucket,
  file: string,
  key: string,
  onlyNew: boolean,
): Promise<"stored" | "there"> {
  const { size } = await stat(file);
  return bucket.put(key, { sha256: basename(key), size, body: (range) => createReadStream(file, range), onlyNew });
}

/**
 * Writes an object into a new file and compares it with its name; false, and no file, if there is no such object. Throws
 * Failure("unavailable"), and leaves no file, if its bytes are others or break off.
 */
export async function fetchObject(bucket: Bucket, key: string, file: string): Promise<boolean> {
  const body = await bucket.get(key);
  if (!body) return false;
  const sum = createHash("sha256");
  const summed = new Transform({
    transform(chunk, _encoding, done) {
      sum.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await storing(() => pipeline(body, summed, createWriteStream(file, { flags: "wx" })));
    if (sum.digest("hex") === basename(key)) return true;
    throw new Error("its bytes have not the SHA-256 that is its name");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw cause; // somebody else's file
    await rm(file, { force: true });
    if (isFailure(cause)) throw cause;
    throw new Failure("unavailable", `${bucket.name} did not give ${key} whole: try again in a moment`, {
      reason: "storage_unavailable",
      cause,
    });
  }
}
