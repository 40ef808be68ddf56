// Taking a project away. Its versions leave tombstones, so that a project that comes to the same path later can publish
// the same content again, but never other content under a name that somebody's go.sum knows.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Transaction } from "../../database/client.ts";
import type { Project } from "../../database/generated/client.ts";
import { repositoryKey } from "../../storage/object-keys.ts";
import { deliberately } from "../change.ts";
import type { Registry } from "../registry.ts";

/** Deletes the rows of projects, in a transaction of the caller. */
export async function deleteProjectRows(tx: Transaction, projects: readonly Project[]): Promise<void> {
  const ids = projects.map((project) => project.id);
  if (ids.length === 0) return;
  // Whoever publishes is waited for, before anything else is locked: what enters leaves its tombstone too.
  await tx.$queryRaw`SELECT 1 FROM project WHERE id = ANY(${ids}::int[]) ORDER BY id FOR UPDATE`;
  await deliberately(tx);
  await tx.$executeRaw`INSERT INTO tombstone (module_path, version, "commit", go_mod_h1, h1, reason, returnable)
    SELECT m.path, v.version, v."commit", v.go_mod_h1, v.h1, 'the project was deleted', true
    FROM module_version v JOIN module m ON m.id = v.module_id WHERE m.project_id = ANY(${ids}::int[])
    ON CONFLICT (module_path, version) DO NOTHING`;
  await tx.indexEntry.updateMany({ where: { projectId: { in: ids }, goneAt: null }, data: { goneAt: new Date() } });
  await tx.moduleVersion.deleteMany({ where: { module: { projectId: { in: ids } } } });
  await tx.module.deleteMany({ where: { projectId: { in: ids } } });
  await tx.project.deleteMany({ where: { id: { in: ids } } });
}

/** Removes the repositories of projects whose rows are gone. What a crash leaves here nobody can reach any more. */
export async function removeRepositories(registry: Registry, projects: readonly { id: number }[]): Promise<void> {
  for (const { id } of projects)
    await rm(join(registry.dataDirectory, repositoryKey(id)), { recursive: true, force: true });
}
