// Which versions are retracted, and whether the module is deprecated. Both are said by the go.mod of the newest release
// (else the newest pre-release), +incompatible ones aside, and by no other (Go Modules Reference, "retract directive",
// "Deprecated comments"; cmd/go/internal/modload, checkRetractions); so they are worked out again when versions come or
// go. Versions that come cost only themselves: the others are looked at only if what is said about them has changed.

import { isDeepStrictEqual } from "node:util";
import { inTurns } from "../../concurrency/turns.ts";
import type { Sql } from "../../database/sql.ts";
import { isRetracted, type Retraction, retractedBy } from "../../gomod/go-mod-file.ts";
import { retractingVersion } from "../../gomod/version-list.ts";
import type { Registry } from "../registry.ts";
import { announceRetractions } from "./announced-versions.ts";
import { readGoMod, readLargeGoMod } from "./readable-go-mod.ts";

/** So many versions are compared with up to a thousand retractions without a pause. */
const MARKED_AT_ONCE = 20;

/** What a go.mod says about its module. */
interface Said {
  readonly retracts: readonly Retraction[];
  readonly deprecated: string | null;
}

interface VersionName {
  readonly id: number;
  readonly version: string;
}

/** Marks versions that have just come, by module, and the older ones if a newer go.mod speaks of them now. */
export async function markNewVersions(tx: Sql, added: ReadonlyMap<number, readonly VersionName[]>): Promise<void> {
  for (const [moduleId, versions] of added) {
    const ids = versions.map(({ id }) => id);
    const newest = await newestVersion(tx, moduleId);
    const said = await saidBy(newest);
    // They come without a mark and change nothing for others unless one of them speaks for the module from now on.
    const before = ids.includes(newest?.id ?? 0) ? await saidBy(await newestVersion(tx, moduleId, ids)) : said;
    if (!isDeepStrictEqual(said, before)) await refreshRetractions(tx, new Set([moduleId]));
    else if (said.retracts.length > 0) await mark(tx, versions, said);
  }
}

/** Brings the marks of all versions of some modules up to date. */
export async function refreshRetractions(tx: Sql, moduleIds: ReadonlySet<number>): Promise<void> {
  for (const moduleId of moduleIds) {
    const said = await saidBy(await newestVersion(tx, moduleId));
    const versions = await tx.$queryRaw<VersionName[]>`SELECT id, version FROM module_version
      WHERE module_id = ${moduleId} AND kind <> 'PSEUDO'`;
    await tx.$executeRaw`UPDATE module SET deprecated = ${said.deprecated} WHERE id = ${moduleId}`;
    await mark(tx, versions, said);
  }
}

/** Writes the marks of versions, where they change. */
async function mark(tx: Sql, versions: readonly VersionName[], { retracts }: Said): Promise<void> {
  const isMarked = retractedBy(retracts);
  const marks: ReturnType<typeof isRetracted>[] = [];
  for await (const part of inTurns(versions, MARKED_AT_ONCE))
    for (const { version } of part)
      marks.push(isMarked(version) ? isRetracted(version, retracts) : { retracted: false });
  const ids = versions.map(({ id }) => id);
  const retracted = marks.map((each) => each.retracted);
  const rationales = marks.map((each) => each.rationale ?? null);
  const changed = await tx.$queryRaw<{ id: number }[]>`UPDATE module_version AS v
    SET retracted = said.retracted, retract_rationale = said.rationale
    FROM unnest(${ids}::int[], ${retracted}::bool[], ${rationales}::text[]) AS said (id, retracted, rationale)
    WHERE v.id = said.id
      AND (v.retracted, v.retract_rationale) IS DISTINCT FROM (said.retracted, said.rationale)
    RETURNING v.id`;
  const now = new Set(changed.map(({ id }) => id));
  await announceRetractions(
    tx,
    ids.filter((id, n) => retracted[n] && now.has(id)),
  );
}

/**
 * Whether a version of a module of a project is retracted, as far as the go command minds when it makes a version of a
 * commit. It asks the newest version in the list, and if that is one that cannot be had, nothing counts as retracted
 * (coderepo.go, retractedVersions).
 */
export async function retractionsOf(
  registry: Registry,
  projectId: number,
  modulePath: string,
): Promise<(version: string) => boolean> {
  const module = await registry.prisma.module.findFirst({
    where: { path: modulePath, projectId },
    select: { id: true },
  });
  if (!module) return () => false;
  const usable = await newestVersion(registry.prisma, module.id);
  const refused = await registry.prisma.rejectedTag.findMany({
    where: { projectId, modulePath, listed: true, version: { not: null } },
    select: { version: true },
  });
  const listed = [usable, ...refused].flatMap((row) => row?.version ?? []);
  if (!usable || (await retractingVersion(listed)) !== usable.version) return () => false;
  const { retracts } = await saidBy(usable);
  return retractedBy(retracts);
}

interface SpeakingVersion extends VersionName {
  readonly go_mod: Uint8Array;
}

/** The version whose go.mod speaks for the module, leaving some out; undefined if there is none. */
async function newestVersion(
  tx: Sql,
  moduleId: number,
  without: readonly number[] = [],
): Promise<SpeakingVersion | undefined> {
  for (const kind of ["RELEASE", "PRERELEASE"]) {
    const [found] = await tx.$queryRaw<SpeakingVersion[]>`SELECT id, version, go_mod FROM module_version
      WHERE module_id = ${moduleId} AND kind = ${kind}::"VersionKind" AND go_mod IS NOT NULL AND id <> ALL(${[...without]}::int[])
      ORDER BY sort_key DESC LIMIT 1`;
    if (found) return found;
  }
  return undefined;
}

async function saidBy(version: SpeakingVersion | undefined): Promise<Said> {
  if (!version) return { retracts: [], deprecated: null };
  const goMod = Buffer.from(version.go_mod);
  await readLargeGoMod(goMod);
  const { file } = readGoMod(goMod);
  return { retracts: file?.retracts ?? [], deprecated: file?.module?.deprecated ?? null };
}
