// The files of a version, read out of its stored zip one by one: where each lies says the directory at the zip's end, so
// that a page of names or one file costs the same in a zip of any size. What a zip holds was judged before it was stored
// (upstream/admission.ts, git/objects/archive.ts); all the same nothing is read beyond its bound, and what many pages of one zip
// ask for, its directory, is remembered within a bound.
import type { FileHandle } from "node:fs/promises";
import { ExpiringMemory } from "../../concurrency/expiring-memory.ts";
import { sortInTurns } from "../../concurrency/turns.ts";
import { withoutYoungGrowth } from "../../concurrency/young-generation.ts";
import { Failure, invalid, isFailure, notFound } from "../../errors.ts";
import { compareBytewise } from "../../gomod/byte-order.ts";
import {
  BadZip,
  readZipDirectory,
  readZipEntry,
  readZipEntryHead,
  type ZipFileEntry,
} from "../../storage/zip-reader.ts";
import { type KeysetPage, keysetPage, type PageRequest } from "../lists/keyset-page.ts";
import type { Registry } from "../registry.ts";
import { type MadeZip, zipKeyOf } from "../versions/version-zip.ts";

/** Of a file's content, in bytes: what is larger is cut. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** Where git looks for a NUL to tell what is no text (xdiff-interface.c, buffer_is_binary). */
const TEXT_SAMPLE_BYTES = 8000;
/** Names that a comparison lists of each kind. */
const MAX_DIFFERENCES = 1_000;
/** Bytes that a comparison unpacks to make sure that what has one CRC is the same. */
const MAX_COMPARED_BYTES = 64 * 1024 * 1024;
/** Entries of directories that are remembered, some 200 bytes each, as is one of a directory itself. */
const REMEMBERED_ENTRIES = 200_000;

/** For so long after somebody asked for it: every zip that is stored has its directory read once. */
const REMEMBERED_MS = 10 * 60 * 1000;

/** The zip of a version, and what stands before each name in it. */
export interface VersionZip {
  readonly zip: MadeZip;
  /** `MODULE@VERSION/` */
  readonly prefix: string;
}

export interface ModuleFile {
  /** In the module, slash-separated. */
  readonly path: string;
  /** Bytes. */
  readonly size: bigint;
  readonly from: VersionZip;
  readonly entry: ZipFileEntry;
}

const directories = new ExpiringMemory<string, readonly ZipFileEntry[]>({
  maxSize: REMEMBERED_ENTRIES,
  sizeCalculation: (entries) => entries.length + 1,
  ttl: REMEMBERED_MS,
  updateAgeOnGet: true,
});

/** What stands before the names in a version's zip. */
export function zipPrefix(modulePath: string, version: string): string {
  return `${modulePath}@${version}/`;
}

/** Reads in a version's zip. Throws unavailable if its bytes are not as they were stored. */
async function inZip<T>(
  registry: Registry,
  { zip, prefix }: VersionZip,
  read: (file: FileHandle) => Promise<T>,
): Promise<T> {
  try {
    const file = await registry.blobs.openFile(zipKeyOf(zip));
    try {
      return await read(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (!(cause instanceof BadZip) && !isFailure(cause, "not-found")) throw cause;
    registry.log.error({ err: cause, zip: zip.sha256, version: prefix }, "a stored zip cannot be read");
    const said = "its stored zip cannot be read; ask the server's administrator, the log says more";
    throw new Failure("unavailable", `${prefix.slice(0, -1)}: ${said}`, { cause });
  }
}

/** All files of a version in the order of their names' bytes. */
export async function filesOf(registry: Registry, from: VersionZip): Promise<readonly ModuleFile[]> {
  const entries = await entriesOf(registry, from);
  return entries.map((entry) => fileOf(from, entry));
}

/** Reads the first bytes of a file, so many at most. */
type ReadHead = (file: ModuleFile, maxBytes: number) => Promise<Buffer>;

/** Reads in the root of a version, whose zip is opened once: `read` is given the files there, in the order of their names' bytes. */
export function readRootFiles<T>(
  registry: Registry,
  from: VersionZip,
  read: (files: readonly ModuleFile[], readHead: ReadHead) => Promise<T>,
): Promise<T> {
  return inZip(registry, from, async (file) => {
    const entries = await entriesOf(registry, from, file);
    const root = entries.filter(({ name }) => !name.includes("/", from.prefix.length));
    return read(
      root.map((entry) => fileOf(from, entry)),
      ({ entry }, maxBytes) => readZipEntryHead(file, entry, maxBytes),
    );
  });
}

async function entriesOf(registry: Registry, from: VersionZip, opened?: FileHandle): Promise<readonly ZipFileEntry[]> {
  const known = directories.get(from.zip.sha256);
  if (known) return known;
  const read = (file: FileHandle): Promise<ZipFileEntry[]> => readZipDirectory(file, from.zip.size);
  const entries = await withoutYoungGrowth(async () => {
    const all = opened ? await read(opened) : await inZip(registry, from, read);
    const files = all.filter(({ name }) => name.startsWith(from.prefix) && !name.endsWith("/"));
    return await sortInTurns(files, (a, b) => compareBytewise(a.name, b.name));
  });
  directories.set(from.zip.sha256, entries);
  return entries;
}

function fileOf(from: VersionZip, entry: ZipFileEntry): ModuleFile {
  return { path: entry.name.slice(from.prefix.length), size: BigInt(entry.size), from, entry };
}

/** A page of the files of a version at or below a directory ("" for all), by name, and how many there are. */
export async function pageOfFiles(
  registry: Registry,
  from: VersionZip,
  under: string,
  request: PageRequest,
): Promise<KeysetPage<ModuleFile> & { readonly total: number }> {
  const directory = under.replace(/^\/+|\/+$/g, "");
  const start = from.prefix + (directory === "" ? "" : `${directory}/`);
  const all = await entriesOf(registry, from);
  const entries = directory === "" ? all : all.filter(({ name }) => name.startsWith(start));
  const page = await keysetPage<ModuleFile, string>(request, {
    keyType: "string",
    order: "asc",
    key: ({ path }) => path,
    read: async ({ gt, lt }, order, take) => {
      const first = gt === undefined ? 0 : lowerBound(entries, from.prefix + gt, true);
      const end = lt === undefined ? entries.length : lowerBound(entries, from.prefix + lt, false);
      const some =
        order === "asc"
          ? entries.slice(first, Math.min(end, first + take))
          : entries.slice(Math.max(first, end - take), end).reverse();
      return some.map((entry) => fileOf(from, entry));
    },
  });
  return { ...page, total: entries.length };
}

/** The first entry whose name is not less than a name; with `after`, that is greater. */
function lowerBound(entries: readonly ZipFileEntry[], name: string, after: boolean): number {
  let low = 0;
  for (let high = entries.length; low < high; ) {
    const middle = (low + high) >>> 1;
    const order = compareBytewise(entries[middle]!.name, name);
    if (order < 0 || (after && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A file of a version by its path; undefined if there is none. */
export async function findFile(registry: Registry, from: VersionZip, path: string): Promise<ModuleFile | undefined> {
  const entries = await entriesOf(registry, from);
  const entry = entries[lowerBound(entries, from.prefix + path, false)];
  return entry?.name === from.prefix + path ? fileOf(from, entry) : undefined;
}

/** The first bytes of a file, MAX_FILE_BYTES unless told otherwise. */
export function readFile(registry: Registry, { from, entry }: ModuleFile, maxBytes = MAX_FILE_BYTES): Promise<Buffer> {
  return inZip(registry, from, (file) => readZipEntryHead(file, entry, maxBytes));
}

/** The SHA-256 of a file's whole content, in hex. */
export async function sumOfFile(registry: Registry, { from, entry }: ModuleFile): Promise<string> {
  const { sha256 } = await inZip(registry, from, (file) => readZipEntry(file, entry, false));
  return sha256.toString("hex");
}

/** The text of a file's first bytes, without half a character at a cut; undefined for what is no text: NUL, no UTF-8. */
export function textOfFile(head: Buffer, isCut: boolean): string | undefined {
  if (head.subarray(0, TEXT_SAMPLE_BYTES).includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(head, { stream: isCut });
  } catch {
    return undefined;
  }
}

export interface FileChange {
  readonly path: string;
  readonly from: ModuleFile;
  readonly to: ModuleFile;
}

export interface FileDiff {
  readonly added: readonly ModuleFile[];
  readonly removed: readonly ModuleFile[];
  readonly changed: readonly FileChange[];
  /** Not everything is listed, or not everything that has one size and CRC was compared. */
  readonly truncated: boolean;
}

/**
 * How the files of two versions of a module differ, by name, by content. What has another size or CRC is another content;
 * what has the same is unpacked and compared by SHA-256, up to 64 MiB, because a CRC can be made to fit.
 */
export async function compareFiles(registry: Registry, before: VersionZip, after: VersionZip): Promise<FileDiff> {
  const [old, now] = await Promise.all([filesOf(registry, before), filesOf(registry, after)]);
  const oldByPath = new Map(old.map((file) => [file.path, file]));
  const paths = new Set(now.map(({ path }) => path));
  const added = now.filter(({ path }) => !oldByPath.has(path));
  const removed = old.filter(({ path }) => !paths.has(path));
  const changed: FileChange[] = [];
  let bytesLeft = before.zip.sha256 === after.zip.sha256 ? -1 : MAX_COMPARED_BYTES;
  let truncated = false;
  for (const to of now) {
    const from = oldByPath.get(to.path);
    if (!from || bytesLeft === -1) continue;
    if (from.entry.size === to.entry.size && from.entry.crc === to.entry.crc) {
      const bytes = 2 * to.entry.size;
      if (bytes > bytesLeft) {
        truncated = true;
        continue;
      }
      bytesLeft -= bytes;
      if ((await sumOfFile(registry, from)) === (await sumOfFile(registry, to))) continue;
    }
    changed.push({ path: to.path, from, to });
  }
  const lists = [added, removed, changed];
  return {
    added: added.slice(0, MAX_DIFFERENCES),
    removed: removed.slice(0, MAX_DIFFERENCES),
    changed: changed.slice(0, MAX_DIFFERENCES),
    truncated: truncated || lists.some(({ length }) => length > MAX_DIFFERENCES),
  };
}

/** What to say of a version from upstream whose zip nobody has fetched yet. */
export function notFetchedYet(modulePath: string, version: string): Failure {
  const name = `${modulePath}@${version}`;
  return notFound(
    `the files of ${name} are not here yet: fetch them first (go mod download ${name}), then ask again`,
    "not_fetched",
  );
}

/** Checks a path that somebody asks for. Throws invalid. */
export function checkWantedPath(path: string): string {
  if (path === "" || path.startsWith("/") || path.endsWith("/"))
    throw invalid("a file's path is relative to the module's root, such as internal/parse.go");
  return path;
}
