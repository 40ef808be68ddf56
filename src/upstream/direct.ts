// `direct`: a module from the version-control server that its path names, by the same code that reads hosted repositories.
// The repository is found (import-path.ts), mirrored (git-mirror.ts), and answers as a Go proxy would: list, @latest, .info
// of any revision, .mod and .zip of canonical versions.
// Sources: Go Modules Reference, "Version control systems"; cmd/go/internal/modfetch/coderepo.go.
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { inTurns } from "../concurrency/turns.ts";
import { notFound } from "../errors.ts";
import { type ModuleAtCommit, moduleAtRevision } from "../git/indexing/module-at-commit.ts";
import { originOf } from "../git/indexing/origin.ts";
import { archiveModule } from "../git/objects/archive.ts";
import type { Ref, Repository } from "../git/objects/repository.ts";
import { retractedBy } from "../gomod/go-mod-file.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { locateModule, type ModuleLocation } from "../gomod/module-root.ts";
import { MAX_GO_MOD } from "../gomod/module-zip.ts";
import { type GoRequest, goPathOf } from "../gomod/proxy-path.ts";
import { versionOfTag } from "../gomod/tag-version.ts";
import { canonicalVersion, isIncompatible, isPseudoVersion } from "../gomod/version.ts";
import { latestVersion, listedVersions, retractingVersion, versionsThatDecide } from "../gomod/version-list.ts";
import { isReservedQuery } from "../gomod/version-query.ts";
import { readGoMod, readLargeGoMod } from "../registry/versions/readable-go-mod.ts";
import type { GitMirrors } from "./git-mirror.ts";
import { goUrl } from "./go-url.ts";
import type { GuardedHttp } from "./guarded-http.ts";
import { meansAbsence, type RepositoryRoot, repositoryOfPath } from "./import-path.ts";
import { answerOf, type FetchDirect, type FetchOptions, type UpstreamAnswer } from "./upstream-client.ts";

/** How old what is known of a remote may be for lists and branches. */
const LIST_AGE_MS = 60_000;
/** How old it may be for a version that is asked for by name and not there: it may have been pushed just now. */
const NAMED_AGE_MS = 5_000;
const TAGS = "refs/tags/";
/** So many are read as versions without a pause: anybody's repository may have a million. */
const TAGS_AT_ONCE = 2_000;

export interface DirectParts {
  readonly http: GuardedHttp;
  readonly mirrors: GitMirrors;
  /** How the repository of a module is found; for tests. */
  readonly find?: (modulePath: ModulePath, signal?: AbortSignal) => Promise<RepositoryRoot>;
}

interface Opened {
  readonly repository: Repository;
  readonly location: ModuleLocation;
  readonly url: string;
}

/** The `direct` entry of a list of upstreams. */
export function createDirect(parts: DirectParts): FetchDirect {
  const { http, mirrors, find = (path, signal) => repositoryOfPath(http, path, signal) } = parts;
  const answer = async (request: GoRequest, options: FetchOptions): Promise<UpstreamAnswer> => {
    const { modulePath } = request;
    const root = await find(modulePath, options.signal);
    if (root.vcs === "mod") {
      // Its trouble is no absence: the go command stops there.
      return await answerOf(await http.get(goUrl(root.url, goPathOf(request)), options), new URL(root.url).host);
    }
    const location = locateModule(root.root, modulePath, root.subdirectory);
    if (!location) throw notFound(`${modulePath} is no module path of the repository ${root.root}`);
    const open = async (maxAgeMs: number): Promise<Opened> => ({
      repository: await mirrors.at(root.url, maxAgeMs, options.signal),
      location,
      url: root.url,
    });
    const found = (body: Readable, type: string): UpstreamAnswer => ({
      kind: "found",
      body,
      headers: { "content-type": type },
      upstream: new URL(root.url).host,
    });
    const small = (text: string | Buffer, type: string): UpstreamAnswer =>
      found(Readable.from([Buffer.from(text as string)], { objectMode: false }), type);

    if (request.kind === "list") {
      const lines = (await versionsOf(await open(LIST_AGE_MS))).map((version) => `${version}\n`).join("");
      return small(lines, "text/plain; charset=utf-8");
    }
    if (request.kind === "latest")
      return small(infoOf(await latestOf(await open(LIST_AGE_MS)), root.url, location), "application/json");
    const { kind, version } = request;
    if (isReservedQuery(version)) throw notFound(`${modulePath}: ${version} is nothing to ask for`);
    if (kind !== "info" && canonicalVersion(version) !== version)
      throw notFound(`${modulePath}@${version}: .${kind} needs a canonical version`);
    const { at, opened } = await atRevision(open, version);
    if (kind === "info") return small(infoOf(at, root.url, location), "application/json");
    if (at.version !== version) throw notFound(`${modulePath}@${version} resolves to version ${at.version}`);
    if (kind === "mod") return small(at.goMod, "text/plain; charset=utf-8");
    return found(await zipOf(opened.repository, mirrors, modulePath, at, options), "application/zip");
  };
  return async (request, options) => {
    try {
      return await answer(request, options);
    } catch (error) {
      if (options.signal?.aborted || !meansAbsence(error)) throw error;
      return { kind: "absent", status: 404, text: `not found: ${error.message}\n`, upstream: "direct" };
    }
  };
}

/** A revision of a module; what names the same thing for ever is looked for here first. */
async function atRevision(
  open: (maxAgeMs: number) => Promise<Opened>,
  version: string,
): Promise<{ at: ModuleAtCommit; opened: Opened }> {
  const look = async (maxAgeMs: number): Promise<{ at: ModuleAtCommit; opened: Opened }> => {
    const opened = await open(maxAgeMs);
    return {
      at: await moduleAtRevision(opened.repository, opened.location, version, await retractionsIn(opened)),
      opened,
    };
  };
  if (canonicalVersion(version) !== version) return await look(LIST_AGE_MS);
  try {
    return await look(Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!meansAbsence(error)) throw error;
    return await look(NAMED_AGE_MS);
  }
}

/** The versions that tags make, ascending; with what decides about +incompatible read from the repository. */
async function listIn({ repository, location }: Opened): Promise<string[]> {
  const refs = await repository.listRefs();
  const tagged: { version: string; ref: Ref }[] = [];
  for await (const part of inTurns(refs, TAGS_AT_ONCE))
    for (const ref of part) {
      const version = ref.name.startsWith(TAGS) ? versionOfTag(location, ref.name.slice(TAGS.length)) : undefined;
      if (version !== undefined) tagged.push({ version, ref });
    }
  const deciding = new Set(await versionsThatDecide(tagged.map(({ version }) => version)));
  const withGoMod = new Set<string>();
  for (const { version, ref } of tagged)
    if (deciding.has(version) && (await goModAt(repository, location, ref)) !== undefined) withGoMod.add(version);
  return await listedVersions(tagged.map(({ version }) => ({ version, hasGoMod: withGoMod.has(version) })));
}

async function goModAt(repository: Repository, location: ModuleLocation, ref: Ref): Promise<Buffer | undefined> {
  if (ref.type !== "commit") return undefined;
  const file = await repository.readFile(ref.peeled ?? ref.oid, `${location.tagPrefix}go.mod`, MAX_GO_MOD);
  return file?.kind === "file" || file?.kind === "symlink" ? file.content : undefined;
}

/** The list; empty only for a module that is there without tags. */
async function versionsOf(opened: Opened): Promise<string[]> {
  const versions = await listIn(opened);
  if (versions.length === 0) await moduleAtRevision(opened.repository, opened.location, "", () => false);
  return versions;
}

/** Which versions the newest go.mod retracts. */
async function retractionsIn(opened: Opened): Promise<(version: string) => boolean> {
  const newest = await retractingVersion(await listIn(opened));
  if (newest === undefined) return () => false;
  try {
    const { goMod } = await moduleAtRevision(opened.repository, opened.location, newest, () => false);
    await readLargeGoMod(goMod);
    // A go.mod that cannot be read retracts nothing.
    const isRetracted = retractedBy(readGoMod(goMod).file?.retracts ?? []);
    return (version) => !isIncompatible(version) && isRetracted(version);
  } catch (error) {
    if (meansAbsence(error)) return () => false;
    throw error;
  }
}

async function latestOf(opened: Opened): Promise<ModuleAtCommit> {
  const retracted = await retractionsIn(opened);
  const newest = await latestVersion(await listIn(opened), retracted);
  return await moduleAtRevision(opened.repository, opened.location, newest ?? "", retracted);
}

/** As the go command writes it. */
function infoOf(at: ModuleAtCommit, url: string, location: ModuleLocation): string {
  const { ref, dependence } = at;
  const origin = originOf(url, location, at.commit, isPseudoVersion(at.version) ? (dependence ?? { ref }) : { ref });
  return JSON.stringify({ Version: at.version, Time: `${at.time.toISOString().slice(0, 19)}Z`, Origin: origin });
}

async function zipOf(
  repository: Repository,
  mirrors: GitMirrors,
  modulePath: ModulePath,
  { commit, directory, version }: ModuleAtCommit,
  { signal, maxBytes }: FetchOptions,
): Promise<Readable> {
  const file = mirrors.scratch();
  await archiveModule({ repository, commit, subdir: directory, modulePath, version, file, maxBytes, signal });
  const body = createReadStream(file);
  body.once("close", () => void rm(file, { force: true }));
  return body;
}
