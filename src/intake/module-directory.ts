// Modules in a directory that somebody else's program keeps: a module cache of the go command, the storage of another proxy.
// The directory is looked through once; then it answers as an upstream does, so that what comes out of it is judged and stored
// by the same parts. Three layouts are told apart by where the files stand:
//
//   ESCAPED/@v/VERSION.info, .mod, .zip, .ziphash   GOMODCACHE/cache/download, goproxy, and every copy of a GOPROXY
//   MODULE/@v/VERSION.info, .mod, .zip              Athens in object storage: the path as it is
//   MODULE/VERSION/go.mod, source.zip, VERSION.info Athens on a disk
//
// A .ziphash is what the go command believed of a zip when it fetched it (cmd/go/internal/modfetch, fetch.go).
import { createReadStream } from "node:fs";
import { opendir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { Failure, invalid, isFailure } from "../errors.ts";
import { checkPath, type ModulePath, unescapePath, unescapeVersion } from "../gomod/module-path.ts";
import { compare } from "../gomod/version.ts";
import { isExactVersion } from "../upstream/admission.ts";
import { OFF } from "../upstream/policy.ts";
import type { FoundUpstream, UpstreamClient } from "../upstream/upstream-client.ts";

/** A larger directory is taken in parts. */
const MAX_FILES = 5_000_000;
const CACHE = join("cache", "download");

type FileKind = "info" | "mod" | "zip";

/** A version of which there are files. */
export interface FoundVersion {
  readonly modulePath: ModulePath;
  readonly version: string;
  /** Where each is. */
  readonly files: Partial<Record<FileKind | "ziphash", string>>;
}

/** What is in a directory. */
export interface DirectoryContent {
  /** By `path@version`, in Go's order of versions. */
  readonly versions: ReadonlyMap<string, FoundVersion>;
  /** Answers as an upstream that has these. */
  readonly client: UpstreamClient;
  /** The h1 that stands beside a zip; undefined if none does. */
  ziphashOf(version: FoundVersion): Promise<string | undefined>;
}

/** Looks a directory through. Throws invalid if it is none, or has no modules. */
export async function openModuleDirectory(path: string): Promise<DirectoryContent> {
  const root = await rootOf(path);
  const versions = new Map<string, FoundVersion>();
  for await (const file of filesBelow(root)) {
    const place = placeOf(relative(root, file).split(sep).join("/"));
    if (place === undefined) continue;
    const name = `${place.modulePath}@${place.version}`;
    const known = versions.get(name) ?? { modulePath: place.modulePath, version: place.version, files: {} };
    versions.set(name, { ...known, files: { ...known.files, [place.kind]: file } });
  }
  if (versions.size === 0)
    throw invalid(`${path} has no modules: give GOMODCACHE or its cache/download, or the storage of a proxy`);
  const byVersion = (a: FoundVersion, b: FoundVersion): number => compare(a.version, b.version);
  const sorted = new Map([...versions].sort(([, a], [, b]) => byVersion(a, b)));
  return {
    versions: sorted,
    client: clientOf(path, sorted),
    ziphashOf: async ({ files }) =>
      files.ziphash === undefined ? undefined : (await readFile(files.ziphash, "utf8")).trim(),
  };
}

async function rootOf(path: string): Promise<string> {
  for (const root of [join(path, CACHE), join(path, "pkg", "mod", CACHE), path])
    if ((await stat(root).catch(() => undefined))?.isDirectory()) return root;
  throw invalid(`${path} is no directory`);
}

async function* filesBelow(root: string): AsyncGenerator<string> {
  let count = 0;
  for await (const entry of await opendir(root, { recursive: true })) {
    if (!entry.isFile()) continue;
    if (++count > MAX_FILES) throw invalid(`${root} has more than ${MAX_FILES} files: take its directories one by one`);
    yield join(entry.parentPath, entry.name);
  }
}

interface Place {
  readonly modulePath: ModulePath;
  readonly version: string;
  readonly kind: FileKind | "ziphash";
}

/** What a file is, by its path below the root; undefined: nothing of a version. */
function placeOf(path: string): Place | undefined {
  const proxy = /^(.+)\/@v\/([^/]+)\.(info|mod|zip|ziphash)$/.exec(path);
  if (proxy) return checked(unescaped(proxy[1]!, proxy[2]!), proxy[3] as Place["kind"]);
  const athens = /^(.+)\/(v[^/]+)\/(go\.mod|source\.zip|(v[^/]+)\.info)$/.exec(path);
  if (!athens || (athens[4] !== undefined && athens[4] !== athens[2])) return undefined;
  const kind = athens[3] === "go.mod" ? "mod" : athens[3] === "source.zip" ? "zip" : "info";
  return checked({ path: athens[1]!, version: athens[2]! }, kind);
}

/** Escaped as a proxy has it, or as it is. */
function unescaped(path: string, version: string): { path: string; version: string } {
  try {
    return { path: unescapePath(path), version: unescapeVersion(version) };
  } catch (error) {
    if (isFailure(error)) return { path, version };
    throw error;
  }
}

function checked({ path, version }: { path: string; version: string }, kind: Place["kind"]): Place | undefined {
  if (checkPath(path) !== undefined || !isExactVersion(path, version)) return undefined; // a branch's .info, for one
  return { modulePath: path as ModulePath, version, kind };
}

function clientOf(name: string, versions: ReadonlyMap<string, FoundVersion>): UpstreamClient {
  const fetch: UpstreamClient["fetch"] = async (request, { maxBytes }) => {
    const found =
      "version" in request ? versions.get(`${request.modulePath}@${request.version}`)?.files[request.kind] : undefined;
    if (found === undefined) return { kind: "absent", status: 404, text: "", upstream: name };
    const { size } = await stat(found);
    if (size > maxBytes) throw new Failure("too-large", `${found} has more than the ${maxBytes} bytes allowed`);
    const headers = { "content-length": String(size) };
    return { kind: "found", body: createReadStream(found), headers, upstream: name } satisfies FoundUpstream;
  };
  return {
    list: OFF,
    fetch,
    async fetchBytes(request, { check, ...options }) {
      const answer = await fetch(request, options);
      if (answer.kind === "absent") return answer;
      const bytes = await bytesIn(answer);
      await check?.(bytes, {
        ...{ upstream: name, hasNext: false },
        async ask(other, how) {
          const next = await fetch(other, how);
          return next.kind === "absent" ? next : { ...next, bytes: await bytesIn(next) };
        },
      });
      return { kind: "found", bytes, headers: answer.headers, upstream: name };
    },
    async ask() {
      throw new Failure("unavailable", `${name} is a directory`);
    },
  };
}

async function bytesIn({ body }: FoundUpstream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
