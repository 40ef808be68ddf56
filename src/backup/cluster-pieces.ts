// The embedded database in pieces of one size, each under its SHA-256 and stored once: what has not changed since the last backup
// is there already. PostgreSQL writes pages in their places, so a file that changed here and there has most of its pieces as
// they were. PostgreSQL's own incremental backups need pg_combinebackup to be brought back, which the packages of the embedded
// server have not; and each of them hangs on the ones before, while here every backup is whole by itself.
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { constants, gunzip, gzip } from "node:zlib";
import tar from "tar-stream";
import { copyCluster } from "../database/base-backup.ts";
import type { ClusterEntry } from "../database/restored-cluster.ts";
import { Failure } from "../errors.ts";

/** Small, so that a page that changed takes little with it; not so small that there are too many. */
const PIECE_BYTES = 1024 * 1024;

/** Where pieces are. They are compressed there; their names are of what they hold. */
export interface Pieces {
  /** Whether there is one of this SHA-256. */
  has(sha256: string): boolean;
  put(sha256: string, compressed: Buffer): Promise<void>;
  /** Undefined: there is none. */
  get(sha256: string): Promise<Buffer | undefined>;
}

/** A cluster as it is listed in a backup. */
export interface SavedCluster {
  /** In the order of the server. Without pieces a directory is meant; an empty file has none of them. */
  readonly entries: readonly { readonly path: string; readonly pieces?: readonly string[] }[];
}

/**
 * Copies the cluster behind a URL: what is new becomes a piece, and its manifest a file. `told` hears of the compressed bytes of
 * each new piece.
 */
export async function saveCluster(
  url: string,
  manifest: string,
  pieces: Pieces,
  told: (bytes: number) => void,
): Promise<SavedCluster> {
  const entries: { path: string; pieces?: string[] }[] = [];
  const save = async (piece: Buffer): Promise<string> => {
    const sha256 = createHash("sha256").update(piece).digest("hex");
    if (!pieces.has(sha256)) {
      const compressed = await promisify(gzip)(piece, { level: constants.Z_BEST_SPEED });
      await pieces.put(sha256, compressed);
      told(compressed.length);
    }
    return sha256;
  };
  const take = async (archive: Readable): Promise<void> => {
    const extract = tar.extract();
    const read = pipeline(archive, extract);
    read.catch(() => {}); // told by whoever reads from it
    for await (const entry of extract) {
      const { name, type } = entry.header;
      if (type === "directory") entries.push({ path: name });
      else if (type === "file") {
        const saved: string[] = [];
        for await (const piece of inPieces(entry as unknown as AsyncIterable<Buffer>)) saved.push(await save(piece));
        entries.push({ path: name, pieces: saved });
      } else throw new Failure("conflict", `the database holds a ${type}, which no backup can: ${name}`);
      entry.resume();
    }
    await read;
  };
  await copyCluster(url, take, manifest);
  return { entries };
}

/** What restoreCluster() writes. Throws conflict for a piece that is not there, or not what its name says. */
export function* restorableEntries({ entries }: SavedCluster, pieces: Pieces): Generator<ClusterEntry> {
  const contentOf = async function* (names: readonly string[]): AsyncGenerator<Buffer> {
    for (const name of names) {
      const compressed = await pieces.get(name);
      if (!compressed)
        throw new Failure("conflict", `the backup of the database is not whole: it has no piece ${name}`);
      const piece = await promisify(gunzip)(compressed).catch(() => Buffer.alloc(0));
      if (createHash("sha256").update(piece).digest("hex") !== name)
        throw new Failure("conflict", `the backup of the database is damaged: piece ${name} is not what its name says`);
      yield piece;
    }
  };
  for (const { path, pieces: names } of entries) yield { path, content: names && contentOf(names) };
}

/** The names of the pieces that a cluster is made of. */
export function piecesOf({ entries }: SavedCluster): Set<string> {
  return new Set(entries.flatMap(({ pieces }) => pieces ?? []));
}

async function* inPieces(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let size = 0;
  for await (let chunk of content) {
    while (size + chunk.length >= PIECE_BYTES) {
      const head = chunk.subarray(0, PIECE_BYTES - size);
      yield Buffer.concat([...chunks, head]);
      chunk = chunk.subarray(head.length);
      [chunks, size] = [[], 0];
    }
    chunks.push(chunk);
    size += chunk.length;
  }
  if (size > 0) yield Buffer.concat(chunks);
}
