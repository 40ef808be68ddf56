// Everything that was promised, compared with what is there: each version with its go.mod, zip, commit and place in order; the
// repository of each project with the refs that were recorded; and the checksum log with its records. It runs beside a server
// and changes nothing, unless it is asked to repair what can be made again.

import { type Repositories, repositoryIsHere, repositoryOf } from "../git/hosting/repositories-of-projects.ts";
import { isStoredNewer } from "../git/hosting/stored-repositories.ts";
import { h1OfGoMod } from "../gomod/dir-hash.ts";
import { verifyLog } from "../registry/checksums/verify-log.ts";
import type { Registry } from "../registry/registry.ts";
import { projectIds, unreferencedZips } from "../registry/versions/needed-objects.ts";
import { countStoredVersions, storedVersions, type VersionWithBytes } from "../registry/versions/stored-versions.ts";
import type { Problem } from "./problem.ts";
import { examineRepository } from "./repositories.ts";
import { examineZip, repairZip } from "./zips.ts";

/** Versions that are looked at at the same time: each waits for the disk. */
const AT_ONCE = 8;
const ZIPS_AT_ONCE = 1_000;
/** A zip that is younger may be one whose row is being written. */
const YOUNG_MS = 60 * 60_000;

export interface FsckOptions {
  /** Every zip is read and hashed, and git reads every repository whole. */
  readonly deep: boolean;
  /** What is missing and can be made again is. */
  readonly repair: boolean;
  /** Told how far it is. */
  readonly progress: (what: string, done: number, of: number) => void;
  /** Told of each problem when it is found. */
  readonly found: (problem: Problem) => void;
}

/** What was looked at, and what is wrong with it. */
export interface FsckReport {
  readonly versions: number;
  readonly projects: number;
  /** Records of the checksum log. */
  readonly records: number;
  readonly problems: readonly Problem[];
  /** Zips of no version, which a running server removes within a day, and their bytes are nobody's. */
  readonly orphans: number;
}

/** Examines the whole registry. */
export async function examineRegistry(
  registry: Registry,
  repositories: Repositories,
  options: FsckOptions,
): Promise<FsckReport> {
  const problems: Problem[] = [];
  const note = (problem: Problem): void => {
    problems.push(problem);
    options.found(problem);
  };
  const of = await countStoredVersions(registry);
  let versions = 0;
  for await (const part of storedVersions(registry)) {
    const remaining = part.values();
    const work = async (): Promise<void> => {
      for (const version of remaining)
        for (const problem of await examineVersion(registry, repositories, version, options)) note(problem);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    versions += part.length;
    options.progress("versions", versions, of);
  }
  const projects = await projectIds(registry);
  for (const [n, id] of projects.entries()) {
    for (const problem of await examineRepository(registry, repositories, id, `project ${id}`, options)) note(problem);
    options.progress("projects", n + 1, projects.length);
  }
  const log = await verifyLog(registry, {
    before: undefined,
    zips: false,
    progress: (done, size) => options.progress("records", done, size),
  });
  for (const says of log.problems) note({ fault: "checksum_log", about: "checksum log", says, repaired: false });
  return { versions, projects: projects.length, records: log.size, problems, orphans: await countOrphans(registry) };
}

/** What is wrong with a version. */
export async function examineVersion(
  registry: Registry,
  repositories: Repositories,
  version: VersionWithBytes,
  { deep, repair }: Pick<FsckOptions, "deep" | "repair">,
): Promise<Problem[]> {
  const { goMod, goModH1, modulePath, isInOrder, isBuried } = version;
  const about = `${modulePath}@${version.version}`;
  const problem = (fault: Problem["fault"], says: string, repaired = false): Problem => ({
    fault,
    about,
    says,
    repaired,
  });
  const problems: Problem[] = [];
  if (goMod !== null && h1OfGoMod(goMod) !== goModH1)
    problems.push(problem("go_mod_damaged", `its go.mod has ${h1OfGoMod(goMod)} and not ${goModH1}`));
  if (!isInOrder) problems.push(problem("out_of_order", "its key for lists is not that of its name"));
  if (isBuried) problems.push(problem("taken_back", "it was taken back for ever, and is published"));
  if (!(await hasCommit(registry, repositories, version)))
    problems.push(problem("commit_missing", `commit ${version.commit} is not in the repository`));
  const zip = await examineZip(registry, version, deep);
  if (zip) {
    const repaired = repair && (await repairZip(registry, repositories, version));
    problems.push(problem(zip.fault, zip.says, repaired));
  }
  return problems;
}

/** Whether the commit of a version is there; also if the whole repository is gone, which is told once for the project. */
async function hasCommit(
  registry: Registry,
  repositories: Repositories,
  { projectId, commit }: VersionWithBytes,
): Promise<boolean> {
  if (projectId === null || commit === null || !repositoryIsHere(registry, projectId)) return true;
  if (await isStoredNewer(registry, projectId)) return true; // the newest is not here
  const repository = await repositoryOf(registry, repositories, projectId);
  return (await repository.commitOf(commit).catch(() => undefined)) !== undefined; // damaged is as good as missing
}

async function countOrphans(registry: Registry): Promise<number> {
  const before = Date.now() - YOUNG_MS;
  let [orphans, digests] = [0, [] as string[]];
  const count = async (): Promise<void> => {
    orphans += (await unreferencedZips(registry, digests)).length;
    digests = [];
  };
  for await (const { key, writtenAt } of registry.blobs.list("zip")) {
    if (writtenAt <= before) digests.push(key.slice(key.lastIndexOf("/") + 1));
    if (digests.length >= ZIPS_AT_ONCE) await count();
  }
  await count();
  return orphans;
}
