// Deploy tokens of projects as GitLab's REST clients live with them (doc/api/deploy_tokens.md). A token that was deleted is
// a revoked one here, so that it can be told who it was; in these lists it is gone.
import type { Prisma } from "../../database/generated/client.ts";
import { notFound } from "../../errors.ts";
import { demandAct, demandAdministrator } from "../access/access.ts";
import { isId } from "../lists/keyset-page.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow, TokenRow } from "../rows.ts";
import { activeTokens } from "./tokens.ts";

/** The deploy tokens of a project by number (Maintainers), or of all (administrators). `active`: leave out expired ones. */
export function findDeployTokens(
  registry: Registry,
  principal: Principal,
  project: ProjectRow | "all",
  active: boolean,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<TokenRow>> {
  if (project === "all") demandAdministrator(principal);
  else demandAct(principal, "token.list", project);
  const where: Prisma.TokenWhereInput = {
    kind: "DEPLOY",
    ...(active ? activeTokens() : { revokedAt: null }),
    ...(project === "all" ? {} : { projectId: project.id }),
  };
  return readNumberedPage(numbered, {
    read: (skip, take) => registry.prisma.token.findMany({ where, orderBy: { id: "asc" }, skip, take }),
    count: (take) => registry.prisma.token.count({ where, take }),
  });
}

/** One deploy token of a project. Maintainers. Throws not-found when there is none, or none any more. */
export async function findDeployToken(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
  id: number,
): Promise<TokenRow> {
  demandAct(principal, "token.list", project);
  const where = { id, kind: "DEPLOY", projectId: project.id, revokedAt: null } as const;
  const token = isId(id) && (await registry.prisma.token.findFirst({ where }));
  if (!token) throw notFound("Not Found");
  return token;
}
