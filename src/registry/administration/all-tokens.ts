// All tokens there are, for an administrator who wants to know what opens what: personal ones and deploy tokens, by whose
// they are, what they are called, and whether they still open anything.
import type { Prisma, TokenKind } from "../../database/generated/client.ts";
import { demandAdministrator } from "../access/access.ts";
import { findGroup } from "../forge/groups.ts";
import { findProject } from "../forge/projects.ts";
import { activeTokens } from "../forge/tokens.ts";
import { findUser } from "../forge/users.ts";
import { type KeysetPage, keysetPage, type PageRequest } from "../lists/keyset-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { TokenRow } from "../rows.ts";
import { searchText } from "../text.ts";

/** The number of no row. */
const NOBODY = 0;

/** Each narrows the list. */
export interface AllTokensFilter {
  readonly kind?: TokenKind | null | undefined;
  /** Neither revoked nor expired; false: one of the two. */
  readonly active?: boolean | null | undefined;
  /** Part of the name, in any case. */
  readonly search?: string | null | undefined;
  /** Personal tokens of this user. */
  readonly username?: string | null | undefined;
  /** Deploy tokens of this project, by its full path. */
  readonly projectPath?: string | null | undefined;
  /** Deploy tokens of this group itself, by its full path. */
  readonly groupPath?: string | null | undefined;
}

/** Tokens, newest first. Administrators. */
export async function listAllTokens(
  registry: Registry,
  principal: Principal,
  { kind, active, search, username, projectPath, groupPath }: AllTokensFilter,
  request: PageRequest,
): Promise<KeysetPage<TokenRow>> {
  demandAdministrator(principal);
  const user = username ? await findUser(registry, username) : undefined;
  const project = projectPath ? await findProject(registry, projectPath) : undefined;
  const group = groupPath ? await findGroup(registry, groupPath) : undefined;
  const conditions: Prisma.TokenWhereInput[] = [
    ...(kind ? [{ kind }] : []),
    ...(active == null ? [] : [active ? activeTokens() : { NOT: activeTokens() }]),
    ...(search ? [{ name: { contains: searchText(search), mode: "insensitive" as const } }] : []),
    ...(username ? [{ userId: user?.id ?? NOBODY }] : []),
    ...(projectPath ? [{ projectId: project?.id ?? NOBODY }] : []),
    ...(groupPath ? [{ groupId: group?.id ?? NOBODY }] : []),
  ];
  return keysetPage<TokenRow, number>(request, {
    keyType: "number",
    order: "desc",
    key: (token) => token.id,
    read: (id, order, take) =>
      registry.prisma.token.findMany({ where: { AND: [...conditions, { id }] }, orderBy: { id: order }, take }),
  });
}
