// Tags that are no versions, or none that the go command accepts, each with the reason, for their authors.
import { Prisma } from "../../database/generated/client.ts";
import type { Sql } from "../../database/sql.ts";
import { demandAdministrator, mayReadCode } from "../access/access.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import { checkPageSize, type KeysetPage, keysetPage, type PageRequest } from "../lists/keyset-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow, RejectedTagRow } from "../rows.ts";
import { searchText } from "../text.ts";
import { storableText } from "./readable-go-mod.ts";
import type { ServedVersion } from "./served-versions.ts";

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

/** Writes what is to be said about tags of a project, in place of what was said before. */
export async function replaceRefusals(
  tx: Sql,
  projectId: number,
  tags: readonly string[],
  refusals: readonly Refusal[],
): Promise<void> {
  await tx.$executeRaw`DELETE FROM rejected_tag WHERE project_id = ${projectId} AND tag = ANY(${[...tags]})`;
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

/** Tags of a project that are no versions, or none that the go command accepts, by name. */
export function listRejectedTags(registry: Registry, projectId: number, take: number): Promise<RejectedTagRow[]> {
  return registry.prisma.rejectedTag.findMany({
    where: { projectId, silent: false },
    orderBy: [{ tag: "asc" }, { id: "asc" }],
    take,
  });
}

/** Rejected tags of all projects, the last one first; `search`: part of the tag, the module path or the reason. Administrators. */
export async function listAllRejectedTags(
  registry: Registry,
  principal: Principal,
  search: string | null | undefined,
  request: PageRequest,
): Promise<KeysetPage<RejectedTagRow>> {
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

/** Rejected tags of some projects, by the project's number; only of those whose code the principal may read. */
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
