// A backup in a bucket of S3: every file as an object that is called after its SHA-256, and for each backup one object that lists
// the files. So a second backup sends what is new, each backup is whole by itself, and one that was killed is none: its list is
// sent last. The order is that of a backup on a disk (backup.ts): first the database, then the files, which only grow.
//
//   objects/SHA-256        the bytes of a file; never changed
//   pieces/SHA-256.gz      a piece of the database, which is called after what it holds when it is unpacked
//   backups/MOMENT.json    what a backup says of itself, and its files
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { postgresDirectory } from "../database/running-database.ts";
import { Failure, isFailure } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";
import { countStoredVersions } from "../registry/versions/stored-versions.ts";
import { unlessMissing } from "../storage/missing-file.ts";
import type { Bucket } from "../storage/s3/bucket.ts";
import { ABANDONED_UPLOAD_MS } from "../storage/s3/multipart.ts";
import { bodyOfFile, bytesToPut } from "../storage/s3/requests.ts";
import {
  type BackupOptions,
  type BackupReport,
  BLOB_KINDS,
  CLUSTER,
  MANIFEST,
  PASSWORD,
  SKIPPED,
  untilSettled,
} from "./backup.ts";
import { piecesOf, type SavedCluster, saveCluster } from "./cluster-pieces.ts";
import { filesIn } from "./copied-files.ts";
import { PIECES, pieceOfKey, piecesInBucket } from "./piece-places.ts";

const FORMAT = 1;
const OBJECTS = "objects";
const BACKUPS = "backups";
/** An object that is younger may belong to a backup that is under way. */
const YOUNG_MS = 24 * 3_600_000;

/** One file of a backup. */
export interface SavedFile {
  /** Below `data/` or `database/`. */
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  /** Permissions, and milliseconds since 1970, as they were. */
  readonly mode: number;
  readonly modified: number;
}

/** What a backup in a bucket says of itself. */
export interface SavedBackup {
  readonly format: typeof FORMAT;
  readonly gokura: string;
  /** Everything that was acknowledged before this moment is in it. */
  readonly moment: string;
  /** Whether the database is in it; otherwise it is external, and saved by pg_dump. */
  readonly hasDatabase: boolean;
  readonly versions: number;
  readonly files: readonly SavedFile[];
}

/** Backs up to a bucket, where earlier backups may be, and leaves the newest `keep` there. */
export async function backUpToBucket(
  registry: Registry,
  bucket: Bucket,
  { gokura, embeddedUrl, progress, keep }: BackupOptions & { readonly keep: number },
): Promise<BackupReport> {
  const moment = new Date().toISOString();
  const versions = await countStoredVersions(registry);
  const [last] = await backupsIn(bucket);
  const before = last === undefined ? undefined : await readBackup(bucket, last);
  // Whatever was done to the bucket meanwhile: what is not there any more is sent again.
  const objects = new Set<string>();
  for await (const { key } of bucket.list(OBJECTS)) objects.add(basename(key));
  const sending = sender(bucket, objects, before, progress);
  if (embeddedUrl !== undefined) await sendDatabase(registry, embeddedUrl, bucket, sending, progress);
  await untilSettled(async () => {
    sending.begin("data/");
    let vanished = 0;
    for await (const path of filesIn(registry.dataDirectory, "", (one) => SKIPPED.test(one)))
      if (!(await sending.file(join(registry.dataDirectory, path), `data/${path}`))) vanished++;
    return { there: sending.paths(), vanished };
  });
  for (const kind of BLOB_KINDS)
    for await (const { key } of registry.blobs.list(kind)) await sending.blob(registry, key);
  const saved: SavedBackup = {
    ...{ format: FORMAT, gokura, moment, hasDatabase: embeddedUrl !== undefined, versions },
    files: [...sending.files.values()],
  };
  await putText(bucket, listOf(moment), `${JSON.stringify(saved)}\n`);
  await removeOlder(bucket, keep);
  await bucket.abandonUploads(Date.now() - ABANDONED_UPLOAD_MS);
  return { moment, versions, files: sending.sent.files, bytes: sending.sent.bytes };
}

/** Sends the embedded database: what is new of its pieces, and the files that say what it is made of. */
async function sendDatabase(
  registry: Registry,
  url: string,
  bucket: Bucket,
  { file, sent }: Sender,
  progress: BackupOptions["progress"],
): Promise<void> {
  const scratch = await mkdtemp(`${registry.blobs.scratch()}-backup-`);
  try {
    const pieces = await piecesInBucket(bucket);
    const cluster = await saveCluster(url, join(scratch, MANIFEST), pieces, (bytes) => {
      sent.files++;
      sent.bytes += bytes;
      progress("database", sent.bytes);
    });
    await writeFile(join(scratch, CLUSTER), JSON.stringify(cluster), { mode: 0o600 });
    for (const name of [CLUSTER, MANIFEST]) await file(join(scratch, name), `database/${name}`);
    await file(join(postgresDirectory(registry.dataDirectory), PASSWORD), `database/${PASSWORD}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The names of the backups in a bucket, the newest first. */
export async function backupsIn(bucket: Bucket): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of bucket.list(BACKUPS)) if (key.endsWith(".json")) found.push(basename(key, ".json"));
  return found.toSorted().reverse();
}

/** The key of the list of a backup: no colon in it, which some servers write otherwise. */
function listOf(moment: string): string {
  return `${BACKUPS}/${moment.replaceAll(":", "-")}.json`;
}

/** What a backup says of itself. Throws conflict for another format. */
export async function readBackup(bucket: Bucket, moment: string): Promise<SavedBackup> {
  const text = await textOf(bucket, listOf(moment)).catch((error: unknown) => {
    if (!isFailure(error, "not-found")) throw error;
    throw new Failure("not-found", `${bucket.name} holds no backup ${moment}`);
  });
  const saved = JSON.parse(text) as SavedBackup;
  if (saved.format !== FORMAT)
    throw new Failure("conflict", `${moment} has the format ${saved.format}; this release reads ${FORMAT}`);
  return saved;
}

/** The key of the object that has a file's bytes. */
export function objectOf({ sha256 }: Pick<SavedFile, "sha256">): string {
  return `${OBJECTS}/${sha256}`;
}

interface Sender {
  readonly files: ReadonlyMap<string, SavedFile>;
  /** What was sent, because it was not there. */
  readonly sent: { files: number; bytes: number };
  /** Forgets what was seen below a path: a pass over it begins. */
  begin(below: string): void;
  paths(): ReadonlySet<string>;
  /** Sees to it that a file is there; false: it is gone. */
  file(from: string, path: string): Promise<boolean>;
  /** Sees to it that a zip of the registry is there, wherever it is now. */
  blob(registry: Registry, key: string): Promise<void>;
}

function sender(
  bucket: Bucket,
  objects: Set<string>,
  before: SavedBackup | undefined,
  progress: BackupOptions["progress"],
): Sender {
  const known = new Map(before?.files.map((file) => [file.path, file]));
  const files = new Map<string, SavedFile>();
  const sent = { files: 0, bytes: 0 };

  const send = async (handle: FileHandle, path: string, { size, mode, mtimeMs }: Stats, named?: string) => {
    // Of a file that grows meanwhile its beginning counts; one that is replaced is another file.
    const body = bodyOfFile(handle, size);
    const old = known.get(path) ?? files.get(path);
    const same = old?.size === size && old.modified === Math.floor(mtimeMs) ? old.sha256 : undefined;
    const sha256 = named ?? same ?? (await sha256Of(body()));
    if (!objects.has(sha256)) {
      if ((await bucket.put(`${OBJECTS}/${sha256}`, { sha256, size, onlyNew: true, body })) === "stored") {
        sent.files++;
        sent.bytes += size;
        progress("files", sent.bytes);
      }
      objects.add(sha256);
    }
    files.set(path, { path, sha256, size, mode: mode & 0o777, modified: Math.floor(mtimeMs) });
  };
  return {
    ...{ files, sent },
    begin(below) {
      for (const [path, file] of files) {
        if (!path.startsWith(below)) continue;
        known.set(path, file);
        files.delete(path);
      }
    },
    paths: () => new Set(files.keys()),
    async file(from, path) {
      const handle = await open(from).catch(unlessMissing);
      if (!handle) return false;
      try {
        await send(handle, path, await handle.stat());
        return true;
      } finally {
        await handle.close().catch(() => {});
      }
    },
    async blob({ blobs }, key) {
      const path = `data/blobs/${key}`;
      if (files.has(path)) return;
      const handle = await blobs.openFile(key, { isOnce: true }).catch((error: unknown) => {
        if (isFailure(error, "not-found")) return undefined; // taken away meanwhile
        throw error;
      });
      if (!handle) return;
      try {
        await send(handle, path, await handle.stat(), basename(key));
      } finally {
        await handle.close().catch(() => {});
      }
    },
  };
}

/** Removes all backups but the newest, and objects that none of these needs. */
async function removeOlder(bucket: Bucket, keep: number): Promise<void> {
  const all = await backupsIn(bucket);
  if (all.length <= keep) return;
  const needed = new Set<string>();
  const neededPieces = new Set<string>();
  for (const moment of all.slice(0, keep))
    for (const file of (await readBackup(bucket, moment)).files) {
      needed.add(file.sha256);
      if (file.path !== `database/${CLUSTER}`) continue;
      const cluster = JSON.parse(await textOf(bucket, objectOf(file))) as SavedCluster;
      for (const piece of piecesOf(cluster)) neededPieces.add(piece);
    }
  // First the lists, so that none is ever there without what it lists.
  for (const moment of all.slice(keep)) await bucket.remove(listOf(moment));
  for await (const { key, writtenAt } of bucket.list(OBJECTS))
    if (!needed.has(basename(key)) && writtenAt < Date.now() - YOUNG_MS) await bucket.remove(key);
  for await (const { key, writtenAt } of bucket.list(PIECES))
    if (!neededPieces.has(pieceOfKey(key)) && writtenAt < Date.now() - YOUNG_MS) await bucket.remove(key);
}

/** The text of an object. Throws not-found when it is not there. */
async function textOf(bucket: Bucket, key: string): Promise<string> {
  const body = await bucket.get(key);
  if (!body) throw new Failure("not-found", `${bucket.name} has no ${key}`);
  return Buffer.concat(await body.toArray()).toString("utf8");
}

async function putText(bucket: Bucket, key: string, text: string): Promise<void> {
  await bucket.put(key, { ...bytesToPut(Buffer.from(text)), onlyNew: false });
}

async function sha256Of(bytes: Buffer | AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of Buffer.isBuffer(bytes) ? [bytes] : bytes) hash.update(piece);
  return hash.digest("hex");
}
