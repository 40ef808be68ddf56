// Which modules a principal may find, for plain SQL on module_search: mayListModules of access.ts, over what the triggers
// have written beside each module (ModuleSearch.visibility in prisma/schema.prisma). Modules from upstream are there for
// everybody who may have such at all, as in modules.ts, unless their names are private (private-modules.ts): then for nobody.

import type { Prisma, Visibility } from "../../database/generated/client.ts";
import { isAdministrator, mayReadUpstream } from "../access/access.ts";
import { belongs, memberProjects } from "../access/access-conditions.ts";
import { PROJECT_ACTS } from "../access/acts.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";

/** Stands for all modules from upstream; no module is called so. */
const EVERYTHING = "*";

/** What a principal may find: all of these visibilities, and whatever is of these projects. */
export interface Findable {
  readonly visibilities: readonly Visibility[];
  readonly projectIds: readonly number[];
  /** But nothing from upstream under these paths, which are in lower case as in module_search; or `*`: nothing at all. */
  readonly hidden: readonly string[];
}

/** Reads what a principal may find. */
export async function findableBy(registry: Registry, principal: Principal): Promise<Findable> {
  const hidden = mayReadUpstream(principal, registry)
    ? registry.privateModules.fetchedBefore.map((path) => path.toLowerCase())
    : [EVERYTHING];
  return { ...(await findableProjects(registry, principal)), hidden };
}

async function findableProjects(registry: Registry, principal: Principal): Promise<Omit<Findable, "hidden">> {
  if (isAdministrator(principal)) return { visibilities: ["PUBLIC", "INTERNAL", "PRIVATE"], projectIds: [] };
  const visibilities: readonly Visibility[] = principal.kind === "user" ? ["PUBLIC", "INTERNAL"] : ["PUBLIC"];
  if (!belongs(principal)) return { visibilities, projectIds: [] };
  if (principal.kind === "user" && principal.memberships.groups.size + principal.memberships.projects.size === 0)
    return { visibilities, projectIds: [] };
  const closed: Prisma.ProjectWhereInput = {
    OR: [{ visibility: { notIn: [...visibilities] } }, { packageAccess: "PRIVATE" }],
  };
  const where = { AND: [memberProjects(principal, PROJECT_ACTS["package.read"].level), closed] };
  const rows = await registry.prisma.project.findMany({ where, select: { id: true } });
  return { visibilities, projectIds: rows.map(({ id }) => id) };
}

/** The rows of module_search, by the alias s, that may be found by a Findable, given as three parameters. */
export function isFindable(visibilities: string, projectIds: string, hidden: string): string {
  const seen = `(s.visibility = ANY(${visibilities}::"Visibility"[]) OR (s.visibility IS NOT NULL AND s.project_id = ANY(${projectIds}::int[])))`;
  return `(${seen} AND ${notHidden(hidden)})`;
}

/** SQL: the rows of module_search, as `s`, that are not among the hidden paths, whoever asks. */
export function notHidden(hidden: string): string {
  return `(s.project_id IS NOT NULL OR s.path <> ALL(${hidden}::text[]) AND '${EVERYTHING}' <> ALL(${hidden}::text[]))`;
}
