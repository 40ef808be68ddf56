// The one threshold of versions: whatever becomes a version of a module passes here, wherever it comes from, and nothing
// else writes one. In one transaction stand the version, what its go.mod requires, which versions are retracted from now
// on, and last its place in the index feed. What is pinned of a version stays for ever, and so does the name of one that
// was taken away (tombstones.ts): both are asked in that transaction, under locks, so that nothing can come between.
//
// The rows are written by functions of the database (migration "versions_enter_by_function"), because a round trip costs
// more than what it asks for. What a go.mod says of other versions is read here, where there is a parser.
//
// A version has entered when its go.mod is stored. Of one from upstream the .info may come before, and is then only a name
// that somebody asked for; its zip may come after.
import { inTransaction, type Sql } from "../../database/sql.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import { kindOf, type VersionKind } from "../../gomod/version.ts";
import { versionSortKey } from "../../gomod/version-sort-key.ts";
import type { Registry } from "../registry.ts";
import { type CountedRequirement, countingRequirements, newnessKey } from "./dependencies.ts";
import { appendToIndex } from "./index-feed.ts";
import { readGoMod, readLargeGoMod } from "./readable-go-mod.ts";
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
  const requirements = versions.flatMap(({ goMod }, index) =>
    requirementsIn(goMod).map((each) => ({ ...each, place: index + 1 })),
  );
  const required = <T>(value: (requirement: (typeof requirements)[number]) => T): T[] => requirements.map(value);
  return await tx.$queryRaw<EnteredVersion[]>`
    SELECT entered_id AS id, entered_module AS "moduleId", entered_name AS version, entered_kind AS kind
    FROM enter_versions(
      ${column((v) => modules.get(v.modulePath)!)}::int[],
      ${column((v) => v.version)}::text[],
      ${column((v) => versionSortKey(v.version))}::text[],
      ${column((v) => newnessKey(v.version))}::text[],
      ${column((v) => kindOf(v.version))}::"VersionKind"[],
      ${column((v) => secondsOf(v.time))}::float8[],
      ${column((v) => v.commit ?? null)}::text[],
      ${column((v) => v.ref ?? null)}::text[],
      ${column((v) => v.directory ?? "")}::text[],
      ${column((v) => v.goMod ?? null)}::bytea[],
      ${column((v) => (v.goMod ? h1OfGoMod(v.goMod) : null))}::text[],
      ${column((v) => v.legacy ?? false)}::bool[],
      ${column((v) => v.info ?? null)}::bytea[],
      ${column((v) => v.zip?.h1 ?? null)}::text[],
      ${column((v) => v.zip?.sha256 ?? null)}::text[],
      ${column((v) => v.zip?.size ?? null)}::bigint[],
      ${required((r) => r.place)}::int[],
      ${required((r) => r.path)}::text[],
      ${required((r) => r.version)}::text[],
      ${required((r) => r.indirect)}::bool[],
      ${required((r) => r.counts)}::bool[])`;
}

const secondsOf = (time: Date | undefined): number | null => (time ? time.getTime() / 1000 : null);

/** What came of a part of a version from upstream, as the function enter_upstream_part has it. */
export type UpstreamEntry =
  /** `unlisted`: a list is kept that does not have the version. */
  | { readonly outcome: "stored"; readonly row: PinnedRow; readonly unlisted: boolean }
  | { readonly outcome: "buried"; readonly reason: string }
  | { readonly outcome: "differs" };

/** What is pinned of a version from upstream. */
export interface PinnedRow {
  readonly id: number;
  readonly info: Buffer | null;
  readonly go_mod: Buffer | null;
  readonly h1: string | null;
  readonly zip_key: string | null;
  readonly zip_size: string | null;
}

/**
 * Lets a part of one version from upstream enter, in one statement, which is a transaction of its own. Undefined, with
 * nothing written, when a go.mod has to be read that says what is retracted or deprecated: then it is for enteringVersions.
 */
export async function enterUpstreamPart(
  registry: Registry,
  part: Pick<EnteringVersion, "modulePath" | "version" | "time" | "goMod" | "info" | "zip">,
): Promise<UpstreamEntry | undefined> {
  const { modulePath, version, time, goMod, info, zip } = part;
  const kind = kindOf(version);
  if (goMod) await readLargeGoMod(goMod);
  const file = goMod && readGoMod(goMod).file;
  if (kind !== "PSEUDO" && file && (file.retracts.length > 0 || file.module?.deprecated !== undefined))
    return undefined;
  const requirements = requirementsIn(goMod);
  const { rows } = await registry.database.pool.query<
    PinnedRow & { outcome: UpstreamEntry["outcome"] | "speaks"; reason: string; entered: boolean; unlisted: boolean }
  >({
    name: "enter-upstream-part",
    text: `SELECT * FROM enter_upstream_part($1, $2, $3, $4, $5::"VersionKind", $6::float8, $7::bytea, $8, $9::bytea, $10, $11,
      $12::bigint, $13::text[], $14::text[], $15::bool[], $16::bool[])`,
    values: [
      ...[modulePath, version, versionSortKey(version), newnessKey(version), kind, secondsOf(time)],
      ...[goMod ?? null, goMod ? h1OfGoMod(goMod) : null, info ?? null, zip?.h1 ?? null, zip?.sha256 ?? null],
      ...[zip?.size ?? null, requirements.map((r) => r.path), requirements.map((r) => r.version)],
      ...[requirements.map((r) => r.indirect), requirements.map((r) => r.counts)],
    ],
  });
  const { outcome, reason, entered, unlisted, ...row } = rows[0]!;
  if (outcome === "speaks") return undefined;
  if (outcome === "buried") return { outcome, reason };
  if (outcome === "differs") return { outcome };
  if (entered) registry.metrics.published.inc({ kind: kind.toLowerCase() });
  return { outcome, row, unlisted };
}

function requirementsIn(goMod: Buffer | undefined): CountedRequirement[] {
  return goMod ? countingRequirements(readGoMod(goMod).file?.requires ?? []) : [];
}
