// Who pushed the tag that a version was made of: kept in the audit trail, which only administrators may read whole, and told to
// those who may also know who the members of the project are.
import { mayAct } from "../access/access.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow } from "../rows.ts";

/** Who pushed a ref first, as the audit trail calls it; undefined if that was not noted, or is not for the principal. */
export async function publisherOf(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
  ref: string,
): Promise<string | undefined> {
  if (!mayAct(principal, "member.list", project)) return undefined;
  const rows = await registry.prisma.$queryRaw<{ actor: string }[]>`
    SELECT actor FROM audit_event
    WHERE subject = ${project.fullPath} AND action = 'project.push' AND detail->'refs' @> to_jsonb(${ref}::text)
    ORDER BY id LIMIT 1`;
  return rows[0]?.actor;
}
