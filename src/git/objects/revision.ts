// Which commit a revision stands for, as `go get m@rev` finds it (cmd/go/internal/modfetch/codehost/git.go, Stat and
// statLocal): names before hashes, what refs stand for before the whole history, and nothing that only other refs reach.
import { type Failure, notFound } from "../../errors.ts";
import { isHashPrefix } from "../../gomod/version-query.ts";
import type { CommitInfo, Ref, Repository } from "./repository.ts";

export interface ResolvedRevision extends CommitInfo {
  /** The name by which it was found: refs/tags/…, refs/heads/… or HEAD; none for a commit found by its hash alone. */
  readonly ref?: string;
}

/**
 * The commit that a revision stands for: a tag, a branch, `HEAD`, or a prefix (7 digits or more, lowercase) of the hash of a
 * commit that branches or tags reach, in this order. Throws Failure("not-found") with the go command's words.
 */
export async function resolveRevision(
  repository: Repository,
  rev: string,
  refs?: readonly Ref[],
): Promise<ResolvedRevision> {
  const all = refs ?? (await repository.listRefs());
  const unknown = (): Failure => notFound(`unknown revision ${rev}`);
  const named = async (ref: string, oid: string): Promise<ResolvedRevision> => {
    const info = await repository.commitInfo(oid);
    if (info === undefined) throw unknown(); // a tag of a blob or a tree
    return { ...info, ref };
  };
  for (const name of [`refs/tags/${rev}`, `refs/heads/${rev}`]) {
    const ref = all.find((each) => each.name === name);
    if (ref !== undefined) return await named(name, ref.peeled ?? ref.oid);
  }
  const head = await repository.head(all);
  if (rev === "HEAD" && head !== undefined) return await named("HEAD", head.oid);
  if (!isHashPrefix(rev)) throw unknown();

  // As git.go: first among what refs stand for, where it also learns the name; then in the whole history.
  const tips = new Map<string, string>(); // object -> its first name in byte order
  for (const each of [...(head === undefined ? [] : [{ name: "HEAD", oid: head.oid, peeled: undefined }]), ...all]) {
    const oid = each.peeled ?? each.oid;
    const known = tips.get(oid);
    if (oid.startsWith(rev) && (known === undefined || each.name < known)) tips.set(oid, each.name);
  }
  if (tips.size > 1) throw notFound(`ambiguous revision ${rev}`);
  for (const [oid, ref] of tips) return await named(ref, oid);

  const commits = new Set<string>();
  for (const oid of await repository.objectsWith(rev)) {
    const commit = await repository.commitOf(oid);
    if (commit === undefined) continue;
    // An object id is good only if it is itself in reach; for a tag object that means that a tag ref holds it.
    const reached = commit === oid ? await repository.isReachable(oid, all) : all.some((ref) => ref.oid === oid);
    if (reached) commits.add(commit);
  }
  if (commits.size > 1) throw notFound(`ambiguous revision ${rev}`);
  for (const oid of commits) {
    const info = await repository.commitInfo(oid);
    if (info !== undefined) return info;
  }
  throw unknown();
}
