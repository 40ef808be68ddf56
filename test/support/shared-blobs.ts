// A data directory has one server. Where a test is about several servers that have the same modules from elsewhere, each gets
// a data directory of its own whose blobs are the same directory, as object storage will be.
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "./temporary.ts";

/** A new data directory that shares the blobs of another. */
export function sharingBlobs(dataDirectory: string): string {
  mkdirSync(join(dataDirectory, "blobs"), { recursive: true });
  const another = temporary("sharing");
  symlinkSync(join(dataDirectory, "blobs"), join(another, "blobs"));
  return another;
}
