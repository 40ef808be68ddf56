// fsck by itself, a slice a week (GOKURA_FSCK): every zip and repository is read whole once a quarter, so that a disk which loses
// bytes is noticed while there still is a backup that has them. One version after the other, so that it takes little from those
// who are served meanwhile. What is wrong is an error in the log, a line of the audit trail and a count for alerts; nothing is
// repaired by itself.
import { keepRounds } from "../concurrency/rounds.ts";
import type { Repositories } from "../git/hosting/repositories-of-projects.ts";
import {
  dueSlice,
  finishSlice,
  lastSlice,
  noteProgress,
  recordProblem,
} from "../registry/administration/fsck-slice.ts";
import { verifyLog } from "../registry/checksums/verify-log.ts";
import type { Registry } from "../registry/registry.ts";
import { projectIds } from "../registry/versions/needed-objects.ts";
import { storedVersions } from "../registry/versions/stored-versions.ts";
import { examineVersion } from "./examine.ts";
import type { Problem } from "./problem.ts";
import { examineRepository } from "./repositories.ts";

/** Everything is read, and nothing changed. */
const AS_IT_IS = { deep: true, repair: false };
const FIRST_AFTER_MS = 30 * 60_000;
const EVERY_MS = 60 * 60_000;
/** Beyond so many of one slice they are counted, and written down no more: the disk is gone, and everybody knows. */
const MAX_RECORDED = 200;

export interface SliceOptions {
  /** Milliseconds since 1970. */
  readonly now?: number;
  /** Whether it is to end early; the next time goes on there. */
  readonly over?: () => boolean;
}

/** Begins to look every hour whether a slice is due. */
export function keepExamined(registry: Registry, repositories: Repositories): { close(): Promise<void> } {
  const failed = (error: unknown): void =>
    registry.log.warn({ err: error }, "a slice of fsck could not be examined; it is tried again in an hour");
  lastSlice(registry).then((at) => at !== undefined && registry.metrics.fsckFinished.set(at / 1000), failed);
  return keepRounds((over) => examineSlice(registry, repositories, { over }), {
    ...{ firstAfterMs: FIRST_AFTER_MS, everyMs: EVERY_MS },
    failed,
  });
}

/**
 * Examines the slice that is due, to the byte. Returns how many versions and projects were read and what is wrong with them;
 * undefined: none is due.
 */
export async function examineSlice(
  registry: Registry,
  repositories: Repositories,
  { now = Date.now(), over = () => false }: SliceOptions = {},
): Promise<{ versions: number; projects: number; problems: Problem[] } | undefined> {
  const slice = await dueSlice(registry, now);
  if (!slice) return undefined;
  const report = { versions: 0, projects: 0, problems: [] as Problem[] };
  const note = async (problem: Problem): Promise<void> => {
    const { fault, about, says } = problem;
    report.problems.push(problem);
    registry.metrics.fsckProblems.inc({ fault });
    if (report.problems.length > MAX_RECORDED) return;
    registry.log.error({ fault, about, says }, "something stored is not as it was promised (gokura fsck)");
    await recordProblem(registry, problem);
  };
  let [{ versions }, { projects }] = [slice, slice];
  for await (const part of storedVersions(registry, versions)) {
    for (const version of part) {
      if (over()) return report;
      for (const problem of await examineVersion(registry, repositories, version, AS_IT_IS)) await note(problem);
      report.versions++;
      versions = { ...versions, after: version.id };
    }
    await noteProgress(registry, { versions, projects }, now);
  }
  for (const id of await projectIds(registry)) {
    if (id <= projects.after || id > projects.end) continue;
    if (over()) return report;
    for (const problem of await examineRepository(registry, repositories, id, `project ${id}`, AS_IT_IS))
      await note(problem);
    report.projects++;
    projects = { ...projects, after: id };
    await noteProgress(registry, { versions: { ...versions, after: versions.end }, projects }, now);
  }
  if (slice.isLast) {
    const log = await verifyLog(registry, { before: undefined, zips: false, progress: () => {} });
    for (const says of log.problems)
      await note({ fault: "checksum_log", about: "checksum log", says, repaired: false });
  }
  await finishSlice(registry, slice, now);
  registry.metrics.fsckFinished.set(now / 1000);
  const { problems, ...read } = report;
  registry.log.info({ ...read, problems: problems.length }, "a slice of fsck was examined");
  return report;
}
