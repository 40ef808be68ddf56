// Feature flags as GitLab has them: off by default, on for everybody, or on for some: a project, a group with everything
// in it, a user. A flag that nobody has set is off. `go_proxy` opens the Go endpoints.
import type { Prisma } from "../../database/generated/client.ts";
import { invalid } from "../../errors.ts";
import { demandAdministrator } from "../access/access.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { type FlagRow, type ProjectRow, WITH_GATES } from "../rows.ts";
import { findGroup } from "./groups.ts";
import { findProject } from "./projects.ts";
import { findUser } from "./users.ts";

/** The flag that opens the Go endpoints. */
export const GO_PROXY = "go_proxy";
/** The flag that puts the world behind the Go endpoints of groups; the instance's has it whenever there is an upstream. */
export const DEPENDENCY_PROXY = "dependency_proxy";
/** Every flag that something in this release asks about. Others may be kept, and mean nothing. */
export const KNOWN_FLAGS: readonly string[] = [GO_PROXY, DEPENDENCY_PROXY];

/** For whom a flag is set; none: for everybody. Full paths and user names. */
export interface FlagTargets {
  readonly projects?: readonly string[];
  readonly groups?: readonly string[];
  readonly users?: readonly string[];
}

/** All flags with their gates; remembered. For the server's own questions, which are asked before Prisma is loaded. */
export function loadFlags(registry: Registry): Promise<readonly FlagRow[]> {
  return registry.memory.remember(registry.memory.flags, "all", async () => {
    const { rows } = await registry.database.pool.query<FlagRow>(FLAGS);
    return rows;
  });
}

/** The flags as WITH_GATES has them. */
const FLAGS = `SELECT f.name, f.enabled, COALESCE((
    SELECT json_agg(json_build_object(
      'id', g.id, 'flagName', g.flag_name, 'projectId', g.project_id, 'groupId', g.group_id, 'userId', g.user_id,
      'project', (SELECT json_build_object('fullPath', full_path) FROM project WHERE id = g.project_id),
      'group', (SELECT json_build_object('fullPath', full_path) FROM "group" WHERE id = g.group_id),
      'user', (SELECT json_build_object('username', username) FROM "user" WHERE id = g.user_id)) ORDER BY g.id)
    FROM feature_gate g WHERE g.flag_name = f.name), '[]') AS gates
  FROM feature_flag f ORDER BY f.name`;

/** Whether a flag is on for a project: for everybody, for it, or for a group around it. */
export function isFlagOn(flags: readonly FlagRow[], name: string, project: ProjectRow): boolean {
  const flag = flags.find((one) => one.name === name);
  if (!flag) return false;
  if (flag.enabled) return true;
  return flag.gates.some(
    (gate) =>
      gate.projectId === project.id || (gate.groupId !== null && project.group.traversalIds.includes(gate.groupId)),
  );
}

/** Whether a flag is on for a group: for everybody, for it, or for a group around it. */
export function isFlagOnForGroup(
  flags: readonly FlagRow[],
  name: string,
  group: { readonly traversalIds: readonly number[] },
): boolean {
  const flag = flags.find((one) => one.name === name);
  if (!flag) return false;
  return flag.enabled || flag.gates.some(({ groupId }) => groupId !== null && group.traversalIds.includes(groupId));
}

/** All flags. Administrators. */
export async function listFlags(registry: Registry, principal: Principal): Promise<FlagRow[]> {
  demandAdministrator(principal);
  return registry.prisma.featureFlag.findMany({ include: WITH_GATES, orderBy: { name: "asc" } });
}

/**
 * Switches a flag. Without targets: on for everybody, or off with every gate gone. With targets: gates are added, or
 * taken away. An unknown target is refused and nothing changes. Administrators.
 */
export async function setFlag(
  registry: Registry,
  principal: Principal,
  name: string,
  enabled: boolean,
  targets: FlagTargets = {},
): Promise<FlagRow> {
  demandAdministrator(principal);
  checkFlagName(name);
  const gates = await gatesOf(registry, targets);
  await change(registry, "", async (tx) => {
    await tx.featureFlag.upsert({ where: { name }, create: { name }, update: {} });
    if (gates.length === 0) {
      await tx.featureFlag.update({ where: { name }, data: { enabled } });
      if (!enabled) await tx.featureGate.deleteMany({ where: { flagName: name } });
    } else if (enabled)
      await tx.featureGate.createMany({
        data: gates.map((gate) => ({ flagName: name, ...gate })),
        skipDuplicates: true,
      });
    else await tx.featureGate.deleteMany({ where: { flagName: name, OR: gates } });
    await audit(tx, principal, "flag.set", name, { enabled, ...targets } as Prisma.InputJsonObject);
  });
  return registry.prisma.featureFlag.findUniqueOrThrow({ where: { name }, include: WITH_GATES });
}

/** Forgets what was set: the flag is off, as if nobody had touched it. Administrators. */
export async function deleteFlag(registry: Registry, principal: Principal, name: string): Promise<void> {
  demandAdministrator(principal);
  checkFlagName(name);
  await change(registry, "", async (tx) => {
    await tx.featureFlag.deleteMany({ where: { name } });
    await audit(tx, principal, "flag.delete", name);
  });
}

function checkFlagName(name: string): void {
  if (!/^[a-z][a-z0-9_]{0,99}$/.test(name))
    throw invalid(`"${name.slice(0, 60)}" cannot name a flag: use lower-case letters, digits and _`);
}

type Gate = { projectId: number } | { groupId: number } | { userId: number };

async function gatesOf(registry: Registry, targets: FlagTargets): Promise<Gate[]> {
  const gates: Gate[] = [];
  for (const path of targets.projects ?? []) {
    const project = await findProject(registry, path);
    if (!project) throw invalid(`there is no project ${path}`);
    gates.push({ projectId: project.id });
  }
  for (const path of targets.groups ?? []) {
    const group = await findGroup(registry, path);
    if (!group) throw invalid(`there is no group ${path}`);
    gates.push({ groupId: group.id });
  }
  for (const name of targets.users ?? []) {
    const user = await findUser(registry, name);
    if (!user) throw invalid(`there is no user ${name}`);
    gates.push({ userId: user.id });
  }
  return gates;
}
