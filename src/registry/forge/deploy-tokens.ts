// Deploy tokens of projects and groups as GitLab's REST clients live with them (doc/api/deploy_tokens.md). A token that was deleted is
// a revoked one here, so that it can be told who it was; in these lists it is gone.
import type { Prisma } from "../../database/generated/client.ts";
import { notFound } from "../../errors.ts";
import { demandAct, demandAdministrator, demandGroupAct } from "../access/access.ts";
import { isId } from "../lists/keyset-page.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Opened, Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow, ProjectRow, TokenRow } from "../rows.ts";
import { activeTokens } from "./tokens.ts";

/** Whose deploy tokens. */
export type DeployTokenOwner = { readonly project: ProjectRow } | { readonly group: GroupRow };

/** Refuses whoever may not list the tokens of an owner: Maintainers may. Returns what they open. */
function demandList(principal: Principal, owner: DeployTokenOwner): Opened {
  if ("project" in owner) {
    demandAct(principal, "token.list", owner.project);
    return { projectId: owner.project.id };
  }
  demandGroupAct(principal, "token.list", owner.group);
  return { groupId: owner.group.id };
}

/**
 * The deploy tokens of a project or a group itself, by number (Maintainers), or all there are (administrators). `active`:
 * leave out expired ones.
 */
export function findDeployTokens(
  registry: Registry,
  principal: Principal,
  owner: DeployTokenOwner | "all",
  active: boolean,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<TokenRow>> {
  if (owner === "all") demandAdministrator(principal);
  const where: Prisma.TokenWhereInput = {
    kind: "DEPLOY",
    ...(active ? activeTokens() : { revokedAt: null }),
    ...(owner === "all" ? {} : demandList(principal, owner)),
  };
  return readNumberedPage(numbered, {
    read: (skip, take) => registry.prisma.token.findMany({ where, orderBy: { id: "asc" }, skip, take }),
    count: (take) => registry.prisma.token.count({ where, take }),
  });
}

/** One deploy token of a project or a group. Maintainers. Throws not-found when there is none, or none any more. */
export async function findDeployToken(
  registry: Registry,
  principal: Principal,
  owner: DeployTokenOwner,
  id: number,
): Promise<TokenRow> {
  const where = { ...demandList(principal, owner), id, kind: "DEPLOY", revokedAt: null } as const;
  const token = isId(id) && (await registry.prisma.token.findFirst({ where }));
  if (!token) throw notFound("Not Found");
  return token;
}
