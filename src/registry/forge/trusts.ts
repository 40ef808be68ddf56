// Trust in issuers of ID tokens (OpenID Connect): a project or a group says whose jobs may do what in it, so that CI needs no
// stored secret. Who is trusted is looked at by access/workloads.ts; here trusts are made, listed, ended, and explained.
// The idea is that of PyPI's and npm's trusted publishers, and of cloud providers' workload identity.
import { invalid, isFailure, notFound, type Reason } from "../../errors.ts";
import {
  demandAct,
  demandGroupAct,
  hidden,
  mayAct,
  mayGroupAct,
  maySeeGroup,
  maySeeProject,
} from "../access/access.ts";
import { SCOPES_OF } from "../access/acts.ts";
import {
  type ClaimMismatch,
  type ClaimPatterns,
  type Claims,
  checkPatterns,
  mismatches,
} from "../access/claim-patterns.ts";
import { audiencesOf, issuerOf, patternsOf, trustsIn, unverifiedClaims } from "../access/workloads.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { isId } from "../lists/keyset-page.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Opened, Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow, ProjectRow, TrustRow } from "../rows.ts";
import { isKeepable } from "../text.ts";
import { checkScopes } from "./tokens.ts";

/** Who trusts. */
export type TrustOwner = { readonly project: ProjectRow } | { readonly group: GroupRow };

export interface NewTrust {
  /** As the claim `iss` says it: an https URL. */
  readonly issuer: string;
  /** What the claim `aud` must be or hold. */
  readonly audience: string;
  readonly claims: ClaimPatterns;
  readonly scopes: readonly string[];
  /** From when on it counts no more; undefined: never. */
  readonly expiresAt?: Date | undefined;
}

const MAX_TRUSTS = 100;
const MAX_URL = 500;

/**
 * Trusts an issuer in a project (Maintainers) or in a group and all at or below it (Owners). Throws invalid for what would let
 * in whom nobody means.
 */
export async function createTrust(
  registry: Registry,
  principal: Principal,
  owner: TrustOwner,
  input: NewTrust,
): Promise<TrustRow> {
  const { of, fullPath } = demandFor(principal, owner, "trust.create");
  checkIssuer(input.issuer);
  checkAudience(input.audience);
  checkPatterns(input.issuer, input.claims);
  const scopes = checkScopes(input.scopes, SCOPES_OF.workload, "a trust");
  const { issuer, audience, claims, expiresAt = null } = input;
  return change(registry, "", async (tx) => {
    if ((await tx.trust.count({ where: of })) >= MAX_TRUSTS)
      throw invalid(`a project or a group trusts at most ${MAX_TRUSTS} times: use * in the patterns of claims`);
    const data = { ...of, issuer, audience, claims: { ...claims }, scopes, expiresAt };
    const trust = await tx.trust.create({ data, include: WITH_OWNER });
    await audit(tx, principal, "trust.create", fullPath, { trust: trust.id, issuer, audience, claims, scopes });
    return trust;
  });
}

/** Ends a trust: at once, in every server. Throws not-found for one that may not be seen, forbidden for one that may not be ended. */
export async function deleteTrust(registry: Registry, principal: Principal, id: number): Promise<TrustRow> {
  const trust = isId(id) ? await registry.prisma.trust.findUnique({ where: { id }, include: WITH_OWNER }) : null;
  if (!trust || !maySeeTrust(principal, trust))
    throw principal.kind === "anonymous" ? hidden(principal, "Project") : notFound(`there is no trust ${id}`);
  const { fullPath } = demandFor(principal, ownerOf(trust), "trust.delete");
  return change(registry, "", async (tx) => {
    await tx.trust.delete({ where: { id } });
    await audit(tx, principal, "trust.delete", fullPath, { trust: id, issuer: trust.issuer });
    return trust;
  });
}

/** The trusts of a project or a group itself, by number; or all there are, for the operator. Maintainers. */
export async function findTrusts(
  registry: Registry,
  principal: Principal,
  owner: TrustOwner | undefined,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<TrustRow>> {
  if (owner === undefined && principal.kind !== "operator") throw hidden(principal, "Project");
  const where = owner === undefined ? {} : demandFor(principal, owner, "trust.list").of;
  return readNumberedPage(numbered, {
    read: (skip, take) =>
      registry.prisma.trust.findMany({ where, include: WITH_OWNER, orderBy: { id: "asc" }, skip, take }),
    count: (take) => registry.prisma.trust.count({ where, take }),
  });
}

/** One trust of a project or a group. Maintainers. Throws not-found. */
export async function findTrust(
  registry: Registry,
  principal: Principal,
  owner: TrustOwner,
  id: number,
): Promise<TrustRow> {
  const { of } = demandFor(principal, owner, "trust.list");
  const trust = isId(id) && (await registry.prisma.trust.findFirst({ where: { ...of, id }, include: WITH_OWNER }));
  if (!trust) throw notFound("Not Found");
  return trust;
}

/** The trusts of projects, by the project's number; only of those of which one is Maintainer. */
export function trustsOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
): Promise<Map<number, TrustRow[]>> {
  return trustsOf(
    registry,
    "projectId",
    projects.filter((project) => mayAct(principal, "trust.list", project)),
  );
}

/** The trusts of groups themselves, by the group's number; only of those of which one is Maintainer. */
export function trustsOfGroups(
  registry: Registry,
  principal: Principal,
  groups: readonly GroupRow[],
): Promise<Map<number, TrustRow[]>> {
  return trustsOf(
    registry,
    "groupId",
    groups.filter((group) => mayGroupAct(principal, "trust.list", group)),
  );
}

async function trustsOf(
  registry: Registry,
  column: "projectId" | "groupId",
  owners: readonly { readonly id: number }[],
): Promise<Map<number, TrustRow[]>> {
  const ids = owners.map(({ id }) => id);
  const rows = await registry.prisma.trust.findMany({
    where: { [column]: { in: ids } },
    include: WITH_OWNER,
    orderBy: { id: "asc" },
  });
  const found = Map.groupBy(rows, (row) => row[column]);
  return new Map(ids.map((id) => [id, found.get(id) ?? []]));
}

/** Why an ID token is taken or not. */
export interface IdTokenExplanation {
  readonly issuer: string;
  /** What the token says; verified if `refusal` is none of those of the token itself. */
  readonly claims: Claims;
  /** Why the token itself is not good, or cannot be judged now; undefined: its signature and times are right. */
  readonly refusal: { readonly reason: Reason; readonly message: string } | undefined;
  /** Every trust in its issuer that counts, and what of the token does not fit it: the audience stands first, as `aud`. */
  readonly trusts: readonly { readonly trust: TrustRow; readonly differs: readonly ClaimMismatch[] }[];
}

/** Looks at an ID token as the doors would, and tells all of it. For the operator: it says what others trust. */
export async function explainIdToken(
  registry: Registry,
  principal: Principal,
  token: string,
): Promise<IdTokenExplanation> {
  if (principal.kind !== "operator") throw hidden(principal, "Project");
  const issuer = issuerOf(token);
  const counting = await trustsIn(registry, issuer);
  let claims: Claims = unverifiedClaims(token) ?? {};
  let refusal: IdTokenExplanation["refusal"];
  try {
    // The keys of an issuer that nobody trusts are not fetched here either.
    if (counting.length > 0) claims = await registry.idTokens.verify(token, issuer);
  } catch (error) {
    if (!isFailure(error)) throw error;
    refusal = { reason: error.reason, message: error.message };
  }
  const where = { id: { in: counting.map(({ id }) => id) } };
  const rows = await registry.prisma.trust.findMany({ where, include: WITH_OWNER, orderBy: { id: "asc" } });
  const trusts = rows.map((trust) => {
    const audiences = audiencesOf(claims);
    const aud = { claim: "aud", pattern: trust.audience, value: audiences.join(", ") || undefined };
    return {
      trust,
      differs: [...(audiences.includes(trust.audience) ? [] : [aud]), ...mismatches(patternsOf(trust), claims)],
    };
  });
  return { issuer, claims, refusal, trusts };
}

const WITH_OWNER = { project: { include: { group: true } }, group: true } as const;

/** Refuses whoever may not do this to the trusts of an owner. */
function demandFor(
  principal: Principal,
  owner: TrustOwner,
  act: "trust.list" | "trust.create" | "trust.delete",
): { readonly of: Opened; readonly fullPath: string } {
  if ("project" in owner) {
    demandAct(principal, act, owner.project);
    return { of: { projectId: owner.project.id }, fullPath: owner.project.fullPath };
  }
  demandGroupAct(principal, act, owner.group);
  return { of: { groupId: owner.group.id }, fullPath: owner.group.fullPath };
}

function ownerOf({ project, group }: TrustRow): TrustOwner {
  return project ? { project } : { group: group! };
}

function maySeeTrust(principal: Principal, { project, group }: TrustRow): boolean {
  if (project) return maySeeProject(principal, project) && mayAct(principal, "trust.list", project);
  return maySeeGroup(principal, group!) && mayGroupAct(principal, "trust.list", group!);
}

function checkIssuer(issuer: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isPlain = url && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (!isPlain || url.protocol !== "https:" || issuer.length > MAX_URL || !isKeepable(issuer))
    throw invalid(
      "the issuer is an https URL without query, exactly as its tokens say it (claim iss), such as https://token.actions.githubusercontent.com",
      "issuer",
    );
}

function checkAudience(audience: string): void {
  if (audience === "" || audience.length > MAX_URL || !isKeepable(audience))
    throw invalid(`the audience is a text of 1 to ${MAX_URL} characters, usually the URL of this server`, "audience");
}
