// Objects that must never go away, although no branch or tag names them any more: versions may have been made of them. A
// hidden ref of ours holds each (git prunes only what no ref reaches). Many at once are held by one commit that has them
// for parents, and those that are no commits in its tree, so that deleting 100,000 tags writes one ref and not as many
// files. That commit says nothing but what it holds: the same objects make the same commit, and keeping again adds nothing.

import { HIDDEN_REFS } from "../process/git-environment.ts";
import { runGit } from "../process/git-process.ts";
import type { ObjectType } from "./cat-file.ts";

/** Where the refs are that hold kept objects. */
export const KEEPERS = `${HIDDEN_REFS}/keep`;
const NOBODY = "Gokura <> 0 +0000";
/** Of tree entries; a tree that holds a tree is as good as one that holds a blob. */
const MODES = { blob: "100644", tree: "040000" } as const;

/** An object that git has. */
export interface KeptObject {
  readonly oid: string;
  readonly type: ObjectType;
}

/** Keeps objects of a bare repository, and all they refer to; returns the names of the refs that hold them. */
export async function keepObjects(directory: string, objects: readonly KeptObject[]): Promise<string[]> {
  const held = objects.length > 1 ? await holderOf(directory, objects) : objects.map(({ oid }) => oid);
  const names = held.map((oid) => `${KEEPERS}/${oid}`);
  const input = held.map((oid, n) => `update ${names[n]} ${oid}\n`).join("");
  if (input !== "") await runGit(directory, ["update-ref", "--stdin"], { input });
  return names;
}

/** A commit that holds the objects; and, beside it, annotated tags, which no commit can hold. */
async function holderOf(directory: string, objects: readonly KeptObject[]): Promise<string[]> {
  const git = async (args: readonly string[], input: string): Promise<string> =>
    (await runGit(directory, args, { input })).toString("latin1").trim();
  const entries = objects.flatMap(({ oid, type }) =>
    type === "blob" || type === "tree" ? `${MODES[type]} ${type} ${oid}\t${oid}\n` : [],
  );
  const parents = objects.flatMap(({ oid, type }) => (type === "commit" ? `parent ${oid}\n` : []));
  const tree = await git(["mktree"], entries.sort().join(""));
  const text = `tree ${tree}\n${parents.sort().join("")}author ${NOBODY}\ncommitter ${NOBODY}\n\nkept\n`;
  const holder = await git(["hash-object", "-t", "commit", "-w", "--stdin"], text);
  return [holder, ...objects.flatMap(({ oid, type }) => (type === "tag" ? oid : []))];
}
