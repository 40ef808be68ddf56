// The one threshold of versions: whatever becomes a version of a module passes here, wherever it comes from, and nothing
// else writes one. In one transaction stand the version, what its go.mod requires, which versions are retracted from now
// on, and last its place in the index feed. What is pinned of a version stays for ever, and so does the name of one that
// was taken away (tombstones.ts): both are asked in that transaction, under locks, so that nothing can come between.
//
// A version has entered when its go.mod is stored. Of one from upstream the .info may come before, and is then only a name
// that somebody asked for; its zip may come after.
import { inTransaction, type Sql } from "../../database/sql.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import { kindOf, type VersionKind } from "../../gomod/version.ts";
import { versionSortKey } from "../../gomod/version-sort-key.ts";
import type { Registry } from "../registry.ts";
import { noteDependencies, type RequiringVersion } from "./dependencies.ts";
import { appendToIndex } from "./index-feed.ts";
import { readGoMod } from "./readable-go-mod.ts";
import { markNewVersions } from "./retractions.ts";
import { type Buried, partBuried } from "./tombstones.ts";
import type { MadeZip } from "./version-zip.ts";

/** The go.mod files that one statement carries, in bytes, unless a single one is larger. */
const MAX_STATEMENT_BYTES = 8 * 1024 * 1024;

/** A version that was found to obey Go's rules, or a part of one. */
export interface EnteringVersion {
  readonly modulePath: string;
  readonly version: string;
  /** When its commit was made; undefined if nobody has said. */
  readonly time?: Date | undefined;
  /** The commit that it was made of; undefined for one from upstream. */
  readonly commit?: string | undefined;
  /** refs/tags/…; undefined for a pseudo-version. */
  readonly ref?: string | undefined;
  /** The module's directory in the repository; "" at the root. */
  readonly directory?: string;
  readonly goMod?: Buffer | undefined;
  /** The repository has no go.mod there; the one given is made up. */
  readonly legacy?: boolean;
  /** .info as upstream answered it. */
  readonly info?: Buffer | undefined;
  /** A zip that is stored already, and was compared with the go.mod. */
  readonly zip?: MadeZip | undefined;
}

/** A version that was not there before. */
export interface EnteredVersion {
  readonly id: number;
  readonly moduleId: number;
  readonly version: string;
  readonly kind: VersionKind;
}

/** What came of versions that were to enter. Those that were there already, or whose path has no module, are in neither. */
export interface Entry<V> {
  readonly entered: readonly EnteredVersion[];
  /** Those whose names must stay away. */
  readonly buried: readonly Buried<V>[];
}

/**
 * Lets versions enter. `modulesOf` says to which modules they belong, by path, makes these if need be, and keeps others from
 * entering versions into them until the end of the transaction; it is asked only about those whose names may be given.
 */
export type Enter = <V extends EnteringVersion>(
  versions: readonly V[],
  modulesOf: (versions: readonly V[]) => Promise<ReadonlyMap<string, number>>,
) => Promise<Entry<V>>;

/** Runs a transaction in which versions can enter. They are counted when it has committed. */
export async function enteringVersions<T>(registry: Registry, work: (tx: Sql, enter: Enter) => Promise<T>): Promise<T> {
  const all: EnteredVersion[] = [];
  const result = await inTransaction(registry.database.pool, async (tx) => {
    const done = await work(tx, async (versions, modulesOf) => {
      const { admitted, buried } = await partBuried(tx, versions);
      const modules = admitted.length > 0 ? await modulesOf(admitted) : new Map<string, number>();
      const entered: EnteredVersion[] = [];
      const homed = admitted.filter(({ modulePath }) => modules.has(modulePath));
      for (const some of inParts(homed)) entered.push(...(await enterSome(tx, modules, some)));
      const listable = entered.filter(({ kind }) => kind !== "PSEUDO");
      await markNewVersions(
        tx,
        Map.groupBy(listable, ({ moduleId }) => moduleId),
      );
      all.push(...entered);
      return { entered, buried };
    });
    await appendToIndex(
      tx,
      all.map(({ id }) => id),
    );
    return done;
  });
  for (const { kind } of all) registry.metrics.published.inc({ kind: kind.toLowerCase() });
  return result;
}

/** Parts whose go.mod files fit into one statement, which carries them as text. */
function* inParts<V extends EnteringVersion>(versions: readonly V[]): Generator<V[]> {
  let part: V[] = [];
  let bytes = 0;
  for (const version of versions) {
    const size = version.goMod?.length ?? 0;
    if (part.length > 0 && bytes + size > MAX_STATEMENT_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(version);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

/** Pins what is not pinned yet. Returns the versions that have entered by that. */
async function enterSome(
  tx: Sql,
  modules: ReadonlyMap<string, number>,
  versions: readonly EnteringVersion[],
): Promise<EnteredVersion[]> {
  const column = <T>(value: (version: EnteringVersion) => T): T[] => versions.map(value);
  const rows = await tx.$queryRaw<(EnteredVersion & { entered: boolean })[]>`
    WITH new AS (
      SELECT * FROM unnest(
        ${column((v) => modules.get(v.modulePath)!)}::int[],
        ${column((v) => v.version)}::text[],
        ${column((v) => versionSortKey(v.version))}::text[],
        ${column((v) => kindOf(v.version))}::"VersionKind"[],
        ${column((v) => (v.time ? v.time.getTime() / 1000 : null))}::float8[],
        ${column((v) => v.commit ?? null)}::text[],
        ${column((v) => v.ref ?? null)}::text[],
        ${column((v) => v.directory ?? "")}::text[],
        ${column((v) => v.goMod ?? null)}::bytea[],
        ${column((v) => (v.goMod ? h1OfGoMod(v.goMod) : null))}::text[],
        ${column((v) => v.legacy ?? false)}::bool[],
        ${column((v) => v.info ?? null)}::bytea[],
        ${column((v) => v.zip?.h1 ?? null)}::text[],
        ${column((v) => v.zip?.sha256 ?? null)}::text[],
        ${column((v) => v.zip?.size ?? null)}::bigint[]
      ) AS new (module_id, version, sort_key, kind, seconds, "commit", ref, directory, go_mod, go_mod_h1, legacy, info, h1, zip_key, zip_size)),
    before AS (
      SELECT module_id, version FROM module_version JOIN new USING (module_id, version)
      WHERE module_version.go_mod IS NOT NULL)
    INSERT INTO module_version AS v
      (module_id, version, sort_key, kind, "time", "commit", ref, directory, go_mod, go_mod_h1, legacy, info, h1, zip_key, zip_size)
    SELECT module_id, version, sort_key, kind, to_timestamp(seconds), "commit", ref, directory, go_mod, go_mod_h1, legacy, info, h1, zip_key, zip_size
    FROM new
    ON CONFLICT (module_id, version) DO UPDATE SET
      "time" = CASE WHEN v.info IS NULL THEN EXCLUDED."time" ELSE v."time" END,
      info = COALESCE(v.info, EXCLUDED.info),
      go_mod = COALESCE(v.go_mod, EXCLUDED.go_mod), go_mod_h1 = COALESCE(v.go_mod_h1, EXCLUDED.go_mod_h1),
      h1 = COALESCE(v.h1, EXCLUDED.h1), zip_key = COALESCE(v.zip_key, EXCLUDED.zip_key),
      zip_size = COALESCE(v.zip_size, EXCLUDED.zip_size)
      WHERE (v.info IS NULL AND EXCLUDED.info IS NOT NULL)
        OR (v.go_mod IS NULL AND EXCLUDED.go_mod IS NOT NULL)
        OR (v.h1 IS NULL AND EXCLUDED.h1 IS NOT NULL)
    RETURNING id, module_id AS "moduleId", version, kind,
      go_mod IS NOT NULL AND NOT EXISTS (
        SELECT FROM before WHERE before.module_id = v.module_id AND before.version = v.version) AS entered`;
  const entered = rows.filter((row) => row.entered).map(({ entered: _, ...row }) => row);
  const goMods = new Map(versions.map((v) => [`${modules.get(v.modulePath)} ${v.version}`, v.goMod]));
  const requiring = entered.map(({ id, moduleId, version }) => ({
    ...{ id, moduleId, version },
    requires: readGoMod(goMods.get(`${moduleId} ${version}`)!).file?.requires ?? [],
  }));
  await insertRequirements(tx, requiring);
  await noteDependencies(tx, requiring);
  return entered;
}

async function insertRequirements(tx: Sql, versions: readonly RequiringVersion[]): Promise<void> {
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
