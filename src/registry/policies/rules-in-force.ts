// Which rules are in force for a module at an endpoint. They are remembered like everything about access, and forgotten when
// the database says that one has changed (NOTIFY gokura_policies), so that a verdict asks nobody.
import { createHash } from "node:crypto";
import type { PolicyKind } from "../../database/generated/client.ts";
import type { Registry } from "../registry.ts";
import type { PolicyRow } from "../rows.ts";
import { WITH_GROUP } from "./rules.ts";
import { levelsFor, type RuleLevels, TOOLCHAIN_PATH } from "./verdict.ts";

/** All rules, oldest first, as the database has them now. */
export async function readRules(registry: Registry): Promise<readonly PolicyRow[]> {
  // Where there are none, as in most registries, Prisma need not be loaded to say so.
  const { rows } = await registry.database.pool.query<{ any: boolean }>("SELECT EXISTS (SELECT FROM policy) AS any");
  return rows[0]!.any ? registry.prisma.policy.findMany({ include: WITH_GROUP, orderBy: { id: "asc" } }) : [];
}

/** All rules, oldest first; remembered. */
function rulesInForce(registry: Registry): Promise<readonly PolicyRow[]> {
  return registry.memory.remember(registry.memory.policies, "all", () => readRules(registry));
}

/** The rules about a module of a project, or at the endpoint of a group: `groupIds` from the top down. */
export async function rulesAbout(
  registry: Registry,
  modulePath: string,
  kind: PolicyKind,
  groupIds: readonly number[],
): Promise<RuleLevels> {
  return levelsFor(await rulesInForce(registry), modulePath, kind, groupIds);
}

/** The first 32 hex digits of the SHA-256 of all rules: it changes when a rule is made, changed or removed. */
export async function revisionOfRules(registry: Registry): Promise<string> {
  return digestOfRules(await rulesInForce(registry));
}

/** The first 32 hex digits of the SHA-256 of these rules. */
export function digestOfRules(rules: readonly PolicyRow[]): string {
  const known = revisions.get(rules);
  if (known !== undefined) return known;
  const revision = createHash("sha256").update(JSON.stringify(rules)).digest("hex").slice(0, 32);
  revisions.set(rules, revision);
  return revision;
}

const revisions = new WeakMap<readonly PolicyRow[], string>();

/** The kind of a module that no project owns. */
export function kindOfForeign(modulePath: string): PolicyKind {
  return modulePath === TOOLCHAIN_PATH ? "TOOLCHAIN" : "UPSTREAM";
}
