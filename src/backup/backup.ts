// A backup of everything, beside a server that runs. First the database, then the files, which only ever grow: so whatever a
// row of the saved database promises is among the files that are saved after it. What came later lies there too, does no
// harm, and is left out by the restore. A second backup to the same place copies what is new.
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { postgresDirectory } from "../database/running-database.ts";
import { Failure } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";
import { countStoredVersions } from "../registry/versions/stored-versions.ts";
import { makeDirectory, sync, syncTree } from "../storage/durable-files.ts";
import { piecesOf, saveCluster } from "./cluster-pieces.ts";
import { type Copied, copyBlob, copyFiles, removeOthers } from "./copied-files.ts";
import { describeBackup, descriptionOf, UNFINISHED_DESCRIPTION } from "./description.ts";
import { PIECES, piecePath, piecesInDirectory } from "./piece-places.ts";

/** Packs come and go while git tidies: so often is looked for new ones. */
const MAX_PASSES = 20;
/** What of the data directory is not saved: the database, which is copied by itself; caches; sockets, locks, what is half done. */
export const SKIPPED =
  /^postgres$|^postgres-elsewhere$|^mirrors$|^blob-cache$|^server\.sock$|^blobs\/scratch\/|\.lock$|\/tmp_[^/]*$|\/tmp_objdir-|\.git\.new-/;
/** What lies in a bucket, if there is one. */
export const BLOB_KINDS = ["zip", "pack"] as const;
export const DATA = "data";
export const CLUSTER = "cluster.json";
export const MANIFEST = "backup_manifest";
export const PASSWORD = "password";

export interface BackupOptions {
  /** The release, for the description. */
  readonly gokura: string;
  /** The embedded database; undefined: it is external. */
  readonly embeddedUrl: string | undefined;
  /** Told what is done, and how many bytes of it. */
  readonly progress: (what: string, bytes: number) => void;
}

export interface BackupReport {
  readonly moment: string;
  readonly versions: number;
  /** Files that were copied now, and their bytes; what was there from the last time is not among them. */
  readonly files: number;
  readonly bytes: number;
}

/** Backs up to a directory, which is made, or holds an earlier backup of the same registry. */
export async function backUp(registry: Registry, target: string, options: BackupOptions): Promise<BackupReport> {
  await demandTarget(target);
  const moment = new Date().toISOString();
  const versions = await countStoredVersions(registry);
  const saved = await saveDatabase(registry, target, moment, options);
  const { files, bytes, there } = await copyAll(registry.dataDirectory, join(target, DATA), options.progress);
  const zips = await copyZips(registry, join(target, DATA, "blobs"), options.progress);
  // Files were synced one by one, also those of a backup that was killed; the names of all are in their directories.
  for (const part of [DATA, PIECES, ...(saved ? [saved.directory] : [])])
    await syncTree(join(target, part), "directories");
  await describeBackup(target, { gokura: options.gokura, moment, cluster: saved?.directory ?? null, versions });
  // Only now may the last one go.
  await removeOthers(join(target, DATA), new Set([...there, ...zips.there]));
  for (const name of await readdir(target))
    if (name.startsWith("database-") && name !== saved?.directory) await rm(join(target, name), { recursive: true });
  await removeOthers(join(target, PIECES), saved?.pieces ?? new Set());
  return {
    ...{ moment, versions },
    files: files + zips.files + (saved?.files ?? 0),
    bytes: bytes + zips.bytes + (saved?.bytes ?? 0),
  };
}

/** What is saved of the embedded database: where it is described, its pieces, and what of them is new. */
interface SavedDatabase {
  /** The name of the directory below the backup. */
  readonly directory: string;
  /** By their paths. */
  readonly pieces: ReadonlySet<string>;
  readonly files: number;
  readonly bytes: number;
}

/** Undefined: the database is external. */
async function saveDatabase(
  registry: Registry,
  target: string,
  moment: string,
  { embeddedUrl, progress }: BackupOptions,
): Promise<SavedDatabase | undefined> {
  if (embeddedUrl === undefined) return undefined;
  const name = `database-${moment.replace(/[^0-9]/g, "")}`;
  const directory = join(target, name);
  await mkdir(directory, { mode: 0o700 });
  let [files, bytes] = [0, 0];
  const cluster = await saveCluster(embeddedUrl, join(directory, MANIFEST), piecesInDirectory(target), (more) => {
    files++;
    bytes += more;
    progress("database", bytes);
  });
  await writeFile(join(directory, CLUSTER), JSON.stringify(cluster), { mode: 0o600, flush: true });
  await copyFile(join(postgresDirectory(registry.dataDirectory), PASSWORD), join(directory, PASSWORD));
  for (const name of [MANIFEST, PASSWORD]) await sync(join(directory, name));
  return { directory: name, pieces: new Set([...piecesOf(cluster)].map(piecePath)), files, bytes };
}

async function demandTarget(target: string): Promise<void> {
  await makeDirectory(target, 0o700);
  const names = (await readdir(target)).filter((name) => !name.startsWith("."));
  const isOurs =
    (await descriptionOf(target)) !== undefined ||
    names.every(
      (name) => name === DATA || name === PIECES || name === UNFINISHED_DESCRIPTION || name.startsWith("database-"),
    );
  if (!isOurs)
    throw new Failure(
      "conflict",
      `${target} holds other things than a backup: give an empty directory, or one of an earlier backup`,
    );
}

async function copyAll(from: string, to: string, progress: BackupOptions["progress"]): Promise<Copied> {
  let [files, bytes] = [0, 0];
  const told = (more: number): void => {
    bytes += more;
    progress("files", bytes);
  };
  const copied = await untilSettled(async () => {
    const pass = await copyFiles(from, to, (path) => SKIPPED.test(path), told);
    files += pass.files;
    return pass;
  });
  return { ...copied, files, bytes };
}

/**
 * Goes over the files until a pass has seen the same packs as the one before and nothing has vanished under it. git writes a new
 * pack before it takes away what is in it, so then every object that was there at the beginning has been seen, in the one or
 * the other.
 */
export async function untilSettled<T extends Pick<Copied, "there" | "vanished">>(goOver: () => Promise<T>): Promise<T> {
  let packsBefore = "";
  for (let pass = 1; ; pass++) {
    const seen = await goOver();
    const packs = [...seen.there].filter((path) => path.endsWith(".pack")).join();
    if (packs === packsBefore && seen.vanished === 0 && pass > 1) return seen;
    if (pass >= MAX_PASSES)
      throw new Failure(
        "unavailable",
        "the repositories change faster than they can be copied: try again at a quieter hour",
      );
    packsBefore = packs;
  }
}

/** Copies zips and packs that are not among the files, because they are in a bucket. They lie in the backup as those of a disk do. */
async function copyZips(
  registry: Registry,
  to: string,
  progress: BackupOptions["progress"],
): Promise<Pick<Copied, "files" | "bytes" | "there">> {
  const there = new Set<string>();
  let [files, bytes] = [0, 0];
  for (const kind of BLOB_KINDS)
    for await (const { key } of registry.blobs.list(kind)) {
      there.add(`blobs/${key}`);
      if (existsSync(join(to, key))) continue;
      const size = await copyBlob(registry.blobs, key, join(to, key));
      if (size === undefined) continue; // taken away meanwhile
      files++;
      bytes += size;
      progress("zips of the bucket", bytes);
    }
  return { files, bytes, there };
}
