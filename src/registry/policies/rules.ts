// The rules about which versions may be had: who may make them, and what one may be. A rule names module paths as GOPRIVATE
// does, perhaps versions, and what becomes of these: DENY and HOLD refuse them, WARN tells, ALLOW is the exception, and an
// exception has an end (expiresAt). Rules of the instance are for everybody, those of a group for its Go endpoints and its
// projects. What rules say together is worked out in verdict.ts; nothing is ever deleted because of one.
import type { PolicyAction, PolicyKind, PolicyVulnerable, Prisma } from "../../database/generated/client.ts";
import { invalid, notFound } from "../../errors.ts";
import { isGlobList } from "../../gomod/module-path.ts";
import { isVersionQuery, matchesQuery } from "../../gomod/version-query.ts";
import { demandAdministrator, demandGroupAct } from "../access/access.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { demandGroup } from "../forge/groups.ts";
import { isId, type Order } from "../lists/keyset-page.ts";
import { idsOf, type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import { knownLicense } from "../modules/known-licenses.ts";
import { NO_LICENSE, UNKNOWN_LICENSE } from "../modules/version-licenses.ts";
import { nameOfPrincipal, type Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow, PolicyRow } from "../rows.ts";
import { isKeepable } from "../text.ts";
import { MAX_AGE_SECONDS } from "./age.ts";
import { goesByLicenses } from "./verdict.ts";

/** So many rules has a group, or the instance. */
const MAX_RULES = 1_000;
const MAX_PATTERN = 1_000;
/** More stars than that in one glob, and a long path is matched in many ways before it is known not to match. */
const MAX_STARS = 2;
const MAX_GLOBS = 50;
const MAX_QUERIES = 8;
const MAX_REASON = 300;
const MAX_LICENSES = 200;

/** What is read along with a rule. */
export const WITH_GROUP = { group: { select: { fullPath: true } } } as const satisfies Prisma.PolicyInclude;

/** A rule to be made. */
export interface NewPolicy {
  /** Full path of a group; not given: for the whole instance. */
  readonly groupPath?: string | undefined;
  /** Module paths, as GOPRIVATE has them: globs with commas between them, each for all below it. */
  readonly pattern: string;
  /** Version queries with spaces between them, all of which a version must satisfy: `>=v1.2.0 <v1.5.0`. All if not given. */
  readonly versions?: string | undefined;
  /** UPSTREAM if not given. */
  readonly kind?: PolicyKind | undefined;
  readonly action: PolicyAction;
  /** It refuses nothing: what it would do is written down. */
  readonly dryRun?: boolean | undefined;
  /** Of HOLD: only versions that are younger, in seconds. */
  readonly minimumAge?: number | undefined;
  /** Of such a rule: exact versions are refused too. */
  readonly strict?: boolean | undefined;
  /** Only versions that have one of these licences: SPDX identifiers, UNKNOWN, NONE. Of what comes from upstream. */
  readonly licenses?: readonly string[] | undefined;
  /** Only versions that have a licence which is none of these. */
  readonly licensesOtherThan?: readonly string[] | undefined;
  /** Only versions with a known vulnerability: any, or one of which a later version is free. */
  readonly vulnerable?: PolicyVulnerable | undefined;
  /** What clients are told. */
  readonly reason?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

/** Makes a rule: for the instance administrators, for a group its Owners. It is in force in every server within a second. */
export async function createPolicy(registry: Registry, principal: Principal, rule: NewPolicy): Promise<PolicyRow> {
  const group = await demandPlace(registry, principal, rule.groupPath, "policy.create");
  const { pattern, versions = null, kind = "UPSTREAM", action, dryRun = false, reason = "", expiresAt } = rule;
  const { minimumAge = null, strict = false } = rule;
  checkPattern(pattern);
  if (versions !== null) checkVersions(versions);
  if (dryRun && action !== "DENY" && action !== "HOLD")
    throw invalid("a dry run is of a rule that refuses: deny or hold", "dryRun");
  if (minimumAge !== null && (action !== "HOLD" || kind !== "UPSTREAM"))
    throw invalid("an age is of a rule that holds what comes from upstream", "minimumAge");
  if (minimumAge !== null && dryRun)
    throw invalid("a rule with an age has no dry run: gokura policy explain", "dryRun");
  if (minimumAge !== null && !(Number.isInteger(minimumAge / 3600) && minimumAge > 0 && minimumAge <= MAX_AGE_SECONDS))
    throw invalid("an age is of whole hours, up to a year", "minimumAge");
  if (strict && minimumAge === null) throw invalid("strict is of a rule with an age", "strict");
  const { vulnerable = null } = rule;
  const licenses = await readLicenses(rule.licenses, "licenses");
  const licensesOtherThan = await readLicenses(rule.licensesOtherThan, "licensesOtherThan");
  checkConditions({ licenses, licensesOtherThan, vulnerable, kind, minimumAge });
  checkReason(reason);
  if (expiresAt !== undefined && !(expiresAt.getTime() > registry.policies.now()))
    throw invalid("the end of a rule must be in the future", "expiresAt");
  const groupId = group?.id ?? null;
  return change(registry, "", async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('gokura policies'))`;
    if ((await tx.policy.count({ where: { groupId } })) >= MAX_RULES)
      throw invalid(
        `there are at most ${MAX_RULES} rules in one place: use patterns, and remove those that have ended`,
      );
    const said = { pattern, versions, kind, action, dryRun, minimumAge, strict, reason };
    const conditions = { licenses, licensesOtherThan, vulnerable };
    const data = { groupId, ...said, ...conditions, createdBy: nameOfPrincipal(principal) };
    const made = await tx.policy.create({ data: { ...data, expiresAt: expiresAt ?? null }, include: WITH_GROUP });
    await audit(tx, principal, "policy.create", placeOf(made), told(made));
    await registry.jobs.send(tx, "judge-stored", {});
    return made;
  });
}

/** Removes a rule, and returns what it was. Administrators; of a group's its Owners. */
export async function deletePolicy(registry: Registry, principal: Principal, id: number): Promise<PolicyRow> {
  const rule = isId(id) ? await registry.prisma.policy.findUnique({ where: { id }, include: WITH_GROUP }) : null;
  if (rule === null) {
    demandAdministrator(principal);
    throw notFound("Policy Not Found");
  }
  await demandPlace(registry, principal, rule.group?.fullPath, "policy.delete");
  await change(registry, "", async (tx) => {
    await tx.policy.delete({ where: { id } });
    await audit(tx, principal, "policy.delete", placeOf(rule), told(rule));
    await registry.jobs.send(tx, "judge-stored", {});
  });
  return rule;
}

/** The rules of a group, or of the instance, oldest first. Administrators; of a group's its Reporters. */
export async function listPolicies(
  registry: Registry,
  principal: Principal,
  groupPath: string | undefined,
  numbered: NumberedPageRequest,
  order: Order = "asc",
): Promise<NumberedPage<PolicyRow>> {
  const group = await demandPlace(registry, principal, groupPath, "policy.list");
  const where = { groupId: group?.id ?? null, ...idsOf(numbered) };
  return readNumberedPage(numbered, {
    read: (skip, take) =>
      registry.prisma.policy.findMany({ where, include: WITH_GROUP, orderBy: { id: order }, skip, take }),
    count: (take) => registry.prisma.policy.count({ where, take }),
  });
}

/** The place of rules, if the principal may do that there: a group, or undefined for the instance. Throws if not. */
export async function demandPlace(
  registry: Registry,
  principal: Principal,
  groupPath: string | undefined,
  act: "policy.list" | "policy.create" | "policy.delete",
): Promise<GroupRow | undefined> {
  if (groupPath === undefined) {
    demandAdministrator(principal);
    return undefined;
  }
  const group = await demandGroup(registry, principal, groupPath);
  demandGroupAct(principal, act, group);
  return group;
}

/** How the audit trail calls the place of a rule. */
function placeOf({ group }: PolicyRow): string {
  return group?.fullPath ?? "instance";
}

function told(rule: PolicyRow): Prisma.InputJsonObject {
  const { id, pattern, versions, kind, action, dryRun, minimumAge, strict, reason, expiresAt } = rule;
  const { licenses, licensesOtherThan, vulnerable } = rule;
  return {
    id,
    pattern,
    versions,
    kind,
    action,
    dryRun,
    minimumAge,
    strict,
    reason,
    licenses,
    licensesOtherThan,
    vulnerable,
    expiresAt: expiresAt?.toISOString() ?? null,
  };
}

function checkPattern(pattern: string): void {
  if (pattern.length > MAX_PATTERN || !/^[\x21-\x7e]+$/.test(pattern) || !isGlobList(pattern))
    throw invalid("must be module paths as GOPRIVATE has them, such as example.com/acme,*.corp.example.com", "pattern");
  const globs = pattern.split(",");
  if (globs.length > MAX_GLOBS || globs.some((glob) => glob.split("*").length > MAX_STARS + 1))
    throw invalid(`has at most ${MAX_GLOBS} globs, each with at most ${MAX_STARS} stars`, "pattern");
}

function checkVersions(versions: string): void {
  const queries = versions.split(" ");
  const isGood = queries.length <= MAX_QUERIES && versions.length <= MAX_PATTERN && queries.every(isVersionQuery);
  if (!isGood) throw invalid("must be version queries such as v1.2.3, v1 or '>=v1.2.0 <v1.5.0'", "versions");
  for (const query of queries) matchesQuery("v0.0.0", query); // refuses what cannot be compared with
}

function checkReason(reason: string): void {
  if (reason.length > MAX_REASON) throw invalid(`a reason has at most ${MAX_REASON} characters`, "reason");
  // The go command shows nothing of an answer with a control character in it.
  if (!isKeepable(reason) || /[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(reason))
    throw invalid("a reason is one line of text", "reason");
}

/** Licences as they are told of versions. */
async function readLicenses(words: readonly string[] | undefined, field: string): Promise<string[]> {
  if (words === undefined) return [];
  if (words.length === 0 || words.length > MAX_LICENSES) throw invalid(`names 1 to ${MAX_LICENSES} licences`, field);
  const read = await Promise.all(words.map((word) => licenseOf(word, field)));
  return [...new Set(read)].sort();
}

async function licenseOf(word: string, field: string): Promise<string> {
  if (word === UNKNOWN_LICENSE || word === NO_LICENSE) return word;
  const known = await knownLicense(word);
  if (known !== undefined) return known;
  const named = `"${word.slice(0, 50)}" is no identifier of the SPDX License List, such as MIT`;
  throw invalid(`${named}; UNKNOWN is what is not recognised, NONE that there is no licence file`, field);
}

function checkConditions(
  rule: Pick<PolicyRow, "licenses" | "licensesOtherThan" | "vulnerable" | "kind" | "minimumAge">,
): void {
  const { licenses, licensesOtherThan, vulnerable, kind, minimumAge } = rule;
  if (licenses.length > 0 && licensesOtherThan.length > 0)
    throw invalid("name the licences that it is about, or those that it is not about", "licensesOtherThan");
  if (goesByLicenses(rule) && kind !== "UPSTREAM")
    throw invalid("licences are of a rule about what comes from upstream", "licenses");
  if (vulnerable !== null && kind === "TOOLCHAIN")
    throw invalid("vulnerabilities are of a rule about modules", "vulnerable");
  if (minimumAge !== null && (goesByLicenses(rule) || vulnerable !== null))
    throw invalid("a rule with an age goes by neither licences nor vulnerabilities", "minimumAge");
}
