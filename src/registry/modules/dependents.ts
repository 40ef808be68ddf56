// The dependents of modules and of versions, as far as the principal may read them: pages, and counts with an end. Both walk
// an index in its order and look at the project of each row on the way, so that what everybody uses costs a page, and for
// somebody who may read few of its dependents one pass over the names of those modules.

import { Prisma } from "../../database/generated/client.ts";
import { readRows } from "../../database/sql.ts";
import { inBounds, inOrder } from "../lists/first-of-each.ts";
import { countingTo, type KeysetPage, keysetPages, type PageRequest } from "../lists/keyset-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ModuleRow, VersionRow } from "../rows.ts";
import { readableInSql } from "./readable-by-name.ts";

/** A module, or a version of one, that requires another. */
export interface DependentRow {
  readonly moduleId: number;
  /** The newest stored version that requires the module; of the dependents of a version: each that requires it. */
  readonly versionId: number;
  readonly requiredVersion: string;
  readonly indirect: boolean;
  /** Whether that version is the newest of the dependent. */
  readonly current: boolean;
}

/** Only those that say so themselves, only those that have it for the sake of others, or all. */
export interface DependentFilter {
  readonly direct?: boolean | null | undefined;
}

/** Lists of dependents: what they are of, from which rows they are read, and by which column they go. */
interface DependentLists {
  readonly numbers: readonly number[];
  /** A table `list` with the `number` of each list and what it is of. */
  readonly of: Prisma.Sql;
  /** Rows with all of a dependent, the `path` of its module and its `project_id`. */
  readonly rows: Prisma.Sql;
  readonly key: "module_id" | "version_id";
}

type ListedDependent = DependentRow & { readonly list: number };

/** The modules that require modules, in the order in which they came, by the number of the module that they require. */
export function dependentsOfModules(
  registry: Registry,
  principal: Principal,
  modules: readonly ModuleRow[],
  filter: DependentFilter,
  request: PageRequest,
): Promise<Map<number, KeysetPage<DependentRow>>> {
  return keysetPages<ListedDependent, number>(request, numbersOf(modules), {
    keyType: "number",
    order: "asc",
    key: (row) => row.moduleId,
    listOf: (row) => row.list,
    read: (numbers, bounds, order, take) =>
      read(registry, principal, ofModules(modules, numbers), filter, inBounds(["module_id"], bounds), order, take),
  });
}

/** The versions that require exactly these versions, the last stored first, by the number of the version required. */
export function dependentsOfVersions(
  registry: Registry,
  principal: Principal,
  versions: readonly VersionRow[],
  filter: DependentFilter,
  request: PageRequest,
): Promise<Map<number, KeysetPage<DependentRow>>> {
  return keysetPages<ListedDependent, number>(request, numbersOf(versions), {
    keyType: "number",
    order: "desc",
    key: (row) => row.versionId,
    listOf: (row) => row.list,
    read: (numbers, bounds, order, take) =>
      read(registry, principal, ofVersions(numbers), filter, inBounds(["version_id"], bounds), order, take),
  });
}

/** How many dependents modules have, `limit` + 1 meaning more than that, by number. */
export function countDependentsOfModules(
  registry: Registry,
  principal: Principal,
  modules: readonly ModuleRow[],
  filter: DependentFilter,
  limit: number,
): Promise<Map<number, number>> {
  return count(registry, principal, ofModules(modules, numbersOf(modules)), filter, limit);
}

/** How many modules that the principal may see require each of some versions, by the version's number; at most `limit`. */
export function countDependentsOfVersions(
  registry: Registry,
  principal: Principal,
  versions: readonly VersionRow[],
  filter: DependentFilter,
  limit: number,
): Promise<Map<number, number>> {
  return count(registry, principal, ofVersions(numbersOf(versions)), filter, limit);
}

const numbersOf = (rows: readonly { readonly id: number }[]): number[] => rows.map(({ id }) => id);

function ofModules(modules: readonly ModuleRow[], numbers: readonly number[]): DependentLists {
  const paths = new Map(modules.map(({ id, path }) => [id, path]));
  return {
    numbers,
    // Of one path that the planner can see, it knows whether nobody or everybody requires it; of an array it knows nothing.
    of:
      numbers.length === 1
        ? Prisma.sql`(SELECT ${numbers[0]}::int AS number, ${paths.get(numbers[0]!)!}::text AS path) AS list`
        : Prisma.sql`unnest(${[...numbers]}::int[], ${numbers.map((id) => paths.get(id)!)}::text[]) AS list (number, path)`,
    rows: Prisma.sql`(
      SELECT d.module_id, d.version_id, d.required_version, d.indirect, d.current, m.path, m.project_id
      FROM module_dependency d JOIN module m ON m.id = d.module_id WHERE d.path = list.path)`,
    key: "module_id",
  };
}

function ofVersions(numbers: readonly number[]): DependentLists {
  return {
    numbers,
    // In byte order, as module paths are, the index of requirements would be of no use.
    of: Prisma.sql`(
      SELECT v.id AS number, m.path COLLATE "default" AS path, v.version FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE v.id = ANY(${[...numbers]}::int[])) AS list`,
    rows: Prisma.sql`(
      SELECT v.module_id, r.version_id, r.version AS required_version, r.indirect, m.path, m.project_id,
        COALESCE((SELECT d.current FROM module_dependency d
          WHERE d.module_id = v.module_id AND d.path = r.path AND d.version_id = v.id), false) AS current
      FROM requirement r JOIN module_version v ON v.id = r.version_id JOIN module m ON m.id = v.module_id
      WHERE r.path = list.path AND r.version = list.version)`,
    key: "version_id",
  };
}

async function read(
  registry: Registry,
  principal: Principal,
  { of, rows, key }: DependentLists,
  filter: DependentFilter,
  bounds: readonly Prisma.Sql[],
  order: "asc" | "desc",
  take: number,
): Promise<ListedDependent[]> {
  return readRows<ListedDependent>(
    registry.database.pool,
    Prisma.sql`
    SELECT list.number AS list, found.* FROM ${of} CROSS JOIN LATERAL (
      SELECT module_id AS "moduleId", version_id AS "versionId", required_version AS "requiredVersion", indirect, current
      FROM ${rows} AS dependent ${readable(registry, principal, filter, bounds)}
      ORDER BY ${inOrder([key], order)} LIMIT ${take}) AS found`,
  );
}

async function count(
  registry: Registry,
  principal: Principal,
  { numbers, of, rows }: DependentLists,
  filter: DependentFilter,
  limit: number,
): Promise<Map<number, number>> {
  const counted = await readRows<{ number: number; count: number }>(
    registry.database.pool,
    Prisma.sql`
    SELECT list.number, (SELECT count(*)::int FROM (
      SELECT FROM ${rows} AS dependent ${readable(registry, principal, filter, [])} LIMIT ${countingTo(limit)}) AS counted) AS count
    FROM ${of}`,
  );
  const counts = new Map(counted.map((row) => [row.number, row.count]));
  return new Map(numbers.map((number) => [number, counts.get(number) ?? 0]));
}

/** Joins dependents with their projects and leaves those that fit and may be read. */
function readable(
  registry: Registry,
  principal: Principal,
  { direct }: DependentFilter,
  bounds: readonly Prisma.Sql[],
): Prisma.Sql {
  const conditions = [readableInSql(registry, principal, "dependent", "dependent"), ...bounds];
  if (direct != null) conditions.push(Prisma.sql`indirect = ${!direct}`);
  return Prisma.sql`LEFT JOIN project p ON p.id = dependent.project_id LEFT JOIN "group" g ON g.id = p.group_id
    WHERE ${Prisma.join(
      conditions.map((condition) => Prisma.sql`(${condition})`),
      " AND ",
    )}`;
}
