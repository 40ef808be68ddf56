// Tags that are no versions, or none that the go command accepts, each with the reason, for their authors.
import { Prisma } from "../../database/generated/client.ts";
import { demandAdministrator, mayReadCode } from "../access/access.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import { checkPageSize, keysetPage, type Page, type PageRequest } from "../lists/keyset-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow, RejectedTagRow } from "../rows.ts";
import { searchText } from "../text.ts";

/** Tags of a project that are no versions, or none that the go command accepts, by name. */
export function listRejectedTags(registry: Registry, projectId: number, take: number): Promise<RejectedTagRow[]> {
  return registry.prisma.rejectedTag.findMany({
    where: { projectId, silent: false },
    orderBy: [{ tag: "asc" }, { id: "asc" }],
    take,
  });
}

/** Those of all projects, the last one first; `search`: part of the tag, the module path or the reason. Administrators. */
export async function listAllRejectedTags(
  registry: Registry,
  principal: Principal,
  search: string | null | undefined,
  request: PageRequest,
): Promise<Page<RejectedTagRow>> {
  demandAdministrator(principal);
  const contains = { contains: searchText(search ?? ""), mode: "insensitive" } as const;
  const found = search ? [{ OR: [{ tag: contains }, { modulePath: contains }, { reason: contains }] }] : [];
  return keysetPage<RejectedTagRow, number>(request, {
    keyType: "number",
    order: "desc",
    key: (row) => row.id,
    read: (id, order, take) =>
      registry.prisma.rejectedTag.findMany({
        where: { AND: [{ silent: false, id }, ...found] },
        orderBy: { id: order },
        take,
      }),
  });
}

/** The same of some projects, by the project's number; only of those whose code the principal may read. */
export async function rejectedTagsOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
  take: number,
): Promise<Map<number, RejectedTagRow[]>> {
  const ids = projects.filter((project) => mayReadCode(principal, project)).map(({ id }) => id);
  const lists = { table: "rejected_tag", list: "project_id", key: "tag", where: Prisma.sql`NOT silent` } as const;
  const first = await firstOfEach(registry, lists, ids, {}, "asc", checkPageSize(take));
  const rows = await registry.prisma.rejectedTag.findMany({
    where: { id: { in: first } },
    orderBy: [{ tag: "asc" }, { id: "asc" }],
  });
  const found = Map.groupBy(rows, (row) => row.projectId);
  return new Map(ids.map((id) => [id, found.get(id) ?? []]));
}
