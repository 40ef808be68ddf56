// The zip of a version for whoever wants to read files in it: the one that is stored, or, of a hosted version that has none
// yet, one that is made now.
import { notFetchedYet, type VersionZip, zipPrefix } from "../../registry/modules/module-files.ts";
import type { ModuleRow, VersionRow } from "../../registry/rows.ts";
import { type ModuleArchives, zipOfVersion } from "./module-archives.ts";

/** Finds or makes it. Throws not-found, with the next step, if it is not here and cannot be made. */
export async function zipWithFiles(
  archives: ModuleArchives,
  module: Pick<ModuleRow, "path" | "projectId">,
  { id, version, h1, zipKey: sha256, zipSize }: VersionRow,
): Promise<VersionZip> {
  const prefix = zipPrefix(module.path, version);
  if (h1 !== null && sha256 !== null && zipSize !== null) return { zip: { h1, sha256, size: Number(zipSize) }, prefix };
  if (module.projectId === null) throw notFetchedYet(module.path, version);
  return { zip: await zipOfVersion(archives, id), prefix };
}
