// One bare repository as the rest of Gokura sees it: which branches and tags there are, what a file holds at a commit, what is
// an ancestor of what. The semantics are those of the go command's cmd/go/internal/modfetch/codehost/git.go (Tags, ReadFile,
// RecentTag, DescendsFrom), so that versions come out as `go` in direct mode computes them. Only refs/heads and refs/tags count, and what they reach: forges keep proposals of
// strangers under other refs, and those must not pass for commits of the module (mod_get_hash.txt).
//
// Everything here takes object ids that git gave or names that were checked: nothing that a user typed becomes a revision
// expression or an option.

import { readFile as readFileFromDisk } from "node:fs/promises";
import { join } from "node:path";
import { inTurns } from "../../concurrency/turns.ts";
import { Failure, invalid } from "../../errors.ts";
import { commitTime } from "../../gomod/commit-time.ts";
import { GitError, runGit } from "../process/git-process.ts";
import { isDamage, type ObjectReader, type ObjectType } from "./cat-file.ts";
import { type Commit, parseCommit, parseTagMessage } from "./commit.ts";
import { keepObjects } from "./kept-objects.ts";
import { type EntryKind, findTreeEntry, type TreeEntry } from "./tree-entry.ts";

/** A tree (one directory's listing) larger than this is not looked through, in bytes. */
const MAX_TREE_BYTES = 64 * 1024 * 1024;
/** A commit object larger than this is refused, in bytes. */
const MAX_COMMIT_BYTES = 16 * 1024 * 1024;
/** Objects that are asked about at once. */
const HEADERS_AT_ONCE = 2_000;

export interface Ref {
  /** Full name: refs/heads/main, refs/tags/v1.0.0. */
  readonly name: string;
  /** What the ref holds: for an annotated tag the tag object. */
  readonly oid: string;
  /** What an annotated tag finally stands for, through tags of tags; undefined for everything else. */
  readonly peeled: string | undefined;
  /** The type of what the ref finally stands for (of `peeled ?? oid`). Versions are made of commits. */
  readonly type: Exclude<ObjectType, "tag">;
}

/** What is left of an object without its annotations. */
interface End {
  readonly oid: string;
  readonly type: Ref["type"];
}

/** What is left of objects without annotations: the object itself for most. */
export interface PeeledObjects {
  readonly peeled: ReadonlyMap<string, string>;
  /** What git has, but damaged. */
  readonly unreadable: ReadonlySet<string>;
}

/** A ref as listRefNames tells of it. */
export type RefName = Pick<Ref, "name" | "oid">;

export interface CommitInfo {
  readonly oid: string;
  /** The committer date, whole seconds, as in versions and .info. */
  readonly time: Date;
}

export interface FileAtCommit {
  readonly kind: EntryKind;
  /** The raw bytes, without any conversion; of a symlink its text; empty for directories and gitlinks. */
  readonly content: Buffer;
}

/** One bare repository. Made by Repositories.at() (repositories.ts). */
export class Repository {
  readonly directory: string;
  readonly #reader: () => ObjectReader;

  constructor(directory: string, reader: () => ObjectReader) {
    this.directory = directory;
    this.#reader = reader;
  }

  /** The same repository, which tells how many bytes each object has before it reads it. What `take` throws is thrown. */
  taking(take: (bytes: number) => void): Repository {
    return new Repository(this.directory, () => {
      const reader = this.#reader();
      return {
        header: (spec) => reader.header(spec),
        read: (spec, maxBytes) => reader.read(spec, maxBytes, take),
      };
    });
  }

  /**
   * All branches and tags, in order of their names, without those whose object is missing or damaged: git too leaves them
   * out when it tells a client what there is.
   */
  async listRefs(): Promise<Ref[]> {
    try {
      return await this.#listSoundRefs();
    } catch (error) {
      if (!(error instanceof GitError) || error.exitCode !== 128) throw error;
    }
    // for-each-ref gives up at the first object that it cannot read.
    const refs = await this.listRefNames();
    const { ends } = await this.#ends(refs.map(({ oid }) => oid));
    return refs.flatMap(({ name, oid }) => {
      const end = ends.get(oid);
      return end ? [{ name, oid, peeled: end.oid === oid ? undefined : end.oid, type: end.type }] : [];
    });
  }

  async #listSoundRefs(): Promise<Ref[]> {
    // %(*…) peels one level (git < 2.45), so that a tag of a tag shows type "tag" there and is peeled by hand.
    const format = "%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)";
    const said = await this.#git(["for-each-ref", `--format=${format}`, "refs/heads", "refs/tags"]);
    const refs = await readLines(said, (line) => {
      const [oid = "", type = "", target = "", targetType = "", name = ""] = line.split(" ");
      if (type !== "tag") return { name, oid, peeled: undefined, type: type as Ref["type"] };
      return { name, oid, peeled: target, type: (targetType || "tag") as ObjectType };
    });
    const { ends } = await this.#ends(refs.filter(({ type }) => type === "tag").map(({ oid }) => oid));
    return refs.flatMap(({ type, ...ref }) => {
      if (type !== "tag") return [{ ...ref, type }];
      const end = ends.get(ref.oid);
      return end ? [{ ...ref, peeled: end.oid, type: end.type }] : [];
    });
  }

  /**
   * The names of all branches and tags and what they hold, in order of the names. No object is looked at: it costs a tenth
   * of listRefs, and a ref whose object is missing is there too.
   */
  listRefNames(): Promise<RefName[]> {
    return this.#refNames(["refs/heads", "refs/tags"]);
  }

  /** The names of all branches, and of tags given by their full names, and what they hold. Other tags cost nothing. */
  async someRefNames(names: ReadonlySet<string>): Promise<RefName[]> {
    const tags = [...names].filter((name) => name.startsWith(TAGS));
    return this.#refNames(["refs/heads", ...tags]);
  }

  async #refNames(under: readonly string[]): Promise<RefName[]> {
    const said = await this.#git(["for-each-ref", "--format=%(objectname) %(refname)", ...under]);
    return await readLines(said, (line) => {
      const space = line.indexOf(" ");
      return { oid: line.slice(0, space), name: line.slice(space + 1) };
    });
  }

  /** What objects finally stand for, through tags of tags. Nothing is said of those that are missing. */
  async peel(oids: readonly string[]): Promise<PeeledObjects> {
    const { ends, unreadable } = await this.#ends(oids);
    return { peeled: new Map(Array.from(ends, ([oid, end]) => [oid, end.oid])), unreadable };
  }

  async #ends(oids: readonly string[]): Promise<{ ends: Map<string, End>; unreadable: Set<string> }> {
    const ends = new Map<string, End>();
    const unreadable = new Set<string>();
    const find = async (oid: string): Promise<void> => {
      try {
        const end = await this.#reader().header(`${objectId(oid)}^{}`);
        if (end !== undefined && end.type !== "tag") ends.set(oid, { oid: end.oid, type: end.type });
      } catch (error) {
        if (!isDamage(error)) throw error;
        unreadable.add(oid);
      }
    };
    for (let at = 0; at < oids.length; at += HEADERS_AT_ONCE)
      await Promise.all(oids.slice(at, at + HEADERS_AT_ONCE).map(find));
    return { ends, unreadable };
  }

  /** Has git keep its refs in one file again: thousands of small ones make it slow, for clients too. */
  async packRefs(): Promise<void> {
    await this.#git(["pack-refs", "--all"]);
  }

  /** The branch that HEAD names and its commit; undefined if that branch does not exist (yet). */
  async head(refs?: readonly Ref[]): Promise<{ ref: string; oid: string } | undefined> {
    const ref = await this.#headRef();
    const found = (refs ?? (await this.listRefs())).find((each) => each.name === ref);
    return ref === undefined || found === undefined ? undefined : { ref, oid: found.peeled ?? found.oid };
  }

  /**
   * What is at a path (slash-separated, relative, clean) of a commit or tree; undefined if nothing is. Throws
   * Failure("too-large") for a file of more than maxBytes.
   */
  async readFile(commit: string, path: string, maxBytes: number): Promise<FileAtCommit | undefined> {
    const entry = await this.#entry(commit, path);
    if (entry === undefined) return undefined;
    if (entry.kind === "directory" || entry.kind === "gitlink") return { kind: entry.kind, content: Buffer.alloc(0) };
    const blob = await this.#reader().read(entry.oid, maxBytes);
    if (blob === undefined) throw missing(entry.oid);
    return blob.type === "blob" ? { kind: entry.kind, content: blob.content } : undefined;
  }

  /** What is at a path, as readFile has it, without reading it. */
  async kindOf(commit: string, path: string): Promise<EntryKind | undefined> {
    return (await this.#entry(commit, path))?.kind;
  }

  async #entry(commit: string, path: string): Promise<TreeEntry | undefined> {
    const start = objectId(commit);
    const elements = path.split("/");
    if (elements.some((element) => element === "" || element === "." || element === ".." || element.includes("\0"))) {
      return undefined;
    }
    const reader = this.#reader();
    const oidBytes = start.length === 64 ? 32 : 20;
    let tree = `${start}^{tree}`;
    for (const [n, element] of elements.entries()) {
      const listing = await reader.read(tree, MAX_TREE_BYTES);
      // A tree that is not there must not pass for an empty one: the version would be served as one without a go.mod.
      if (listing === undefined && (n > 0 || (await reader.header(`${start}^{commit}`)) !== undefined))
        throw missing(tree);
      const entry = listing?.type === "tree" ? findTreeEntry(listing.content, element, oidBytes) : undefined;
      if (entry === undefined || n === elements.length - 1) return entry;
      if (entry.kind !== "directory") return undefined;
      tree = entry.oid;
    }
    return undefined;
  }

  /** The commit that an object id (of a commit, or of a tag of one) stands for; undefined if it is or leads to none. */
  async commitInfo(oid: string): Promise<CommitInfo | undefined> {
    const commit = await this.#reader().read(`${objectId(oid)}^{commit}`, MAX_COMMIT_BYTES);
    if (commit === undefined) return undefined;
    // A line ends with a line feed alone: the author's name may hold a carriage return, and "committer" behind it.
    const headers = commit.content.toString("latin1").split("\n\n", 1)[0]!.split("\n");
    const line = headers.find((one) => one.startsWith("committer ")) ?? "";
    const committer = /> *(\d+)(?: [+-]\d+)?$/.exec(line);
    const time = commitTime(Number(committer?.[1] ?? Number.NaN));
    if (Number.isNaN(time.getTime())) throw invalid(`commit ${commit.oid} has no readable committer date`);
    return { oid: commit.oid, time };
  }

  /** The commit that an object id stands for, whole; undefined if it is or leads to none. */
  async readCommit(oid: string): Promise<Commit | undefined> {
    const found = await this.#reader().read(`${objectId(oid)}^{commit}`, MAX_COMMIT_BYTES);
    return found && parseCommit(found.oid, found.content);
  }

  /** The message of an annotated tag; undefined for any other object. */
  async readTagMessage(oid: string): Promise<string | undefined> {
    const found = await this.#reader().read(objectId(oid), MAX_COMMIT_BYTES);
    return found?.type === "tag" ? parseTagMessage(found.content) : undefined;
  }

  /** Some of the commits that one reaches, newest first, that one included. */
  async history(oid: string, skip: number, take: number): Promise<string[]> {
    return lines(await this.#git(["rev-list", `--skip=${skip}`, `--max-count=${take}`, objectId(oid), "--"]));
  }

  /** The commit that an object stands for, without reading it; undefined if it is or leads to none. */
  async commitOf(oid: string): Promise<string | undefined> {
    return (await this.#reader().header(`${objectId(oid)}^{commit}`))?.oid;
  }

  /** The ids of all objects that begin with some digits (4 or more, hexadecimal, lowercase), reached from somewhere or not. */
  async objectsWith(prefix: string): Promise<string[]> {
    if (!/^[0-9a-f]{4,64}$/.test(prefix)) throw invalid(`${JSON.stringify(prefix)} does not begin a git object id`);
    return lines(await this.#git(["rev-parse", `--disambiguate=${prefix}`]));
  }

  /** The names (without refs/tags/) of the tags that stand for a commit, sorted. Pass refs when asking for many commits. */
  async tagsOn(commit: string, refs?: readonly Ref[]): Promise<string[]> {
    const oid = objectId(commit);
    return (refs ?? (await this.listRefs()))
      .filter((ref) => (ref.peeled ?? ref.oid) === oid && ref.name.startsWith(TAGS))
      .map((ref) => ref.name.slice(TAGS.length));
  }

  /** The names (without refs/tags/) of the tags in a commit's history, the commit included, that begin with prefix. */
  async tagsMerged(commit: string, prefix = ""): Promise<string[]> {
    // Given a directory git visits less; the rest of the prefix is decided here, because git would take it for a pattern.
    const directory = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    const said = await this.#git([
      "for-each-ref",
      "--format=%(refname)",
      `--merged=${objectId(commit)}`,
      `${TAGS}${/^[\w./~-]*$/.test(directory) ? directory : ""}`,
    ]);
    return lines(said)
      .map((name) => name.slice(TAGS.length))
      .filter((tag) => tag.startsWith(prefix));
  }

  /** Whether the first commit is the second or in its history. */
  async isAncestor(ancestor: string, descendant: string): Promise<boolean> {
    try {
      await this.#git(["merge-base", "--is-ancestor", objectId(ancestor), objectId(descendant)]);
      return true;
    } catch (error) {
      if (error instanceof GitError && error.exitCode === 1) return false;
      throw error;
    }
  }

  /** Which of some commits no other ones have in their history, all by one look at it. */
  async unreachedFrom(tips: readonly string[], commits: readonly string[]): Promise<Set<string>> {
    const input = [...commits.map(objectId), ...tips.map((tip) => `^${objectId(tip)}`)].join("\n");
    const unreached = new Set(lines(await this.#git(["rev-list", "--ignore-missing", "--stdin"], `${input}\n`)));
    return new Set(commits.filter((commit) => unreached.has(commit)));
  }

  /** Whether any branch or tag has the commit in its history. */
  async isReachable(commit: string, refs?: readonly Ref[]): Promise<boolean> {
    const oid = objectId(commit);
    if (refs?.some((ref) => (ref.peeled ?? ref.oid) === oid)) return true;
    if ((await this.#reader().header(oid))?.type !== "commit") return false;
    const unreached = await this.#git(["rev-list", "--max-count=1", oid, "--not", "--branches", "--tags"]);
    return unreached.length === 0;
  }

  /**
   * Keeps an object, and all it refers to, from ever going away: a hidden ref of ours holds it when the tag that brought it
   * is moved or deleted. Doing it again changes nothing.
   */
  async keepObject(oid: string): Promise<void> {
    await this.keepObjects([oid]);
  }

  /**
   * Keeps objects as keepObject does, many at the price of one; returns the refs that hold them. What git does not have is left
   * out.
   */
  async keepObjects(oids: Iterable<string>): Promise<string[]> {
    const wanted = [...new Set(oids)].map(objectId);
    const found = await Promise.all(wanted.map((oid) => this.#reader().header(oid)));
    return await keepObjects(
      this.directory,
      found.filter((header) => header !== undefined),
    );
  }

  /**
   * Sees to it that HEAD names a branch that exists, if there is one: the wanted one, else its own, else main, else master,
   * else the first by name. Returns the branch HEAD then names, undefined if there is no branch. Call it after a push.
   */
  async setHeadToFirstBranch(refs?: readonly RefName[], wanted?: string): Promise<string | undefined> {
    const branches = (refs ?? (await this.listRefNames()))
      .map((ref) => ref.name)
      .filter((name) => name.startsWith(HEADS));
    const current = await this.#headRef();
    const preferred = [
      ...(wanted === undefined ? [] : [`${HEADS}${wanted}`]),
      ...(current === undefined ? [] : [current]),
    ];
    const kept = preferred.find((name) => branches.includes(name));
    if (kept !== undefined && kept === current) return current;
    const chosen = kept ?? [`${HEADS}main`, `${HEADS}master`].find((name) => branches.includes(name)) ?? branches[0];
    if (chosen !== undefined) await this.#git(["symbolic-ref", "HEAD", chosen]);
    return chosen;
  }

  async #headRef(): Promise<string | undefined> {
    const head = await readFileFromDisk(join(this.directory, "HEAD"), "utf8");
    return /^ref: (refs\/heads\/.+)\n?$/.exec(head)?.[1];
  }

  #git(args: readonly string[], input?: string): Promise<Buffer> {
    return runGit(this.directory, args, input === undefined ? {} : { input });
  }
}

const TAGS = "refs/tags/";
/** So many lines of git's are read without a pause. */
const LINES_AT_ONCE = 5_000;
const HEADS = "refs/heads/";

function lines(said: Buffer): string[] {
  return said.toString("utf8").split("\n").slice(0, -1);
}

/** What is in the lines of git's output that are UTF-8. Others have their turns: a repository may have a million refs. */
async function readLines<T>(said: Buffer, read: (line: string) => T): Promise<T[]> {
  const found: T[] = [];
  for await (const part of inTurns(decodableLines(said), LINES_AT_ONCE))
    for (const line of part) found.push(read(line));
  return found;
}

/** The lines of git's output that are UTF-8: a ref of another name is no version, and two of them could look the same. */
function decodableLines(said: Buffer): string[] {
  const decoded = lines(said);
  if (!decoded.some((line) => line.includes("\uFFFD"))) return decoded;
  const raw = said.toString("latin1").split("\n");
  return decoded.filter((line, n) => Buffer.from(line, "utf8").equals(Buffer.from(raw[n] ?? "", "latin1")));
}

function missing(object: string): Failure {
  return new Failure("unavailable", `the repository lacks git object ${object}`);
}

function objectId(text: string): string {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) throw invalid(`${JSON.stringify(text)} is not a git object id`);
  return text;
}
