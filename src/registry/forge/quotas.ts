// Quotas of groups: how many bytes, and how many projects, a group and all below it may hold. What counts is what a group takes:
// its repositories as they lie on the disk, and the zips of its versions, equal ones for each version. Both are added up when
// they are asked for, so that nothing can drift; only groups with a quota are ever asked about. Whoever is at a quota is told
// the numbers, and nothing of what was refused is kept; what was published is served all the same. Two pushes that begin at once
// may both find room, and then the next one finds none.
import { Failure, invalid } from "../../errors.ts";
import { demandAdministrator, demandGroupAct, demandGroupSeen, isAdministrator } from "../access/access.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow } from "../rows.ts";
import { findGroup } from "./groups.ts";

/** What a group and all below it may hold; null: as much as it wants. */
export interface Quota {
  readonly maxBytes: number | null;
  readonly maxProjects: number | null;
}

/** What a group and all below it hold. */
export interface Usage {
  /** Of repositories on the disk and zips of versions. */
  readonly bytes: number;
  readonly projects: number;
}

/** How many bytes may still come, and the sentence for whoever comes with more. */
export interface Room {
  readonly bytes: number;
  readonly refusal: (more?: number) => Failure;
}

interface QuotaOfGroup extends Quota {
  readonly id: number;
  readonly fullPath: string;
}

/** The quota of a group, and what of it is taken. Owners of the group, and administrators. */
export async function quotaOf(registry: Registry, principal: Principal, group: GroupRow): Promise<Quota & Usage> {
  if (!isAdministrator(principal)) demandGroupAct(principal, "group.update", group);
  const [own] = (await quotasAround(registry, [group.id])).filter(({ id }) => id === group.id);
  const usage = await usageOf(registry, group.id);
  return { maxBytes: own?.maxBytes ?? null, maxProjects: own?.maxProjects ?? null, ...usage };
}

/** Sets what is given of a group's quota; null takes that part off. Administrators. */
export async function setQuota(
  registry: Registry,
  principal: Principal,
  fullPath: string,
  { maxBytes, maxProjects }: { readonly [K in keyof Quota]?: Quota[K] | undefined },
): Promise<GroupRow> {
  demandAdministrator(principal);
  const group = demandGroupSeen(principal, await findGroup(registry, fullPath));
  checkAmount(maxBytes, "maxBytes");
  checkAmount(maxProjects, "maxProjects");
  await change(registry, "", async (tx) => {
    await tx.$executeRaw`
      INSERT INTO group_quota (group_id, max_bytes, max_projects)
      VALUES (${group.id}, ${maxBytes ?? null}::bigint, ${maxProjects ?? null}::int)
      ON CONFLICT (group_id) DO UPDATE SET
        max_bytes = CASE WHEN ${maxBytes === undefined} THEN group_quota.max_bytes ELSE excluded.max_bytes END,
        max_projects = CASE WHEN ${maxProjects === undefined} THEN group_quota.max_projects ELSE excluded.max_projects END`;
    await audit(tx, principal, "group.quota", group.fullPath, { maxBytes, maxProjects });
  });
  return group;
}

function checkAmount(amount: number | null | undefined, field: string): void {
  if (amount != null && !(Number.isSafeInteger(amount) && amount >= 0 && (field !== "maxProjects" || amount < 2 ** 31)))
    throw invalid("must be a whole number, or none", field);
}

/**
 * How many bytes a project may still bring, by the quotas of all groups around it; undefined: as many as it wants. Those that
 * are over already leave none.
 */
export async function roomIn(registry: Registry, group: GroupRow): Promise<Room | undefined> {
  let least: Room | undefined;
  for (const { id, fullPath, maxBytes } of await quotasAround(registry, group.traversalIds)) {
    if (maxBytes === null) continue;
    const { bytes: taken } = await usageOf(registry, id);
    const bytes = Math.max(0, maxBytes - taken);
    if (least && least.bytes <= bytes) continue;
    const refusal = (more?: number): Failure =>
      exceeded(
        `the group ${fullPath} holds ${shownBytes(taken)} of the ${shownBytes(maxBytes)} that it may` +
          `${more === undefined ? "" : `, and this brings ${shownBytes(more)} more`}: delete what is not needed, or ask an administrator for more`,
      );
    least = { bytes, refusal };
  }
  return least;
}

/** Throws forbidden, with the numbers, where so many bytes more have no room. */
export async function demandRoom(registry: Registry, group: GroupRow, bytes: number): Promise<void> {
  const room = await roomIn(registry, group);
  if (room && bytes > room.bytes) throw room.refusal(bytes);
}

/** Throws forbidden, with the numbers, where the group, or one around it, may have no more projects. */
export async function demandRoomForProject(registry: Registry, group: GroupRow): Promise<void> {
  for (const { id, fullPath, maxProjects } of await quotasAround(registry, group.traversalIds)) {
    if (maxProjects === null) continue;
    const { projects } = await usageOf(registry, id);
    if (projects >= maxProjects)
      throw exceeded(
        `the group ${fullPath} has ${projects} projects of the ${maxProjects} that it may: delete one, or ask an administrator for more`,
      );
  }
}

/** Writes down how many bytes the repository of a project takes. */
export async function noteRepositorySize(registry: Registry, projectId: number, bytes: number): Promise<void> {
  await registry.database.pool.query(
    `INSERT INTO repository_size (project_id, bytes) SELECT id, $2 FROM project WHERE id = $1
     ON CONFLICT (project_id) DO UPDATE SET bytes = excluded.bytes WHERE repository_size.bytes <> excluded.bytes`,
    [projectId, bytes],
  );
}

/** Projects whose repository nobody has measured yet, by number. */
export async function unmeasuredProjects(registry: Registry): Promise<number[]> {
  const { rows } = await registry.database.pool.query<{ id: number }>(
    "SELECT id FROM project p WHERE NOT EXISTS (SELECT FROM repository_size s WHERE s.project_id = p.id) ORDER BY id",
  );
  return rows.map(({ id }) => id);
}

async function quotasAround(registry: Registry, ids: readonly number[]): Promise<QuotaOfGroup[]> {
  const { rows } = await registry.database.pool.query<{
    id: number;
    fullPath: string;
    maxBytes: string | null;
    maxProjects: number | null;
  }>(
    `SELECT g.id, g.full_path AS "fullPath", q.max_bytes AS "maxBytes", q.max_projects AS "maxProjects"
     FROM group_quota q JOIN "group" g ON g.id = q.group_id WHERE q.group_id = ANY($1) ORDER BY g.id`,
    [ids],
  );
  return rows.map((row) => ({ ...row, maxBytes: row.maxBytes === null ? null : Number(row.maxBytes) }));
}

async function usageOf(registry: Registry, groupId: number): Promise<Usage> {
  const { rows } = await registry.database.pool.query<{ projects: number; bytes: string }>(
    `WITH below AS (SELECT p.id FROM project p JOIN "group" g ON g.id = p.group_id WHERE g.traversal_ids @> ARRAY[$1::int])
     SELECT (SELECT count(*)::int FROM below) AS projects,
       (SELECT COALESCE(sum(bytes), 0) FROM repository_size WHERE project_id IN (SELECT id FROM below))
       + (SELECT COALESCE(sum(v.zip_size), 0) FROM module m JOIN module_version v ON v.module_id = m.id
          WHERE m.project_id IN (SELECT id FROM below)) AS bytes`,
    [groupId],
  );
  const { projects, bytes } = rows[0]!;
  return { projects, bytes: Number(bytes) };
}

function exceeded(message: string): Failure {
  return new Failure("forbidden", message, { reason: "quota_exceeded" });
}

/** Bytes as people read them, such as 1.5 GB, in powers of 1024 as settings have them. */
export function shownBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${power === 0 ? amount : amount.toFixed(1)} ${["bytes", "KB", "MB", "GB", "TB"][power]}`;
}
