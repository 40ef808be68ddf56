// What is stored for versions and not in the database: commits of repositories, and zips. Whether something of it is still
// needed only the rows say, and a row comes after what it promises is there; so who removes something asks the rows again
// after it has taken the thing aside.
import { demandAct, isAdministrator } from "../access/access.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { formerModuleHosts } from "../forge/module-hosts.ts";
import { demandProject, findProject } from "../forge/projects.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow } from "../rows.ts";
import { isKeepable } from "../text.ts";

const PURGE_TIMEOUT_MS = 60 * 60_000;

/**
 * A project of which the principal may remove what was taken back: Maintainers, and of one that was deleted, for which
 * nothing is returned, administrators. Written to the audit trail.
 */
export async function demandPurge(
  registry: Registry,
  principal: Principal,
  fullPath: string,
): Promise<ProjectRow | undefined> {
  const wasDeleted = isAdministrator(principal) && (await isDeletedProject(registry, fullPath));
  const project = wasDeleted ? undefined : await demandProject(registry, principal, fullPath);
  if (project) demandAct(principal, "version.delete", project); // to remove what it left is a part of it
  await change(registry, "", (tx) => audit(tx, principal, "project.purge", project?.fullPath ?? fullPath, {}));
  return project;
}

/** Whether there is no such project and versions of one were taken away with it. */
async function isDeletedProject(registry: Registry, fullPath: string): Promise<boolean> {
  if (!isKeepable(fullPath) || (await findProject(registry, fullPath))) return false;
  const hosts = [registry.moduleHost, ...(await formerModuleHosts(registry))];
  const roots = hosts.map((host) => `${host}/${fullPath}`);
  const below = roots.map((root) => ({ modulePath: { startsWith: `${root}/` } }));
  const where = { OR: [{ modulePath: { in: roots } }, ...below] };
  return (await registry.prisma.tombstone.findFirst({ where })) !== null;
}

/** The numbers of all projects, ascending. */
export async function projectIds(registry: Registry): Promise<number[]> {
  const { rows } = await registry.database.pool.query<{ id: number }>("SELECT id FROM project ORDER BY id");
  return rows.map(({ id }) => id);
}

/** The commits of which versions of a project were made. */
export async function publishedCommits(registry: Registry, projectId: number): Promise<string[]> {
  const { rows } = await registry.database.pool.query<{ commit: string }>(
    `SELECT DISTINCT v."commit" FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE m.project_id = $1 AND v."commit" IS NOT NULL`,
    [projectId],
  );
  return rows.map(({ commit }) => commit);
}

/** Which of some zips, by the SHA-256 of their bytes, are of no version. */
export async function unreferencedZips(registry: Registry, digests: readonly string[]): Promise<string[]> {
  const { rows } = await registry.database.pool.query<{ digest: string }>(
    `SELECT digest FROM unnest($1::text[]) AS zip (digest)
      WHERE NOT EXISTS (SELECT FROM module_version v WHERE v.zip_key = digest
        AND NOT EXISTS (SELECT FROM evicted_zip e WHERE e.version_id = v.id))`,
    [digests],
  );
  return rows.map(({ digest }) => digest);
}

/**
 * Does something while no push to a project is under way: one that begins waits. Returns whether it was done; not while a
 * push is under way, nor for a project that is gone.
 */
export async function whileNoPush(registry: Registry, projectId: number, work: () => Promise<void>): Promise<boolean> {
  return registry.prisma.$transaction(
    async (tx) => {
      const [project] = await tx.$queryRaw<{ pushing: boolean }[]>`
        SELECT push_started_at IS NOT NULL AS pushing FROM project WHERE id = ${projectId} FOR NO KEY UPDATE`;
      if (!project || project.pushing) return false;
      await work();
      return true;
    },
    { timeout: PURGE_TIMEOUT_MS },
  );
}
