// Which version of which module a page shows, with what every page of it needs: read once, and shown alike on all tabs.

import { notFound } from "../../errors.ts";
import { zipWithFiles } from "../../git/indexing/version-files.ts";
import { hidden } from "../../registry/access/access.ts";
import { type DescribedModule, descriptionsOf } from "../../registry/modules/module-document.ts";
import type { VersionZip } from "../../registry/modules/module-files.ts";
import { otherMajorsOf } from "../../registry/modules/related-modules.ts";
import type { ModuleRow, ProjectRow, VersionRow } from "../../registry/rows.ts";
import { latestVersions } from "../../registry/versions/listed-versions.ts";
import { findModule } from "../../registry/versions/modules.ts";
import { versionsInModules } from "../../registry/versions/version-rows.ts";
import type { Visit } from "../html/visit.ts";
import { moduleOfImportPath, projectOf, readAddress } from "./find-module.ts";

/** A version of a module, as a page shows it. */
export interface ShownVersion {
  readonly module: ModuleRow;
  /** Undefined for a module from upstream. */
  readonly project: ProjectRow | undefined;
  readonly version: VersionRow;
  /** The newest version; that which is shown where no other counts. */
  readonly latest: VersionRow;
  /** Whether the address names the version. */
  readonly isNamed: boolean;
  /** The directory of a package in the module; empty for the root. */
  readonly directory: string;
  /** What was written down of the module, of its latest version. */
  readonly described: DescribedModule | undefined;
  /** The same module under other major versions, for the banner and the list. */
  readonly otherMajors: readonly ModuleRow[];
}

/**
 * The version that an address below /-/go/ names: `MODULE`, `MODULE@VERSION/SUB`, or an import path, whose module is the
 * longest there is. Throws as if there were none for what may not be read.
 */
export async function demandShown(visit: Visit, address: string): Promise<ShownVersion> {
  const { registry, principal } = visit;
  const asked = readAddress(address);
  const exact = await findModule(registry, principal, asked.path);
  const within = exact || asked.version !== undefined ? undefined : await moduleOfImportPath(visit, asked.path);
  const module = exact?.module ?? within;
  if (!module) throw hidden(principal, "Module");
  const directory = within ? asked.path.slice(within.path.length + 1) : asked.directory;
  const named = asked.version === "latest" ? undefined : asked.version;
  const [project, latest, found, described, majors] = await Promise.all([
    exact?.project ?? projectOf(visit, module),
    latestVersions(registry, [module.id]),
    named === undefined ? undefined : versionsInModules(registry, [{ moduleId: module.id, version: named }]),
    descriptionsOf(registry, [module.id]),
    otherMajorsOf(registry, [module]),
  ]);
  const newest = latest.get(module.id);
  const version = named === undefined ? newest : found?.get(`${module.id} ${named}`);
  if (!version)
    throw notFound(
      named === undefined
        ? `${module.path} has no version yet: push a tag`
        : `there is no version ${named} of ${module.path} here: its versions are at ${visit.at.module(module.path, undefined, "versions")}`,
    );
  return {
    ...{ module, project, version, directory },
    latest: newest ?? version,
    isNamed: named !== undefined,
    described: described.get(module.id),
    otherMajors: majors.get(module.id) ?? [],
  };
}

/** The import path of what is shown. */
export function importPathOf({ module, directory }: ShownVersion): string {
  return directory === "" ? module.path : `${module.path}/${directory}`;
}

/** The zip of a shown version. Throws not-found, with the next step, if it is not here and cannot be made. */
export function zipOfShown({ parts }: Visit, { module, version }: ShownVersion): Promise<VersionZip> {
  return zipWithFiles(parts.archives, module, version);
}
