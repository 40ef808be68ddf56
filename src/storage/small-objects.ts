// Small things by their key, read and written whole: tiles and records of checksum databases. They live where the blobs do
// and appear as blobs do, whole or not at all.
import { rm, writeFile } from "node:fs/promises";
import { isFailure } from "../errors.ts";
import type { Blobs } from "./blobs.ts";
import { storing } from "./disk-blobs.ts";

export interface SmallObjects {
  /** The bytes under a key; undefined if there are none. */
  get(key: string): Promise<Buffer | undefined>;
  /** Stores bytes under a key, in place of those that may be there. */
  put(key: string, bytes: Buffer): Promise<void>;
}

export function smallObjects(blobs: Blobs): SmallObjects {
  return {
    async get(key) {
      try {
        return await blobs.read(key);
      } catch (error) {
        if (isFailure(error, "not-found")) return undefined;
        throw error;
      }
    },
    async put(key, bytes) {
      const scratch = blobs.scratch();
      try {
        await storing(() => writeFile(scratch, bytes));
        await blobs.adopt(scratch, key);
      } finally {
        await rm(scratch, { force: true });
      }
    },
  };
}
