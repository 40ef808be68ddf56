// Which objects of a repository a git client may have: those that a branch or tag reaches. git itself does not see to that.
// With version 2 of its protocol upload-pack gives any object out whose hash it is asked for (upload-pack.c, parse_want), and
// repositories hold more than their refs reach: commits of moved and deleted tags, because versions were made of them, and
// what was taken back, until it is purged (hosting/purge.ts).
//
// Most requests cost nothing here: a repository without kept commits (kept-objects.ts) has no object that is not served, and
// clones and fetches want what refs name. A partial clone wants files by their hashes; these are looked for among the
// objects that only kept commits reach, which are few, and only one that is there costs a walk through everything.
import { createInterface } from "node:readline";
import { runGit, spawnGit } from "../process/git-process.ts";
import { KEEPERS } from "./kept-objects.ts";
import type { Repository } from "./repository.ts";

/** What branches and tags reach, for git rev-list. */
const SERVED = ["--branches", "--tags"];
/** Object ids in one command line. */
const IDS_AT_ONCE = 1_000;

/** The first of some objects that no branch or tag reaches; undefined if all are served, or git does not have them. */
export async function firstUnserved(repository: Repository, oids: readonly string[]): Promise<string | undefined> {
  const { directory } = repository;
  if (oids.length === 0 || (await linesOf(directory, ["for-each-ref", "--count=1", KEEPERS])).length === 0)
    return undefined;
  const tips = new Set((await repository.listRefNames()).map(({ oid }) => oid));
  const others = [...new Set(oids)].filter((oid) => !tips.has(oid));
  for (let at = 0; at < others.length; at += IDS_AT_ONCE) {
    // An id that was cut off is told whole.
    const said = await typesOf(directory, others.slice(at, at + IDS_AT_ONCE));
    const types = said.filter(([oid]) => !tips.has(oid));
    const unserved =
      types.find(([, type]) => type === "tag")?.[0] ??
      (await unreachedCommit(directory, ofTypes(types, "commit"))) ??
      (await unreachedFile(directory, ofTypes(types, "tree", "blob")));
    if (unserved !== undefined) return unserved;
  }
  return undefined;
}

type TypedObject = readonly [oid: string, type: string];

function ofTypes(objects: readonly TypedObject[], ...types: readonly string[]): string[] {
  return objects.filter(([, type]) => types.includes(type)).map(([oid]) => oid);
}

async function typesOf(directory: string, oids: readonly string[]): Promise<TypedObject[]> {
  const said = await linesOf(directory, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], oids.join("\n"));
  return said.map((line): TypedObject => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]);
}

async function unreachedCommit(directory: string, oids: readonly string[]): Promise<string | undefined> {
  if (oids.length === 0) return undefined;
  const unreached = new Set(await linesOf(directory, ["rev-list", ...oids, "--not", ...SERVED]));
  return oids.find((oid) => unreached.has(oid));
}

/** The first of some trees and blobs that no branch or tag reaches. */
async function unreachedFile(directory: string, oids: readonly string[]): Promise<string | undefined> {
  if (oids.length === 0) return undefined;
  // What a commit at the border shares with older history may be among these too.
  const suspects = new Set<string>();
  const wanted = new Set(oids);
  const kept = ["rev-list", "--objects", "--no-object-names", `--glob=${KEEPERS}/*`, "--not", ...SERVED];
  for await (const oid of eachLine(directory, kept)) if (wanted.has(oid)) suspects.add(oid);
  if (suspects.size === 0) return undefined;
  for await (const oid of eachLine(directory, ["rev-list", "--objects", "--no-object-names", ...SERVED])) {
    suspects.delete(oid);
    if (suspects.size === 0) return undefined;
  }
  return [...suspects][0];
}

/** How many objects branches, tags and kept commits reach together. */
export async function countReached(directory: string): Promise<number> {
  let count = 0;
  for await (const _ of eachLine(directory, ["rev-list", "--objects", "--no-object-names", "--all"])) count++;
  return count;
}

async function linesOf(directory: string, args: readonly string[], input?: string): Promise<string[]> {
  const said = await runGit(directory, args, input === undefined ? {} : { input: `${input}\n` });
  return said.toString("latin1").split("\n").filter(Boolean);
}

async function* eachLine(directory: string, args: readonly string[]): AsyncGenerator<string> {
  const git = await spawnGit(directory, args);
  git.stdin.end();
  try {
    yield* createInterface({ input: git.stdout });
    await git.ended;
  } finally {
    git.stop();
    await git.ended.catch(() => {}); // of one that was stopped
  }
}
