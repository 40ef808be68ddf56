// What came of the tags of a project, or of one of its commits: versions, and the reasons why other tags are none. All of it
// is written in the transaction in which the versions enter (enter-versions.ts).
import type { Sql } from "../../database/sql.ts";
import { Failure } from "../../errors.ts";
import { announce } from "../forge/hook-events.ts";
import { markIndexed, type WaitingTag } from "../forge/waiting-tags.ts";
import type { Registry } from "../registry.ts";
import { announceVersions } from "./announced-versions.ts";
import { type EnteringVersion, enteringVersions } from "./enter-versions.ts";
import { storableText } from "./readable-go-mod.ts";
import { type Refusal, replaceRefusals } from "./rejected-tags.ts";
import { differs, reasonOfOther, servedBefore } from "./served-before.ts";
import { reasonToRefuse } from "./tombstones.ts";

/** A version of a project's repository, which was found to obey Go's rules. */
export interface NewVersion extends EnteringVersion {
  /** The committer's time. */
  readonly time: Date;
  readonly commit: string;
  /** refs/tags/…; undefined for a pseudo-version. */
  readonly ref: string | undefined;
  readonly directory: string;
  readonly goMod: Buffer;
  readonly legacy: boolean;
  /** The h1 of its zip, worked out where a version of its name was uploaded, or served from upstream, before. */
  readonly h1?: string | undefined;
}

export interface Publication {
  readonly versions: readonly NewVersion[];
  readonly refusals: readonly Refusal[];
  /** The tags that this is the whole outcome of. */
  readonly tags: readonly WaitingTag[];
}

/** Publishes what came of some tags or of one commit. Returns the numbers of the versions that are new. */
export async function publish(registry: Registry, projectId: number, publication: Publication): Promise<number[]> {
  return enteringVersions(registry, async (tx, enter) => {
    // One publisher a project at a time; also, a project that is being deleted is waited for.
    const there = await tx.$queryRaw<unknown[]>`SELECT 1 FROM project WHERE id = ${projectId} FOR UPDATE`;
    if (there.length === 0) throw new Failure("not-found", "the project is gone");
    const before = await servedBefore(registry, publication.versions, tx);
    const isOther = (version: NewVersion): boolean => {
      const known = before.get(`${version.modulePath}@${version.version}`);
      return known !== undefined && differs(version, known);
    };
    const turnedAway = publication.versions.filter(isOther).map((version) => {
      const known = before.get(`${version.modulePath}@${version.version}`)!;
      return refusalOf(version, reasonOfOther(version.version, known));
    });
    let modules: ReadonlyMap<string, number> = new Map();
    const wanted = publication.versions.filter((version) => !isOther(version));
    const { entered, buried } = await enter(wanted, async (versions) => {
      modules = await ensureModules(tx, projectId, versions, turnedAway);
      return modules;
    });
    for (const { version, grave } of buried)
      turnedAway.push(refusalOf(version, reasonToRefuse(version.version, grave)));
    const refusals = [...withoutWarnings(publication.refusals, turnedAway), ...turnedAway];
    if (publication.tags.length > 0) {
      refusals.push(...(await movedTags(tx, wanted, modules)));
      await replaceRefusals(
        tx,
        projectId,
        publication.tags.map(({ tag }) => tag),
        refusals,
      );
    }
    await markIndexed(tx, projectId, publication.tags);
    await announceVersions(tx, projectId, entered);
    await announce(tx, { projectId }, "tag.rejected", refusals.filter(({ silent }) => !silent).map(rejectionOf));
    return entered.map(({ id }) => id);
  });
}

function rejectionOf({ tag, modulePath, version, reason }: Refusal): object {
  return { tag, path: modulePath, version, reason: storableText(reason) };
}

async function ensureModules(
  tx: Sql,
  projectId: number,
  versions: readonly NewVersion[],
  refusals: Refusal[],
): Promise<Map<string, number>> {
  const paths = [...new Set(versions.map((version) => version.modulePath))];
  await tx.$executeRaw`INSERT INTO module (path, project_id) SELECT path, ${projectId} FROM unnest(${paths}::text[]) AS path
    ON CONFLICT DO NOTHING`;
  const rows = await tx.$queryRaw<{ id: number; path: string; project_id: number }[]>`
    SELECT id, path, project_id FROM module WHERE path = ANY(${paths}) AND origin = 'HOSTED'`;
  const foreign = new Set(rows.filter((row) => row.project_id !== projectId).map((row) => row.path));
  for (const version of versions)
    if (foreign.has(version.modulePath))
      refusals.push(
        refusalOf(version, `the module path ${version.modulePath} was published by another project before`),
      );
  return new Map(rows.filter((row) => row.project_id === projectId).map((row) => [row.path, row.id]));
}

/** What else was to be said of a version is void once it is turned away: it is not served, nor listed. */
function withoutWarnings(refusals: readonly Refusal[], turnedAway: readonly Refusal[]): Refusal[] {
  const away = new Set(turnedAway.map(({ modulePath, version }) => `${modulePath}@${version}`));
  return refusals.filter(({ modulePath, version }) => !away.has(`${modulePath}@${version}`));
}

function refusalOf(version: NewVersion, reason: string): Refusal {
  const { modulePath, ref } = version;
  return { tag: ref?.replace(/^refs\/tags\//, "") ?? version.version, modulePath, version: version.version, reason };
}

/** What is to be said of tags whose versions were published from other commits, or uploaded with other content. */
async function movedTags(
  tx: Sql,
  versions: readonly NewVersion[],
  modules: ReadonlyMap<string, number>,
): Promise<Refusal[]> {
  const moduleIds = versions.map((v) => modules.get(v.modulePath) ?? 0);
  const present = await tx.$queryRaw<
    { module_id: number; version: string; commit: string | null; h1: string | null }[]
  >`
    SELECT module_id, version, v."commit", v.h1 FROM module_version v
    JOIN unnest(${moduleIds}::int[], ${versions.map((v) => v.version)}::text[]) AS new (module_id, version)
      USING (module_id, version)`;
  const byName = new Map(present.map((row) => [`${row.module_id} ${row.version}`, row]));
  return versions.flatMap((version) => {
    const pinned = byName.get(`${modules.get(version.modulePath)} ${version.version}`);
    if (pinned === undefined || pinned.commit === version.commit) return [];
    if (pinned.commit === null)
      return version.h1 === pinned.h1 ? [] : [refusalOf(version, otherThanUploaded(version, pinned.h1))];
    const reason = `the tag was moved to ${version.commit.slice(0, 12)}, but ${version.version} was published from ${pinned.commit.slice(0, 12)} and stays so; tag a new version instead`;
    return [refusalOf(version, reason)];
  });
}

function otherThanUploaded({ version, h1 }: NewVersion, uploaded: string | null): string {
  const own = h1 === undefined ? "have not been compared" : `have ${h1}`;
  return `${version} was uploaded before with ${uploaded} and stays so, and the files of the tag ${own}; tag a new version instead`;
}
