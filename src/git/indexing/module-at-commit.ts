// Which version of a module a commit is. This is the heart of the go command's direct mode (cmd/go/internal/modfetch/
// coderepo.go, Stat and convert): a revision becomes a commit, and the commit becomes the tag that it carries or a
// pseudo-version that comes after the highest tag in its history. The pure rules are in gomod/; here they are fed with
// what the repository says.

import { isFailure, notFound } from "../../errors.ts";
import { synthesizeGoMod } from "../../gomod/go-mod-file.ts";
import { checkPathMajor } from "../../gomod/module-path.ts";
import {
  candidateGoModPaths,
  chooseModuleDirectory,
  type ModuleLocation,
  revisionOf,
} from "../../gomod/module-root.ts";
import {
  canonicalVersionOf,
  canUseIncompatible,
  type GoModFacts,
  invalidVersionMessage,
  precedingTags,
  pseudoVersionProblem,
} from "../../gomod/pseudo-check.ts";
import { pseudoVersion, SHORT_HASH_LENGTH } from "../../gomod/pseudo-version.ts";
import { commitTagVersion } from "../../gomod/tag-version.ts";
import { compare, isPseudoVersion, major } from "../../gomod/version.ts";
import { readLargeGoMod } from "../../registry/versions/readable-go-mod.ts";
import type { Ref, Repository } from "../objects/repository.ts";
import { type ResolvedRevision, resolveRevision } from "../objects/revision.ts";
import { type Dependence, tagDependence } from "./origin.ts";

const TAGS = "refs/tags/";
/** The largest go.mod that is served, in bytes. The go command minds only in the zip, from 16 MiB on; memory minds here. */
const MAX_GO_MOD = 32 * 1024 * 1024;

/** A module as it is at a commit: what publishing needs. */
export interface ModuleAtCommit {
  readonly version: string;
  readonly commit: string;
  readonly time: Date;
  /** The tag that made the version (refs/tags/…); undefined for a pseudo-version. */
  readonly ref: string | undefined;
  /** The module's directory; "" at the root. */
  readonly directory: string;
  readonly goMod: Buffer;
  /** There is no go.mod; the one given is made up. */
  readonly legacy: boolean;
  /** For a query that is no version: what its answer depends on. */
  readonly dependence?: Dependence;
  /**
   * Why the pseudo-version that a branch was resolved to would be refused to whoever asks for it: the go command contradicts
   * itself where a tag of the root has the number that the version in a sub-directory comes after.
   */
  readonly refusedAs?: string;
}

/** Why a tag of a commit is no version of a module although direct mode has it for one; undefined: it is one. */
export type Objection = (modulePath: string, found: ModuleAtCommit) => string | undefined;

const NO_OBJECTION: Objection = () => undefined;

/**
 * The version that a revision of a repository is: of a version, pseudo-version, branch, tag or hash prefix, or "" for the
 * default branch. Throws not-found with the go command's words. `isUnwanted` speaks of the module's versions, which a
 * branch or a hash is not resolved to. With an objection to the commit its tags are not there: asked for by name they are
 * not found, and a branch at that commit is a pseudo-version that comes after the tags before it.
 */
export async function moduleAtRevision(
  repository: Repository,
  location: ModuleLocation,
  requested: string,
  isUnwanted: (version: string) => boolean,
  objection: Objection = NO_OBJECTION,
): Promise<ModuleAtCommit> {
  const refs = await repository.listRefs();
  const revision = requested === "" ? "HEAD" : revisionOf(location, requested);
  const commit = await resolveRevision(repository, revision, refs).catch((error: unknown) => {
    if (isFailure(error, "not-found")) throw refusal(location, requested || "latest", error.message);
    throw error;
  });
  const at = new CommitOfModule(repository, location, commit, refs);
  const checkTagged = async (version: string): Promise<ModuleAtCommit> =>
    unlessObjected(location, await at.check(version, requested), objection);

  const problemOf = async (version: string): Promise<string | undefined> =>
    pseudoVersionProblem(version, {
      location,
      hash: commit.oid,
      time: commit.time,
      tagsOnCommit: await repository.tagsOn(commit.oid, refs),
      precedingTags: await ancestry(repository, precedingTags(location, version, tagNames(refs)), commit.oid, refs),
    });

  if (isPseudoVersion(requested)) {
    const found = await at.check(requested, requested);
    const problem = await problemOf(requested);
    if (problem !== undefined)
      throw notFound(
        invalidVersionMessage(location.modulePath, requested, problem, "pseudo-version"),
        "version_invalid",
      );
    return found;
  }

  const dependence: Dependence = { ref: commit.ref };
  const goMods = await at.goModFacts();
  const fits = (version: string): boolean =>
    checkPathMajor(version, location.pathMajor) === undefined ||
    canUseIncompatible(location, version, requested, goMods);

  // The very tag that was asked for; a hash is none, whatever names it.
  if (commit.ref === TAGS + revision) {
    const said = commitTagVersion(location, revision);
    if (said?.isCanonical) {
      const found = await checkTagged(said.version).catch(unlessNotFound);
      if (found) return { ...found, dependence };
    }
  }

  let highest = "";
  let base = "";
  const tagsHere = await repository.tagsOn(commit.oid, refs);
  for (const tag of tagsHere) {
    const said = commitTagVersion(location, tag);
    if (!said) continue;
    const { version, isCanonical } = said;
    if (requested !== "" && compare(version, requested) === 0) {
      // Whether it fits the path or not: the reason is then about the tag that was asked for.
      if (isCanonical) return { ...(await checkTagged(version)), dependence };
      base = version;
    }
    if (isCanonical && compare(highest, version) < 0 && !isUnwanted(version) && fits(version)) highest = version;
  }
  let passedOver: readonly string[] = [];
  if (highest !== "") {
    const found = await at.check(highest, requested);
    if (objection(location.modulePath, found) === undefined) return { ...found, dependence };
    passedOver = tagsHere; // they have the same go.mod
  }

  if (base === "") {
    // Highest by the tag's own text, as go compares; all its ancestors count, not the nearest.
    let best = "";
    for (const tag of await repository.tagsMerged(commit.oid, location.tagPrefix)) {
      const said = commitTagVersion(location, tag);
      const text = tag.slice(location.tagPrefix.length);
      if (!said || compare(text, best) <= 0 || isUnwanted(said.version) || !fits(said.version)) continue;
      if (passedOver.includes(tag)) continue;
      best = text;
      base = said.version;
    }
  }
  const short = commit.oid.slice(0, SHORT_HASH_LENGTH);
  const found = await at.check(pseudoVersion(location.pseudoMajor, base, commit.time, short), requested);
  const refusedAs = await problemOf(found.version);
  return {
    ...found,
    dependence: { ...dependence, tags: tagDependence(location, refs) },
    ...(refusedAs === undefined ? {} : { refusedAs }),
  };
}

/** The module that a tag is a version of, at the commit that the tag names now. Throws not-found with the reason. */
export async function moduleAtTag(
  repository: Repository,
  location: ModuleLocation,
  tag: { readonly tag: string; readonly version: string; readonly commit: string },
  objection: Objection = NO_OBJECTION,
): Promise<ModuleAtCommit> {
  const info = await repository.commitInfo(tag.commit);
  if (!info) throw notFound(`the tag names no commit`);
  const at = new CommitOfModule(repository, location, { ...info, ref: TAGS + tag.tag }, []);
  const plain = tag.version.replace(/\+incompatible$/, "");
  return unlessObjected(location, await at.check(plain, tag.version), objection);
}

function unlessObjected(location: ModuleLocation, found: ModuleAtCommit, objection: Objection): ModuleAtCommit {
  const reason = objection(location.modulePath, found);
  if (reason !== undefined) throw refusal(location, found.version, reason);
  return found;
}

/** A commit, looked at as a module; reads each go.mod once. */
class CommitOfModule {
  readonly #repository: Repository;
  readonly #location: ModuleLocation;
  readonly #commit: ResolvedRevision;
  readonly #refs: readonly Ref[];
  readonly #files = new Map<string, Promise<Buffer | undefined>>();

  constructor(repository: Repository, location: ModuleLocation, commit: ResolvedRevision, refs: readonly Ref[]) {
    this.#repository = repository;
    this.#location = location;
    this.#commit = commit;
    this.#refs = refs;
  }

  /** What decides about +incompatible. Only the root counts, so other modules read nothing. */
  async goModFacts(majors: readonly string[] = tagNames(this.#refs).map(major)): Promise<GoModFacts> {
    const { codeDir, pathMajor } = this.#location;
    if (codeDir !== "" || pathMajor !== "") return { hasRootGoMod: true, hasMajorGoMod: () => true };
    const hasRootGoMod = (await this.#read("go.mod")) !== undefined;
    const present = new Set<string>();
    if (!hasRootGoMod)
      for (const name of new Set(majors))
        if (/^v\d+$/.test(name) && (await this.#read(`${name}/go.mod`)) !== undefined) present.add(name);
    return { hasRootGoMod, hasMajorGoMod: (name) => present.has(name) };
  }

  /** coderepo.go, checkCanonical: the version, if the go.mod files and the module path allow it. */
  async check(version: string, requested: string): Promise<ModuleAtCommit> {
    const location = this.#location;
    const paths = candidateGoModPaths(location);
    const contents = {
      codeDir: await this.#read(paths.codeDir),
      majorDir: paths.majorDir === undefined ? undefined : await this.#read(paths.majorDir),
    };
    let place: ReturnType<typeof chooseModuleDirectory<Buffer>>;
    try {
      place = chooseModuleDirectory(location, contents, { version });
    } catch (error) {
      if (isFailure(error, "invalid")) throw refusal(location, version, error.message);
      throw error;
    }
    const facts = await this.goModFacts([major(version)]);
    const known = canonicalVersionOf(location, version, requested, facts);
    if (known.reason !== undefined) throw refusal(location, known.version, known.reason);
    const { ref, oid, time } = this.#commit;
    if (place.goMod) await readLargeGoMod(place.goMod);
    return {
      version: known.version,
      commit: oid,
      time,
      ref: isPseudoVersion(known.version) ? undefined : this.#tagOf(known.version, ref),
      directory: place.dir,
      goMod: place.goMod ?? Buffer.from(synthesizeGoMod(location.modulePath)),
      legacy: place.goMod === undefined,
    };
  }

  #tagOf(version: string, ref: string | undefined): string | undefined {
    const name = TAGS + revisionOf(this.#location, version);
    return ref === name || this.#refs.some((each) => each.name === name) ? name : undefined;
  }

  #read(path: string): Promise<Buffer | undefined> {
    let content = this.#files.get(path);
    if (!content) {
      content = this.#repository.readFile(this.#commit.oid, path, MAX_GO_MOD).then(
        // A directory or a submodule of that name is no go.mod; a symlink is one, and its text is the content.
        (file) => (file && (file.kind === "file" || file.kind === "symlink") ? file.content : undefined),
        (error: unknown) => {
          throw isFailure(error, "too-large") ? notFound(`${path} is larger than ${MAX_GO_MOD} bytes`) : error;
        },
      );
      this.#files.set(path, content);
    }
    return content;
  }
}

async function ancestry(repository: Repository, tags: readonly string[], commit: string, refs: readonly Ref[]) {
  return Promise.all(
    tags.map(async (name) => {
      const ref = refs.find((each) => each.name === TAGS + name)!;
      const target = ref.peeled ?? ref.oid;
      return { name, isAncestor: ref.type === "commit" && (await repository.isAncestor(target, commit)) };
    }),
  );
}

function tagNames(refs: readonly Ref[]): string[] {
  return refs.filter((ref) => ref.name.startsWith(TAGS)).map((ref) => ref.name.slice(TAGS.length));
}

function refusal(location: ModuleLocation, version: string, reason: string) {
  return notFound(invalidVersionMessage(location.modulePath, version, reason), "version_invalid");
}

function unlessNotFound(error: unknown): undefined {
  if (isFailure(error, "not-found")) return undefined;
  throw error;
}
