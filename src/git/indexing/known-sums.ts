// Names that are known with their content before a project publishes something under them: versions that were uploaded to
// it, what was served from upstream, and what was lost here. There the sum of what a commit holds is worked out before it
// becomes a version, and compared where it would be published (registry/versions/publish.ts).
import type { Registry } from "../../registry/registry.ts";
import type { NewVersion } from "../../registry/versions/publish.ts";
import { servedBefore } from "../../registry/versions/served-before.ts";
import { uploadedAmong } from "../../registry/versions/uploaded-versions.ts";
import type { Repository } from "../hosting/repositories-of-projects.ts";
import { sumAtCommit } from "./module-archives.ts";

/** The same versions, in their order; those whose names have known content with the h1 of their files. */
export async function sumWhereKnown(
  registry: Registry,
  projectId: number,
  repository: Repository,
  versions: readonly NewVersion[],
): Promise<readonly NewVersion[]> {
  const uploaded = await uploadedAmong(registry, projectId, versions);
  const before = await servedBefore(registry, versions);
  if (uploaded.size === 0 && before.size === 0) return versions;
  const summed: NewVersion[] = [];
  for (const version of versions) {
    const name = `${version.modulePath}@${version.version}`;
    const isKnown = uploaded.has(name) || before.get(name)?.h1 !== undefined;
    summed.push(isKnown ? { ...version, h1: await sumAtCommit(registry, repository, version) } : version);
  }
  return summed;
}
