// Lists of projects by whatever GitLab's API can ask for (doc/api/projects.md), for every door. Every filter is a condition
// for the database beside that of who may see what, and every order has an index, so that a page of a million costs what a
// page of a hundred does.
import type { Prisma, Visibility } from "../../database/generated/client.ts";
import { memberProjects, seenProjects } from "../access/access-conditions.ts";
import { OWNER } from "../access/acts.ts";
import { COUNT_LIMIT, countingTo, type Order } from "../lists/keyset-page.ts";
import { idsOf, type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow } from "../rows.ts";
import { isKeepable, searchText } from "../text.ts";
import { groupsOfMember } from "./groups.ts";

export interface ProjectSearch {
  /** Part of the name or of the last element of the path. */
  readonly search?: string | undefined;
  /** Search the whole path. */
  readonly searchNamespaces?: boolean | undefined;
  readonly visibility?: Visibility | undefined;
  /** Only those of which the principal is a member, with at least this level. */
  readonly minLevel?: number | undefined;
  readonly archived?: boolean | undefined;
  /** All of these. */
  readonly topics?: readonly string[] | undefined;
  readonly activeAfter?: Date | undefined;
  readonly activeBefore?: Date | undefined;
  /** Only those in this group… */
  readonly groupId?: number | undefined;
  /** …and in the groups below it. */
  readonly includeSubgroups?: boolean | undefined;
  /** Only those in the namespace of this user. */
  readonly namespaceOf?: number | undefined;
}

const COLUMNS = {
  id: "id",
  name: "name",
  path: "path",
  created_at: "createdAt",
  updated_at: "updatedAt",
  last_activity_at: "lastActivityAt",
} as const;

export type ProjectOrder = keyof typeof COLUMNS;

/** A numbered page of the projects that a principal sees. */
export async function searchProjects(
  registry: Registry,
  principal: Principal,
  filter: ProjectSearch,
  order: { readonly by: ProjectOrder; readonly sort: Order },
  numbered: NumberedPageRequest,
): Promise<NumberedPage<ProjectRow>> {
  const where: Prisma.ProjectWhereInput = {
    AND: [idsOf(numbered), ...(await conditions(registry, principal, filter))],
  };
  const by = COLUMNS[order.by];
  const orderBy = [...(by === "id" ? [] : [{ [by]: order.sort }]), { id: order.sort }];
  return readNumberedPage(numbered, {
    read: (skip, take) => registry.prisma.project.findMany({ where, orderBy, skip, take, include: { group: true } }),
    count: (take) => registry.prisma.project.count({ where, take }),
  });
}

/** How many these are; `limit` + 1 if there are more than `limit`. */
export async function countProjects(
  registry: Registry,
  principal: Principal,
  filter: ProjectSearch,
  limit: number = COUNT_LIMIT,
): Promise<number> {
  const where = { AND: await conditions(registry, principal, filter) };
  return registry.prisma.project.count({ where, take: countingTo(limit) });
}

const NONE: Prisma.ProjectWhereInput = { id: { in: [] } };

async function conditions(
  registry: Registry,
  principal: Principal,
  filter: ProjectSearch,
): Promise<Prisma.ProjectWhereInput[]> {
  const all = [seenProjects(principal, await groupsOfMember(registry, principal))];
  if (filter.search) {
    const contains = { contains: searchText(filter.search), mode: "insensitive" } as const;
    // What is part of the path is part of the full path, which has an index for this.
    const last = filter.searchNamespaces ? {} : { path: contains };
    all.push({ OR: [{ name: contains }, { fullPath: contains, ...last }] });
  }
  if (filter.visibility) all.push({ visibility: filter.visibility });
  if (filter.minLevel !== undefined) all.push(await ofMember(registry, principal, filter.minLevel));
  if (filter.archived !== undefined) all.push({ archived: filter.archived });
  if (filter.topics && filter.topics.length > 0)
    all.push(filter.topics.every(isKeepable) ? { topics: { hasEvery: [...filter.topics] } } : NONE);
  if (filter.activeAfter) all.push({ lastActivityAt: { gt: filter.activeAfter } });
  if (filter.activeBefore) all.push({ lastActivityAt: { lt: filter.activeBefore } });
  if (filter.groupId !== undefined)
    all.push(
      filter.includeSubgroups ? { group: { traversalIds: { has: filter.groupId } } } : { groupId: filter.groupId },
    );
  if (filter.namespaceOf !== undefined) all.push({ group: { userId: filter.namespaceOf } });
  return all;
}

async function ofMember(registry: Registry, principal: Principal, level: number): Promise<Prisma.ProjectWhereInput> {
  if (principal.kind !== "user") return NONE;
  return memberProjects(principal, level, await groupsOfMember(registry, principal, level));
}

/** What a list of projects shows beside their rows, by the number of the project. */
export interface ProjectExtent {
  /** Whether nothing was ever pushed. */
  readonly empty: boolean;
  /** Bytes of the zips; undefined unless asked for. */
  readonly packagesSize: number | undefined;
}

/** Reads the extents of projects; one statement, and one more for sizes. */
export async function extentsOf(
  registry: Registry,
  projects: readonly Pick<ProjectRow, "id">[],
  withSizes: boolean,
): Promise<ReadonlyMap<number, ProjectExtent>> {
  const ids = projects.map(({ id }) => id);
  const filled = await registry.prisma.$queryRaw<
    { id: number }[]
  >`SELECT list.id FROM unnest(${ids}::int[]) AS list (id)
    WHERE EXISTS (SELECT FROM ref WHERE project_id = list.id)`;
  const sizes = withSizes
    ? await registry.prisma.$queryRaw<{ id: number; bytes: bigint }[]>`
        SELECT m.project_id AS id, sum(v.zip_size)::bigint AS bytes FROM module m JOIN module_version v ON v.module_id = m.id
        WHERE m.project_id = ANY(${ids}::int[]) AND v.zip_size IS NOT NULL GROUP BY m.project_id`
    : [];
  const full = new Set(filled.map(({ id }) => id));
  const bytes = new Map(sizes.map((row) => [row.id, Number(row.bytes)]));
  return new Map(
    ids.map((id) => [id, { empty: !full.has(id), packagesSize: withSizes ? (bytes.get(id) ?? 0) : undefined }]),
  );
}

/** The level at which somebody owns a project or group; for an administrator, too, only what is really one's own. */
export function wantedLevel(filter: {
  readonly owned?: boolean | undefined;
  readonly membership?: boolean | undefined;
  readonly minLevel?: number | undefined;
}): number | undefined {
  const levels = [filter.owned ? OWNER : 0, filter.membership ? 1 : 0, filter.minLevel ?? 0];
  const level = Math.max(...levels);
  return level === 0 ? undefined : level;
}
