// Bundles: what a build needs, in one file, for machines that reach nothing. A tar of modules in the layout of a GOPROXY, so that
// GOPROXY=file://…/cache/download works on the unpacked thing without us, and of the checksum database's words about them:
// each record with one and the same signed head, and the tiles that prove them in it. So nobody needs to believe the bundle:
// whoever loads it proves every record with the database's key and compares every zip with it, as if both had been fetched.
//
// A head that a reader knows already must be shown to be the beginning of the bundle's: that takes tiles that only somebody can
// add who knows it. So a bundle that comes after another one is made with that one at hand, and leaves out what that one has.
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import { invalid, isFailure } from "../errors.ts";
import { h1OfGoMod } from "../gomod/dir-hash.ts";
import { escapePath, escapeVersion, type ModulePath } from "../gomod/module-path.ts";
import { goPathOf } from "../gomod/proxy-path.ts";
import type { Registry } from "../registry/registry.ts";
import { lookUpVersion, type StoredVersion } from "../registry/versions/upstream-modules.ts";
import { zipKeyOf } from "../registry/versions/version-zip.ts";
import { storing } from "../storage/disk-blobs.ts";
import { renameDurably } from "../storage/durable-files.ts";
import type { SumDatabase } from "../sumdb/database-name.ts";
import { parseVerifierKey } from "../sumdb/note.ts";
import { followed, type ProvedLog, provedLookup, unknownLog } from "../sumdb/proved-log.ts";
import { lookupAnswer, parseLookupAnswer } from "../sumdb/record.ts";
import type { DatabaseSource } from "../upstream/database-source.ts";
import type { SumdbProxy } from "../upstream/sumdb-proxy.ts";
import type { WantedVersion } from "./go-sum.ts";

/** What a bundle says of itself, in bundle.json. */
export interface BundleContents {
  readonly format: 1;
  readonly created: string;
  /** The checksum database whose records are in it; undefined: none. */
  readonly sumdb: string | undefined;
  readonly versions: readonly BundledVersion[];
}

export interface BundledVersion {
  readonly path: string;
  readonly version: string;
  readonly go_mod_h1: string;
  /** Of the zip, if that is in it. */
  readonly h1?: string | undefined;
}

const CONTENTS = "bundle.json";
const MODULES = "cache/download";
const MAX_CONTENTS_BYTES = 256 * 1024 * 1024;
const DAY_OF_FILES = new Date(0); // the same versions make the same bytes

export interface BundleParts {
  readonly registry: Registry;
  readonly sumDatabases: SumdbProxy;
  /** The database whose records go along. */
  readonly database: SumDatabase | undefined;
}

/** Writes a bundle of versions that are stored. The file is there whole or not at all. */
export async function writeBundle(
  parts: BundleParts,
  wanted: readonly WantedVersion[],
  file: string,
  earlier: EarlierBundle | undefined,
  now = new Date(),
): Promise<BundleContents> {
  const { registry, database } = parts;
  const words = database && (await databaseWords(parts, database, wanted, earlier));
  const versions: BundledVersion[] = [];
  const part = `${file}.part`;
  await rm(part, { force: true }); // of a process that was killed
  const pack = tar.pack();
  const writing = pipeline(pack, createWriteStream(part, { flags: "wx", flush: true }));
  writing.catch(() => {}); // told below
  const put = (name: string, bytes: Buffer): Promise<void> =>
    entry(pack, name, bytes.length, async (sink) => void sink.end(bytes));
  try {
    for (const { modulePath, version, zip } of wanted) {
      const { stored } = await lookUpVersion(registry, modulePath, version);
      if (!stored?.goMod || (zip && !stored.zip)) throw invalid(`${modulePath}@${version} is not stored`);
      versions.push(await putVersion(registry, pack, put, { modulePath, version, zip }, stored));
    }
    for (const [path, bytes] of words ?? []) await put(`sumdb/${database!.name}/${path}`, bytes);
    const contents = { format: 1, created: now.toISOString(), sumdb: words && database!.name, versions } as const;
    await put(CONTENTS, Buffer.from(`${JSON.stringify(contents, undefined, 1)}\n`));
    pack.finalize();
    await writing;
    await renameDurably(part, file);
    return contents;
  } catch (error) {
    pack.destroy();
    // Of a file that cannot be written, a tar says only that it was destroyed.
    const cause = await writing.then(
      () => error,
      (told: NodeJS.ErrnoException) => (told.syscall === undefined ? error : told),
    );
    await rm(part, { force: true });
    return await storing(() => Promise.reject(cause));
  }
}

async function putVersion(
  registry: Registry,
  pack: tar.Pack,
  put: (name: string, bytes: Buffer) => Promise<void>,
  { modulePath, version, zip }: Pick<WantedVersion, "modulePath" | "version" | "zip">,
  stored: StoredVersion,
): Promise<BundledVersion> {
  const at = (kind: "info" | "mod" | "zip"): string => `${MODULES}/${goPathOf({ kind, modulePath, version })}`;
  const goMod = stored.goMod!;
  if (stored.info) await put(at("info"), stored.info);
  await put(at("mod"), goMod);
  const named = { path: modulePath, version, go_mod_h1: h1OfGoMod(goMod) };
  if (!zip) return named;
  const made = stored.zip!;
  const blob = await registry.blobs.openFile(zipKeyOf(made));
  try {
    await entry(pack, at("zip"), made.size, async (sink) => {
      // In buffers of its own: a tar keeps what is written into it until the disk has taken it, and tells nobody when.
      for await (const chunk of blob.createReadStream({ start: 0, end: made.size - 1, autoClose: false }))
        if (!sink.write(chunk)) await once(sink, "drain");
      sink.end();
    });
  } finally {
    await blob.close();
  }
  return { ...named, h1: made.h1 };
}

async function entry(
  pack: tar.Pack,
  name: string,
  size: number,
  write: (sink: Writable) => Promise<void>,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const sink = pack.entry({ name, size, mtime: DAY_OF_FILES }, (error) =>
    error ? done.reject(error) : done.resolve(),
  );
  done.promise.catch(() => {});
  // A tar whose file cannot be written takes its sinks away, and these drain no more.
  await Promise.race([write(sink as unknown as Writable), done.promise]);
  await done.promise;
}

/** What a database says of versions, by its paths: records, all with one head, and the tiles that prove them. */
async function databaseWords(
  { sumDatabases }: BundleParts,
  { name, verifierKey }: SumDatabase,
  wanted: readonly WantedVersion[],
  earlier: EarlierBundle | undefined,
): Promise<Map<string, Buffer> | undefined> {
  const words = new Map<string, Buffer>();
  const serve = async (path: string): Promise<Buffer | undefined> => {
    const answer = await sumDatabases.serve(`${name}/${path}`);
    return answer.kind === "found" ? answer.bytes : undefined;
  };
  const verifier = parseVerifierKey(verifierKey);
  const said: { modulePath: ModulePath; version: string; id: number; text: string }[] = [];
  let newest: ProvedLog = unknownLog(verifier, { read: ({ path }) => serve(path) });
  for (const { modulePath, version } of wanted) {
    const path = lookupPath(modulePath, version);
    const answer = await serve(path).catch((error: unknown) => {
      if (isFailure(error, "not-found")) return undefined; // a name that no database may hear of
      throw error;
    });
    if (!answer) continue;
    const { id, text, note } = parseLookupAnswer(answer);
    newest = await followed(newest, note);
    said.push({ modulePath, version, id, text });
  }
  if (!newest.head) return undefined;
  const { note } = newest.head;
  const recorded = unknownLog(verifier, {
    async read({ path }) {
      const bytes = await serve(path);
      if (bytes) words.set(path, bytes);
      return bytes;
    },
  });
  let log = await followed(recorded, note);
  if (earlier?.heads.has(name)) log = await followed(log, earlier.heads.get(name)!);
  for (const { modulePath, version, id, text } of said) {
    const answer = lookupAnswer(id, text, note);
    await provedLookup(log, answer, modulePath, version);
    words.set(lookupPath(modulePath, version), answer);
  }
  words.set("latest", note);
  return words;
}

const lookupPath = (modulePath: ModulePath, version: string): string =>
  `lookup/${escapePath(modulePath)}@${escapeVersion(version)}`;

/** A bundle that was made before. */
export interface EarlierBundle {
  readonly versions: ReadonlySet<string>;
  /** The signed heads in it, by the name of the database. */
  readonly heads: ReadonlyMap<string, Buffer>;
}

/** What has to be known of a bundle to make one that comes after it. Throws invalid if it is none. */
export async function readEarlier(file: string): Promise<EarlierBundle> {
  const heads = new Map<string, Buffer>();
  let contents: BundleContents | undefined;
  for await (const { name, content } of entriesOf(file)) {
    const [, database] = /^sumdb\/(.+)\/latest$/.exec(name) ?? [];
    if (database !== undefined) heads.set(database, await bytesOf(content));
    else if (name === CONTENTS) contents = parseContents(file, await bytesOf(content));
  }
  if (!contents) throw noBundle(file);
  return { heads, versions: new Set(contents.versions.map(bundledName)) };
}

/** A version in a bundle, or one that is to be: with its zip or without it. */
export function bundledName({ path, version, h1 }: Pick<BundledVersion, "path" | "version" | "h1">): string {
  return `${path}@${version}${h1 === undefined ? "/go.mod" : ""}`;
}

/** A bundle, unpacked. */
export interface UnpackedBundle {
  readonly contents: BundleContents;
  /** Where the modules are, in the layout of a GOPROXY. */
  readonly modules: string;
  /** Answers for the database whose records are in it. */
  readonly source: DatabaseSource;
  /** The paths of that database that are in it. */
  readonly words: readonly string[];
}

/** Unpacks a bundle into an empty directory. Throws invalid if it is none. */
export async function unpackBundle(file: string, directory: string): Promise<UnpackedBundle> {
  const words: string[] = [];
  let contents: BundleContents | undefined;
  for await (const { name, content } of entriesOf(file)) {
    if (name === CONTENTS) {
      contents = parseContents(file, await bytesOf(content));
      continue;
    }
    const isSafe = name.split("/").every((element) => element !== "" && element !== "." && element !== "..");
    if (!isSafe || !/^(?:cache\/download|sumdb)\//.test(name))
      throw invalid(`${file} has the file ${name}: no bundle has that`);
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    // Chunk by chunk: node's pipeline does not notice when a tar ends in the middle of a file.
    await pipeline(content[Symbol.asyncIterator](), createWriteStream(path, { flags: "wx" }));
    words.push(name);
  }
  if (!contents) throw noBundle(file);
  const root = `sumdb/${contents.sumdb}/`;
  await mkdir(join(directory, MODULES), { recursive: true });
  return {
    contents,
    modules: join(directory, MODULES),
    source: sourceIn(directory, contents.sumdb),
    words: words.filter((name) => name.startsWith(root)).map((name) => name.slice(root.length)),
  };
}

function sourceIn(directory: string, name: string | undefined): DatabaseSource {
  return {
    off: false,
    async ask(database, path) {
      const absent = { kind: "absent", status: 404, text: "it is not in the bundle\n", upstream: "bundle" } as const;
      if (database.name !== name) return absent;
      return readFile(join(directory, "sumdb", name, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return absent;
        throw error;
      });
    },
  };
}

function noBundle(file: string): Error {
  return invalid(`${file} is no bundle: it has no ${CONTENTS}, or was cut`);
}

function parseContents(file: string, bytes: Buffer): BundleContents {
  try {
    const contents = JSON.parse(bytes.toString("utf8")) as BundleContents;
    if (contents.format === 1 && Array.isArray(contents.versions)) return contents;
  } catch {
    // told below
  }
  throw noBundle(file);
}

async function* entriesOf(file: string): AsyncGenerator<{ name: string; content: Readable }> {
  const extract = tar.extract();
  const reading = pipeline(createReadStream(file), extract as unknown as Writable);
  reading.catch(() => {}); // the loop below throws the same error
  try {
    for await (const one of extract) {
      const content = one as unknown as Readable;
      if (one.header.type !== "file")
        throw invalid(`${file} has ${one.header.name}, which is no file: no bundle has that`);
      yield { name: one.header.name, content };
      content.resume();
    }
  } catch (error) {
    if (isFailure(error) || (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw invalid(`${file} cannot be read as a bundle: ${(error as Error).message}`);
  } finally {
    extract.destroy();
  }
}

async function bytesOf(content: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += (chunk as Buffer).length;
    if (size > MAX_CONTENTS_BYTES) throw invalid(`a bundle's ${CONTENTS} has at most ${MAX_CONTENTS_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
