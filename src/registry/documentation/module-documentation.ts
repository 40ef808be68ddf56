// The job document-module: all packages of a module that a project here has published are documented, of the version that is
// described (modules/module-document.ts), so that searches find what they declare and import. It is left behind when a
// module was described. Modules from upstream are documented when somebody asks for them: there are many, and reading the
// sources of one takes as long as everything else about it.
import { isFailure } from "../../errors.ts";
import type { DocumentModulePayload } from "../../jobs/document-module.ts";
import { zipPrefix } from "../modules/module-files.ts";
import type { Registry } from "../registry.ts";
import { documentVersion } from "./documented-versions.ts";

/** Modules that one run does when it catches up. */
const CATCH_UP_MODULES = 20;

/** Does what the job says. */
export async function documentModules(registry: Registry, what: DocumentModulePayload): Promise<void> {
  if ("moduleId" in what) return documentModule(registry, what.moduleId);
  const ids = await undocumented(registry, what.after);
  for (const id of ids)
    await documentModule(registry, id).catch((error: unknown) =>
      registry.log.error({ err: error, moduleId: id }, "a module cannot be documented; the next start tries again"),
    );
  const last = ids.at(-1);
  if (last !== undefined && ids.length === CATCH_UP_MODULES)
    await registry.jobs.continueWalk("document-module", { after: last });
}

/** Leaves the job for what was described before there was documentation, or when the server stopped. */
export async function resumeDocumenting(registry: Registry): Promise<void> {
  if ((await undocumented(registry, 0)).length > 0) await registry.jobs.beginWalk("document-module", { after: 0 });
}

async function undocumented(registry: Registry, after: number): Promise<number[]> {
  const { rows } = await registry.database.pool.query<{ id: number }>(
    `SELECT m.id FROM module m JOIN module_document described ON described.module_id = m.id
     WHERE m.id > $1 AND m.project_id IS NOT NULL AND NOT EXISTS (
       SELECT FROM documented_version d WHERE d.version_id = described.version_id AND d.whole)
     ORDER BY m.id LIMIT ${CATCH_UP_MODULES}`,
    [after],
  );
  return rows.map(({ id }) => id);
}

async function documentModule(registry: Registry, moduleId: number): Promise<void> {
  const { rows } = await registry.database.pool.query<{
    id: number;
    path: string;
    version: string;
    h1: string;
    zipKey: string;
    zipSize: string;
  }>(
    `SELECT v.id, m.path, v.version, v.h1, v.zip_key AS "zipKey", v.zip_size AS "zipSize"
     FROM module_document described JOIN module m ON m.id = described.module_id
     JOIN module_version v ON v.id = described.version_id
     WHERE m.id = $1 AND m.project_id IS NOT NULL AND v.zip_key IS NOT NULL`,
    [moduleId],
  );
  for (const { id, path, version, h1, zipKey: sha256, zipSize } of rows)
    try {
      const zip = { h1, sha256, size: Number(zipSize) };
      await documentVersion(registry, { id, from: { zip, prefix: zipPrefix(path, version) } });
    } catch (error) {
      // Its bytes are lost, which the log tells, or it was taken back meanwhile.
      if (!isFailure(error, "unavailable", "not-found")) throw error;
    }
}
