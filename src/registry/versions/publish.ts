// The only way in: what becomes a version of a module passes here, whatever its origin, and nothing else writes versions.
// One transaction holds the module, the version, its requirements, and the tags that were refused; a version that exists
// is left as it is, for ever, and so is the name of one that was taken away (tombstones).
import type { Transaction } from "../../database/client.ts";
import { Failure } from "../../errors.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import { kindOf, type VersionKind } from "../../gomod/version.ts";
import { versionSortKey } from "../../gomod/version-sort-key.ts";
import { markIndexed, type WaitingTag } from "../forge/waiting-tags.ts";
import type { Registry } from "../registry.ts";
import { noteDependencies, type RequiringVersion } from "./dependencies.ts";
import { appendToIndex } from "./index-feed.ts";
import { readGoMod, storableText } from "./readable-go-mod.ts";
import { markNewVersions } from "./retractions.ts";
import type { ServedVersion } from "./served-versions.ts";
import { refuseBuried } from "./tombstones.ts";

const TRANSACTION_TIMEOUT_MS = 120_000;
/** The go.mod files that one statement carries, in bytes, unless a single one is larger. */
const MAX_STATEMENT_BYTES = 8 * 1024 * 1024;

/** A version that was found to obey Go's rules. */
export interface NewVersion {
  readonly modulePath: string;
  readonly version: string;
  /** The committer's time. */
  readonly time: Date;
  readonly commit: string;
  /** refs/tags/…; undefined for a pseudo-version. */
  readonly ref: string | undefined;
  /** The module's directory in the repository; "" at the root. */
  readonly directory: string;
  readonly goMod: Buffer;
  /** The repository has no go.mod there; the one given is made up. */
  readonly legacy: boolean;
}

/** Why a tag is no version of a module, or of none. */
export interface Refusal {
  readonly tag: string;
  readonly modulePath?: string;
  readonly version?: string;
  /** One sentence for the author. */
  readonly reason: string;
  /** It stands in the module's list all the same. */
  readonly listed?: boolean;
  readonly hasGoMod?: boolean;
  /** Only the list needs to know; nobody needs to read it. */
  readonly silent?: boolean;
}

export interface Publication {
  readonly versions: readonly NewVersion[];
  readonly refusals: readonly Refusal[];
  /** The tags that this is the whole outcome of. */
  readonly tags: readonly WaitingTag[];
}

/** Publishes what came of some tags or of one commit. Returns the numbers of the versions that are new. */
export async function publish(registry: Registry, projectId: number, publication: Publication): Promise<number[]> {
  const inserted = await registry.prisma.$transaction(
    async (tx) => {
      // One publisher a project at a time; also, a project that is being deleted is waited for.
      const there = await tx.$queryRaw<unknown[]>`SELECT 1 FROM project WHERE id = ${projectId} FOR UPDATE`;
      if (there.length === 0) throw new Failure("not-found", "the project is gone");
      const turnedAway: Refusal[] = [];
      const { admitted: unburied, refused } = await refuseBuried(tx, publication.versions);
      for (const { version, reason } of refused) turnedAway.push(refusalOf(version, reason));
      const modules = await ensureModules(tx, projectId, unburied, turnedAway);
      const admitted = unburied.filter((version) => modules.has(version.modulePath));
      const refusals = [...withoutWarnings(publication.refusals, turnedAway), ...turnedAway];
      const rows = await insertVersions(tx, modules, admitted);
      await noteRefusals(tx, projectId, publication, modules, refusals);
      await markIndexed(tx, projectId, publication.tags);
      await markNewVersions(
        tx,
        Map.groupBy(
          rows.filter((row) => row.kind !== "PSEUDO"),
          (row) => row.moduleId,
        ),
      );
      await appendToIndex(
        tx,
        rows.map((row) => row.id),
      );
      return rows;
    },
    { timeout: TRANSACTION_TIMEOUT_MS },
  );
  for (const { kind } of inserted) registry.metrics.published.inc({ kind: kind.toLowerCase() });
  return inserted.map((row) => row.id);
}

async function ensureModules(
  tx: Transaction,
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

interface InsertedVersion {
  readonly id: number;
  readonly moduleId: number;
  readonly version: string;
  readonly kind: VersionKind;
}

/** Returns the rows that are new. */
async function insertVersions(
  tx: Transaction,
  modules: ReadonlyMap<string, number>,
  versions: readonly NewVersion[],
): Promise<InsertedVersion[]> {
  const rows: InsertedVersion[] = [];
  for (const some of inParts(versions)) rows.push(...(await insertSome(tx, modules, some)));
  return rows;
}

/** Parts whose go.mod files fit into one statement, which carries them as text. */
function* inParts(versions: readonly NewVersion[]): Generator<NewVersion[]> {
  let part: NewVersion[] = [];
  let bytes = 0;
  for (const version of versions) {
    if (part.length > 0 && bytes + version.goMod.length > MAX_STATEMENT_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(version);
    bytes += version.goMod.length;
  }
  if (part.length > 0) yield part;
}

/** Columns go as arrays: Prisma's createMany takes several times the time and the memory. */
async function insertSome(
  tx: Transaction,
  modules: ReadonlyMap<string, number>,
  versions: readonly NewVersion[],
): Promise<InsertedVersion[]> {
  const column = <T>(value: (version: NewVersion) => T): T[] => versions.map(value);
  const rows = await tx.$queryRaw<InsertedVersion[]>`
    INSERT INTO module_version
      (module_id, version, sort_key, kind, "time", "commit", ref, directory, go_mod, go_mod_h1, legacy)
    SELECT module_id, version, sort_key, kind, to_timestamp(seconds), "commit", ref, directory, go_mod, go_mod_h1, legacy
    FROM unnest(
      ${column((v) => modules.get(v.modulePath)!)}::int[],
      ${column((v) => v.version)}::text[],
      ${column((v) => versionSortKey(v.version))}::text[],
      ${column((v) => kindOf(v.version))}::"VersionKind"[],
      ${column((v) => v.time.getTime() / 1000)}::float8[],
      ${column((v) => v.commit)}::text[],
      ${column((v) => v.ref ?? null)}::text[],
      ${column((v) => v.directory)}::text[],
      ${column((v) => v.goMod)}::bytea[],
      ${column((v) => h1OfGoMod(v.goMod))}::text[],
      ${column((v) => v.legacy)}::bool[]
    ) AS new (module_id, version, sort_key, kind, seconds, "commit", ref, directory, go_mod, go_mod_h1, legacy)
    ON CONFLICT (module_id, version) DO NOTHING
    RETURNING id, module_id AS "moduleId", version, kind`;
  const goMods = new Map(versions.map((v) => [`${modules.get(v.modulePath)} ${v.version}`, v.goMod]));
  const requiring = rows.map(({ id, moduleId, version }) => ({
    ...{ id, moduleId, version },
    requires: readGoMod(goMods.get(`${moduleId} ${version}`)!).file?.requires ?? [],
  }));
  await insertRequirements(tx, requiring);
  await noteDependencies(tx, requiring);
  return rows;
}

async function insertRequirements(tx: Transaction, versions: readonly RequiringVersion[]): Promise<void> {
  const requirements = versions.flatMap(({ id, requires }) => requires.map((each) => ({ ...each, versionId: id })));
  if (requirements.length === 0) return;
  const column = <T>(value: (requirement: (typeof requirements)[number]) => T): T[] => requirements.map(value);
  await tx.$executeRaw`INSERT INTO requirement (version_id, path, version, indirect)
    SELECT * FROM unnest(
      ${column((r) => r.versionId)}::int[],
      ${column((r) => r.path)}::text[],
      ${column((r) => r.version)}::text[],
      ${column((r) => r.indirect)}::bool[])
    ON CONFLICT DO NOTHING`;
}

/** Writes what is to be said about the tags, in place of what was said before, and of versions that stay as they were. */
async function noteRefusals(
  tx: Transaction,
  projectId: number,
  publication: Publication,
  modules: ReadonlyMap<string, number>,
  refusals: Refusal[],
): Promise<void> {
  if (publication.tags.length === 0) return;
  const moduleIds = publication.versions.map((v) => modules.get(v.modulePath) ?? 0);
  const present = await tx.$queryRaw<{ module_id: number; version: string; commit: string }[]>`
    SELECT module_id, version, v."commit" FROM module_version v
    JOIN unnest(${moduleIds}::int[], ${publication.versions.map((v) => v.version)}::text[]) AS new (module_id, version)
      USING (module_id, version)`;
  const commits = new Map(present.map((row) => [`${row.module_id} ${row.version}`, row.commit]));
  for (const version of publication.versions) {
    const pinned = commits.get(`${modules.get(version.modulePath)} ${version.version}`);
    if (pinned !== undefined && pinned !== version.commit)
      refusals.push(
        refusalOf(
          version,
          `the tag was moved to ${version.commit.slice(0, 12)}, but ${version.version} was published from ${pinned.slice(0, 12)} and stays so; tag a new version instead`,
        ),
      );
  }
  const tags = publication.tags.map(({ tag }) => tag);
  await tx.$executeRaw`DELETE FROM rejected_tag WHERE project_id = ${projectId} AND tag = ANY(${tags})`;
  if (refusals.length === 0) return;
  const column = <T>(value: (refusal: Refusal) => T): T[] => refusals.map(value);
  await tx.$executeRaw`INSERT INTO rejected_tag (project_id, tag, module_path, version, reason, listed, has_go_mod, silent)
    SELECT ${projectId}, * FROM unnest(
      ${column((r) => r.tag)}::text[],
      ${column((r) => r.modulePath ?? null)}::text[],
      ${column((r) => r.version ?? null)}::text[],
      ${column((r) => storableText(r.reason))}::text[],
      ${column((r) => r.listed ?? false)}::bool[],
      ${column((r) => r.hasGoMod ?? false)}::bool[],
      ${column((r) => r.silent ?? false)}::bool[])`;
}

/** How the reason begins for which a published version has no zip. */
const UNZIPPABLE = "the zip cannot be made: ";

/** Writes down, for the author, that a published version has no zip: its files cannot be a module. */
export async function noteUnzippable(
  registry: Registry,
  projectId: number,
  version: ServedVersion,
  reason: string,
): Promise<void> {
  const { modulePath, version: name, ref } = version;
  if (ref === null) return;
  const tag = ref.replace(/^refs\/tags\//, "");
  const row = { projectId, tag, modulePath, version: name };
  const said = `${UNZIPPABLE}${reason}`;
  const known = await registry.prisma.rejectedTag.findFirst({ where: { ...row, reason: said } });
  if (!known)
    await registry.prisma.rejectedTag.create({ data: { ...row, reason: said, listed: true, hasGoMod: true } });
}

/** Whether that was written down of a version. */
export async function isUnzippable(
  registry: Registry,
  projectId: number,
  { modulePath, version }: { readonly modulePath: string; readonly version: string },
): Promise<boolean> {
  const where = { projectId, modulePath, version, reason: { startsWith: UNZIPPABLE } };
  return (await registry.prisma.rejectedTag.count({ where })) > 0;
}
