// Lists of packages (packages.ts) that stay as fast with a million versions as with a thousand. A project's list is read off
// an index that begins with the project (module_version.package_of), in each order. A group's list is the merger of the lists
// of its projects, thousands of them perhaps: of each only the first row is looked at, and whoever is not among the best n of
// these cannot have a row among the first n of all; so no more than n lists are read on, each up to n rows.
import { Prisma } from "../../database/generated/client.ts";
import { canonicalVersion } from "../../gomod/version.ts";
import { versionSortKey } from "../../gomod/version-sort-key.ts";
import { mayListModules, maySeeGroup } from "../access/access.ts";
import { readableProjectsInSql } from "../access/access-conditions.ts";
import { inBounds, inOrder } from "../lists/first-of-each.ts";
import {
  COUNT_LIMIT,
  countingTo,
  type KeyBounds,
  type KeyPart,
  type KeysetPage,
  type KeyType,
  keysetPages,
  type Order,
  type PageRequest,
} from "../lists/keyset-page.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow, ProjectRow } from "../rows.ts";
import { searchText } from "../text.ts";
import {
  type Listed,
  type PackageInList,
  type PackageRow,
  type PackageStatus,
  type PackageType,
  rowsOf,
} from "./packages.ts";

export const PACKAGE_ORDERS = ["created_at", "name", "version", "type", "project_path"] as const;
/**
 * `version` is Go's order; equal versions of several modules, and all packages by `type`, are in the order of publication.
 */
export type PackageOrder = (typeof PACKAGE_ORDERS)[number];

export interface PackageFilter {
  readonly type?: PackageType | null | undefined;
  readonly status?: PackageStatus | null | undefined;
  /** Part of the module path, in any case. */
  readonly name?: string | null | undefined;
  /** Exactly this version. */
  readonly version?: string | null | undefined;
}

export interface PackageSort {
  readonly by: PackageOrder;
  readonly order: Order;
}

/** What a list is asked for with. */
export interface PackageQuery {
  readonly filter: PackageFilter;
  readonly sort: PackageSort;
}

/** The packages of projects, by the project's number; only of projects whose modules the principal may list. */
export function packagesOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
  query: PackageQuery,
  request: PageRequest,
): Promise<Map<number, KeysetPage<PackageRow>>> {
  return pagesOf(registry, listsOfProjects(principal, projects), query, request);
}

/** The packages in groups, by the group's number; only of groups that the principal sees and projects as above. */
export function packagesOfGroups(
  registry: Registry,
  principal: Principal,
  groups: readonly GroupRow[],
  scope: { readonly includeSubgroups: boolean },
  query: PackageQuery,
  request: PageRequest,
): Promise<Map<number, KeysetPage<PackageRow>>> {
  return pagesOf(registry, listsOfGroups(principal, groups, scope), query, request);
}

/** A numbered page of a project's packages Empty when the principal may not list the project's modules. */
export function numberedPackagesOfProject(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
  query: PackageQuery,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<PackageRow>> {
  return numberedPageOfLists(registry, listsOfProjects(principal, [project]), query, numbered);
}

/** A numbered page of a group's packages. */
export function numberedPackagesOfGroup(
  registry: Registry,
  principal: Principal,
  group: GroupRow,
  scope: { readonly includeSubgroups: boolean },
  query: PackageQuery,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<PackageRow>> {
  return numberedPageOfLists(registry, listsOfGroups(principal, [group], scope), query, numbered);
}

/** How many packages projects have, by the project's number; `limit` + 1 where there are more than `limit`. */
export function countPackagesOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
  filter: PackageFilter,
  limit: number = COUNT_LIMIT,
): Promise<Map<number, number>> {
  return countOf(registry, listsOfProjects(principal, projects), filter, limit);
}

/** How many packages the principal sees in each of some groups, by the group's number; at most `limit`. */
export function countPackagesOfGroups(
  registry: Registry,
  principal: Principal,
  groups: readonly GroupRow[],
  scope: { readonly includeSubgroups: boolean },
  filter: PackageFilter,
  limit: number = COUNT_LIMIT,
): Promise<Map<number, number>> {
  return countOf(registry, listsOfGroups(principal, groups, scope), filter, limit);
}

/** Numbered lists, each the merger of the packages of some projects: rows (list, project, path), where path is the project's. */
interface Lists {
  readonly numbers: readonly number[];
  readonly projects: Prisma.Sql;
}

function listsOfProjects(principal: Principal, projects: readonly ProjectRow[]): Lists {
  const readable = projects.filter((project) => mayListModules(principal, project));
  const numbers = readable.map(({ id }) => id);
  const paths = readable.map(({ fullPath }) => fullPath);
  return {
    numbers,
    projects: Prisma.sql`SELECT id AS list, id AS project, path FROM unnest(${numbers}::int[], ${paths}::text[]) AS p (id, path)`,
  };
}

function listsOfGroups(
  principal: Principal,
  groups: readonly GroupRow[],
  { includeSubgroups }: { readonly includeSubgroups: boolean },
): Lists {
  const numbers = groups.filter((group) => maySeeGroup(principal, group)).map(({ id }) => id);
  const inside = includeSubgroups ? Prisma.sql`g.traversal_ids @> ARRAY[of.list]` : Prisma.sql`g.id = of.list`;
  return {
    numbers,
    projects: Prisma.sql`SELECT of.list, p.id AS project, p.full_path AS path FROM unnest(${numbers}::int[]) AS of (list)
      JOIN "group" g ON ${inside} JOIN project p ON p.group_id = g.id WHERE ${readableProjectsInSql(principal)}`,
  };
}

/** By which columns each order sorts; all are unique together. */
const SORTINGS: Record<
  PackageOrder,
  {
    readonly columns: readonly string[];
    readonly keyType: KeyType;
    readonly key: (row: PackageRow) => readonly KeyPart[];
  }
> = {
  created_at: { columns: ["created_at", "id"], keyType: ["time", "number"], key: (row) => [row.createdAt, row.id] },
  type: { columns: ["created_at", "id"], keyType: ["time", "number"], key: (row) => [row.createdAt, row.id] },
  name: {
    columns: ["package_name", "sort_key"],
    keyType: ["string", "string"],
    key: (row) => [row.packageName, row.sortKey],
  },
  version: {
    columns: ["sort_key", "created_at", "id"],
    keyType: ["string", "time", "number"],
    key: (row) => [row.sortKey, row.createdAt, row.id],
  },
  project_path: {
    columns: ["path", "created_at", "id"],
    keyType: ["string", "time", "number"],
    key: (row) => [row.projectPath, row.createdAt, row.id],
  },
};

function pagesOf(
  registry: Registry,
  lists: Lists,
  { filter, sort }: PackageQuery,
  request: PageRequest,
): Promise<Map<number, KeysetPage<PackageRow>>> {
  const { keyType, key } = SORTINGS[sort.by];
  return keysetPages<Listed, readonly KeyPart[]>(request, lists.numbers, {
    keyType,
    order: sort.order,
    key,
    listOf: (row) => row.list,
    read: (_, bounds, order, take) =>
      readMerged(registry, lists, filter, { by: sort.by, order }, bounds, { skip: 0, take }),
  });
}

function numberedPageOfLists(
  registry: Registry,
  lists: Lists,
  { filter, sort }: PackageQuery,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<PackageRow>> {
  return readNumberedPage(numbered, {
    read: (skip, take) => readMerged(registry, lists, filter, sort, {}, { skip, take }),
    count: async (limit) => (await countOf(registry, lists, filter, limit)).values().next().value ?? 0,
  });
}

async function readMerged(
  registry: Registry,
  lists: Lists,
  filter: PackageFilter,
  { by, order }: PackageSort,
  bounds: KeyBounds<readonly KeyPart[]>,
  { skip, take }: { readonly skip: number; readonly take: number },
): Promise<Listed[]> {
  const candidates = await candidatesOf(registry, lists, filter);
  if (!candidates) return [];
  const { conditions, parts, isOf } = candidates;
  const { columns } = SORTINGS[by];
  const sorted =
    by === "project_path"
      ? Prisma.sql`path COLLATE "C" ${Prisma.raw(order)}, ${inOrder(columns.slice(1), order)}`
      : inOrder(columns, order);
  const [ofProject, ofRow] = by === "project_path" ? boundsByPath(bounds) : [[], inBounds(columns, bounds)];
  // No more than the index has: then the table itself is not touched.
  const ofVersion = columns.filter((column) => column !== "path");
  const chosen = Prisma.raw([...new Set([...ofVersion, "id"])].join(", "));
  const first = (from: string, limit: number): Prisma.Sql => Prisma.sql`
    SELECT ${chosen} FROM module_version
    WHERE ${Prisma.join([isOf(from), ...ofRow, ...conditions], " AND ")}
    ORDER BY ${inOrder(ofVersion, order)} LIMIT ${limit}`;
  const found = await registry.prisma.$queryRaw<PackageInList[]>`
    WITH part AS MATERIALIZED (${parts}),
    head AS (
      SELECT part.*, row_number() OVER (PARTITION BY list ORDER BY ${sorted}) AS place
      FROM part CROSS JOIN LATERAL (${first("part", 1)}) AS v
      WHERE ${Prisma.join([Prisma.sql`true`, ...ofProject], " AND ")}),
    merged AS (
      SELECT head.list, head.path, v.id, row_number() OVER (PARTITION BY head.list ORDER BY ${sorted}) AS place
      FROM head CROSS JOIN LATERAL (${first("head", skip + take)}) AS v WHERE head.place <= ${skip + take})
    SELECT list, id, path FROM merged WHERE place > ${skip} AND place <= ${skip + take} ORDER BY list, place`;
  return rowsOf(registry, found);
}

/** Bounds of a list that is sorted by the path of the project first: of the projects, and of the rows in each. */
function boundsByPath({ gt, lt }: KeyBounds<readonly KeyPart[]>): [Prisma.Sql[], Prisma.Sql[]] {
  const bound = (key: readonly KeyPart[], sign: ">" | "<", beyond: string): [Prisma.Sql, Prisma.Sql] => {
    const [path, time, id] = key as [string, Date, number];
    return [
      Prisma.sql`path COLLATE "C" ${Prisma.raw(sign)}= ${path}`,
      Prisma.sql`(created_at, id) ${Prisma.raw(sign)} (CASE WHEN path = ${path} THEN ${time.toISOString()}::timestamptz
        ELSE ${beyond}::timestamptz END, ${id}::int)`,
    ];
  };
  const both = [...(gt ? [bound(gt, ">", "-infinity")] : []), ...(lt ? [bound(lt, "<", "infinity")] : [])];
  return [both.map(([ofProject]) => ofProject), both.map(([, ofRow]) => ofRow)];
}

async function countOf(
  registry: Registry,
  lists: Lists,
  filter: PackageFilter,
  limit: number,
): Promise<Map<number, number>> {
  const { numbers } = lists;
  const candidates = await candidatesOf(registry, lists, filter);
  const counts = new Map(numbers.map((list) => [list, 0]));
  if (!candidates) return counts;
  const { conditions, parts, isOf } = candidates;
  // OFFSET 0 keeps the planner from joining everything at once: it walks an index, and stops.
  const rows = await registry.prisma.$queryRaw<{ list: number; count: number }[]>`
    WITH part AS MATERIALIZED (${parts})
    SELECT of.list, (SELECT count(*)::int FROM (SELECT FROM part CROSS JOIN LATERAL (
        SELECT FROM module_version
        WHERE ${Prisma.join([isOf("part"), ...conditions], " AND ")} OFFSET 0) AS v
      WHERE part.list = of.list LIMIT ${countingTo(limit)}) AS counted) AS count
    FROM unnest(${[...numbers]}::int[]) AS of (list)`;
  for (const { list, count } of rows) counts.set(list, count);
  return counts;
}

/** More modules than this that fit a name are not looked at one by one: their projects are. */
const FEW_MODULES = 1_000;

/** Where to look for the rows of lists, and what is asked of each. */
interface Candidates {
  /** Rows (list, project, path), and the module where they are looked for in modules. */
  readonly parts: Prisma.Sql;
  /** Whether a version is in a part of this name. */
  readonly isOf: (part: string) => Prisma.Sql;
  readonly conditions: readonly Prisma.Sql[];
}

/**
 * What a filter leaves of lists; undefined if nothing can fit it. A part of a name is looked for among the modules, of which
 * there are far fewer than versions: if few fit, their versions are the candidates; if many do, a walk through the versions
 * of their projects soon meets one.
 */
async function candidatesOf(
  registry: Registry,
  { numbers, projects }: Lists,
  { type, status, name, version }: PackageFilter,
): Promise<Candidates | undefined> {
  if ((type ?? "golang") !== "golang" || (status ?? "default") !== "default") return undefined;
  if ((version && canonicalVersion(version) !== version) || numbers.length === 0) return undefined;
  const conditions = version ? [Prisma.sql`sort_key = ${versionSortKey(version)}`] : [];
  const isOf = (part: string): Prisma.Sql => Prisma.sql`package_of = ${Prisma.raw(part)}.project`;
  if (!name) return { parts: projects, isOf, conditions };
  const fits = Prisma.sql`m.project_id = p.project AND m.path ILIKE ${`%${searchText(name)}%`}`;
  const modules = await registry.prisma.$queryRaw<{ list: number; project: number; path: string; module: number }[]>`
    SELECT p.*, m.id AS module FROM (${projects}) AS p JOIN module m ON ${fits} LIMIT ${FEW_MODULES + 1}`;
  if (modules.length > FEW_MODULES)
    return {
      parts: Prisma.sql`SELECT p.* FROM (${projects}) AS p WHERE EXISTS (SELECT FROM module m WHERE ${fits})`,
      isOf,
      conditions: [...conditions, Prisma.sql`package_name ILIKE ${`%${searchText(name)}%`}`],
    };
  const column = <T>(value: (row: (typeof modules)[number]) => T): T[] => modules.map(value);
  return {
    parts: Prisma.sql`SELECT * FROM unnest(${column((row) => row.list)}::int[], ${column((row) => row.project)}::int[],
      ${column((row) => row.path)}::text[], ${column((row) => row.module)}::int[]) AS p (list, project, path, module)`,
    isOf: (part) => Prisma.sql`module_id = ${Prisma.raw(part)}.module AND package_of = ${Prisma.raw(part)}.project`,
    conditions,
  };
}
