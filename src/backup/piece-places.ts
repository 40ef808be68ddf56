// Where the pieces of databases lie (cluster-pieces.ts): below `pieces/` of a backup's directory or bucket.
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { unlessMissing } from "../storage/missing-file.ts";
import type { Bucket } from "../storage/s3/bucket.ts";
import { bytesToPut } from "../storage/s3/requests.ts";
import type { Pieces } from "./cluster-pieces.ts";
import { PART } from "./copied-files.ts";

export const PIECES = "pieces";
const SUFFIX = ".gz";

/** The path of a piece below the directory of pieces. */
export function piecePath(sha256: string): string {
  return `${sha256.slice(0, 2)}/${sha256}${SUFFIX}`;
}

/** The pieces in the directory of a backup. */
export function piecesInDirectory(backup: string): Pieces {
  const pathOf = (sha256: string): string => join(backup, PIECES, piecePath(sha256));
  return {
    has: (sha256) => existsSync(pathOf(sha256)),
    async put(sha256, compressed) {
      const path = pathOf(sha256);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path + PART, compressed, { mode: 0o600, flush: true });
      await rename(path + PART, path);
    },
    get: (sha256) => readFile(pathOf(sha256)).catch(unlessMissing),
  };
}

/** The pieces in a bucket of backups, as it is now. */
export async function piecesInBucket(bucket: Bucket): Promise<Pieces> {
  const names = new Set<string>();
  for await (const { key } of bucket.list(PIECES)) names.add(pieceOfKey(key));
  const keyOf = (sha256: string): string => `${PIECES}/${sha256}${SUFFIX}`;
  return {
    has: (sha256) => names.has(sha256),
    async put(sha256, compressed) {
      await bucket.put(keyOf(sha256), { ...bytesToPut(compressed), onlyNew: true });
      names.add(sha256);
    },
    async get(sha256) {
      const body = await bucket.get(keyOf(sha256));
      return body && Buffer.concat(await body.toArray());
    },
  };
}

/** The SHA-256 of the piece that has a key in a bucket. */
export function pieceOfKey(key: string): string {
  return basename(key, SUFFIX);
}
