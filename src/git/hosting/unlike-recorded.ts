// Refs of a repository that are not what the database recorded of them: after a restore of files that are younger than the
// database, or where somebody worked on the repository by hand.
import type { Registry } from "../../registry/registry.ts";
import { recordedRefs } from "../../registry/versions/stored-versions.ts";
import type { Repository } from "./repositories-of-projects.ts";

/** A branch or tag and the objects that it names here and there; undefined: it is not there, or not recorded. */
export interface RefUnlikeRecorded {
  readonly name: string;
  readonly there: string | undefined;
  readonly recorded: string | undefined;
}

/** The branches and tags of a project that differ. While a push is under way its refs do. */
export async function refsUnlikeRecorded(
  registry: Registry,
  repository: Repository,
  projectId: number,
): Promise<RefUnlikeRecorded[]> {
  const recorded = await recordedRefs(registry, projectId);
  const there = new Map((await repository.listRefNames()).map(({ name, oid }) => [name, oid]));
  return [...new Set([...recorded.keys(), ...there.keys()])]
    .map((name) => ({ name, there: there.get(name), recorded: recorded.get(name) }))
    .filter((ref) => ref.there !== ref.recorded);
}
