// Versions that were uploaded as finished modules instead of made from a commit. Such a version has no commit and no tag: its
// zip is all that it was made of, so that is there from the beginning, and its time is that of its publication, for what
// stands in a zip can be forged. Between an upload and a tag of the same name whoever comes first stays, and the other is
// the same or is refused: a project's versions do not depend on the way they came.
import { Failure } from "../../errors.ts";
import { auditInSql } from "../audit.ts";
import { credentialOf, nameOfPrincipal, type Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { announceVersions } from "./announced-versions.ts";
import { enteringVersions } from "./enter-versions.ts";
import { differs, reasonOfOther, servedBefore } from "./served-before.ts";
import { notUploaded } from "./tombstones.ts";
import { logSumsSoon, type MadeZip } from "./version-zip.ts";

/** The h1 of those of some versions of a project that were uploaded, by `path@version`. */
export async function uploadedAmong(
  registry: Registry,
  projectId: number,
  versions: readonly { readonly modulePath: string; readonly version: string }[],
): Promise<ReadonlyMap<string, string>> {
  if (versions.length === 0) return new Map();
  const { rows } = await registry.database.pool.query<{ name: string; h1: string }>({
    name: "uploaded-among",
    text: `SELECT path || '@' || asked.version AS name, v.h1 FROM unnest($2::text[], $3::text[]) AS asked (path, version)
      JOIN module m USING (path) JOIN module_version v ON v.module_id = m.id AND v.version = asked.version
      WHERE m.project_id = $1 AND v."commit" IS NULL`,
    values: [projectId, versions.map(({ modulePath }) => modulePath), versions.map(({ version }) => version)],
  });
  return new Map(rows.map(({ name, h1 }) => [name, h1]));
}

/** An uploaded version that was found to obey Go's rules; its zip is stored. */
export interface UploadedVersion {
  readonly modulePath: string;
  readonly version: string;
  readonly goMod: Buffer;
  /** The zip has no go.mod; the one given is made up. */
  readonly legacy: boolean;
  readonly zip: MadeZip;
}

/**
 * Publishes an uploaded version in a project, whose principal may do that. False: there is a version of that name already,
 * and nothing was done. Throws gone or conflict when the name was taken away, and forbidden when the module is another
 * project's.
 */
export async function publishUploaded(
  registry: Registry,
  principal: Principal,
  projectId: number,
  uploaded: UploadedVersion,
  now = new Date(),
): Promise<boolean> {
  const { modulePath, version, zip } = uploaded;
  const id = await enteringVersions(registry, async (tx, enter) => {
    // One publisher a project at a time; also, a project that is being deleted is waited for.
    const there = await tx.$queryRaw<unknown[]>`SELECT 1 FROM project WHERE id = ${projectId} FOR UPDATE`;
    if (there.length === 0) throw new Failure("not-found", "the project is gone");
    const before = (await servedBefore(registry, [uploaded], tx)).get(`${modulePath}@${version}`);
    if (before && differs({ goMod: uploaded.goMod, h1: zip.h1 }, before))
      throw new Failure("conflict", reasonOfOther(`${modulePath}@${version}`, before), { reason: "version_differs" });
    const { entered, buried } = await enter([{ ...uploaded, time: now }], async () => {
      await tx.$executeRaw`INSERT INTO module (path, project_id) VALUES (${modulePath}, ${projectId}) ON CONFLICT DO NOTHING`;
      const [module] = await tx.$queryRaw<{ id: number; project_id: number; taken: boolean }[]>`
        SELECT m.id, m.project_id, EXISTS (
          SELECT FROM module_version v WHERE v.module_id = m.id AND v.version = ${version}) AS taken
        FROM module m WHERE m.path = ${modulePath} AND m.origin = 'HOSTED'`;
      if (module!.project_id !== projectId)
        throw new Failure("forbidden", `the module path ${modulePath} was published by another project before`, {
          reason: "module_path_foreign",
        });
      return new Map(module!.taken ? [] : [[modulePath, module!.id]]);
    });
    for (const { grave } of buried) throw notUploaded(modulePath, version, grave);
    const [row] = entered;
    if (!row) return undefined;
    await announceVersions(tx, projectId, entered, nameOfPrincipal(principal));
    await auditInSql(tx, principal, "version.upload", `${modulePath}@${version}`, {
      ...{ h1: zip.h1, by: credentialOf(principal) },
    });
    return row.id;
  });
  if (id === undefined) return false;
  registry.jobs.gather("describe-module", id);
  logSumsSoon(registry, id);
  return true;
}
