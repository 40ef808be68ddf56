// Which module paths belong to whom: beside MODULE_HOST, the prefixes that projects have declared. What is below one of
// them is never asked upstream (module-owner.ts).
import { demandAdministrator } from "../access/access.ts";
import { type KeysetPage, keysetPage, type PageRequest } from "../lists/keyset-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow } from "../rows.ts";
import { searchText } from "../text.ts";

/** Projects that declared a prefix (modulePrefix is not null), by prefix. Administrators. */
export async function listModulePrefixes(
  registry: Registry,
  principal: Principal,
  search: string | null | undefined,
  request: PageRequest,
): Promise<KeysetPage<ProjectRow>> {
  demandAdministrator(principal);
  const found = search ? [{ modulePrefix: { contains: searchText(search), mode: "insensitive" as const } }] : [];
  return keysetPage<ProjectRow, string>(request, {
    keyType: "string",
    order: "asc",
    key: (project) => project.modulePrefix!,
    read: (modulePrefix, order, take) =>
      registry.prisma.project.findMany({
        where: { AND: [{ modulePrefix: { not: null } }, { modulePrefix }, ...found] },
        orderBy: { modulePrefix: order },
        take,
        include: { group: true },
      }),
  });
}
