// Removing objects of a repository that nothing needs any more. git removes what no ref reaches; so the hidden refs that hold
// commits of moved and deleted tags (kept-objects.ts) are made anew for those that are needed, the others are deleted, and
// all that is left is packed anew. No push may be under way: its objects are there before its refs.
import { runGit } from "../process/git-process.ts";
import { KEEPERS, keepObjects } from "./kept-objects.ts";
import type { Repository } from "./repository.ts";
import { countReached } from "./served-objects.ts";

/** Packing a large repository anew takes minutes. */
const REPACK_MS = 60 * 60_000;

/** Whether a repository may hold objects that no branch or tag reaches. */
export async function keepsAny({ directory }: Repository): Promise<boolean> {
  return (await keepers(directory)).length > 0;
}

/** Removes what neither branches nor tags nor some commits need. Returns whether there was something. */
export async function removeUnneeded(repository: Repository, commits: readonly string[]): Promise<boolean> {
  const { directory } = repository;
  const tips = (await repository.listRefs()).filter(({ type }) => type === "commit").map(({ oid }) => oid);
  const needed = [...(await repository.unreachedFrom(tips, commits))];
  const kept = new Set(
    await keepObjects(
      directory,
      needed.map((oid) => ({ oid, type: "commit" })),
    ),
  );
  const dropped = (await keepers(directory)).filter((name) => !kept.has(name));
  if (dropped.length > 0)
    await runGit(directory, ["update-ref", "--stdin"], { input: dropped.map((name) => `delete ${name}\n`).join("") });
  // Annotations of moved tags are held by no ref, so that the refs alone do not tell.
  if ((await countStored(directory)) <= (await countReached(directory))) return false;
  const options = { timeoutMs: REPACK_MS };
  await runGit(directory, ["-c", "repack.writeBitmaps=false", "repack", "-a", "-d", "-q"], options);
  await runGit(directory, ["prune", "--expire=now"], options);
  return true;
}

async function keepers(directory: string): Promise<string[]> {
  const said = await runGit(directory, ["for-each-ref", "--format=%(refname)", KEEPERS]);
  return said.toString("latin1").split("\n").filter(Boolean);
}

/** How many objects lie in the repository, those in several packs counted as often. */
async function countStored(directory: string): Promise<number> {
  const said = (await runGit(directory, ["count-objects", "-v"])).toString("latin1");
  const numberOf = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(said)?.[1] ?? 0);
  return numberOf("count") + numberOf("in-pack");
}
