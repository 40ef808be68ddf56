// What a path and a version of pkg.go.dev's API stand for: a unit, which is a module's root, the directory of a package, or a
// directory above one. Without `module` all modules are tried whose paths the path begins with (golang.org/x/pkgsite,
// internal/api/api.go, resolveModulePath). Found is what is here and the one who asks may read; everything else is not there.
import type { Context } from "koa";
import { isFailure, notFound } from "../../errors.ts";
import { type HostedModules, latestOf, resolveQuery } from "../../git/indexing/hosted-modules.ts";
import type { ModuleArchives } from "../../git/indexing/module-archives.ts";
import { zipWithFiles } from "../../git/indexing/version-files.ts";
import { checkPath } from "../../gomod/module-path.ts";
import { canonicalVersion } from "../../gomod/version.ts";
import { hidden } from "../../registry/access/access.ts";
import { directoriesWithPackages } from "../../registry/documentation/go-directories.ts";
import { filesOf, type ModuleFile, type VersionZip } from "../../registry/modules/module-files.ts";
import { readableModules } from "../../registry/modules/readable-by-name.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ModuleRow, ProjectRow, VersionRow } from "../../registry/rows.ts";
import { latestVersions } from "../../registry/versions/listed-versions.ts";
import { findModule } from "../../registry/versions/modules.ts";
import { findVersionRows, versionsInModules } from "../../registry/versions/version-rows.ts";
import { ApiError } from "./api-error.ts";

/** What the API needs of the server. */
export interface PkgsiteParts {
  readonly registry: Registry;
  readonly hosted: HostedModules;
  readonly archives: ModuleArchives;
  /** Our own address, as the client wrote it. */
  readonly addressOf: (ctx: Context) => string;
}

/** A request: who asks. */
export interface Asking extends PkgsiteParts {
  readonly principal: Principal;
  readonly url: string;
}

/** A directory of a version of a module. */
export interface Unit {
  readonly module: ModuleRow;
  /** Undefined for a module from upstream. */
  readonly project: ProjectRow | undefined;
  readonly version: VersionRow;
  /** Whether it is the version that `latest` means. */
  readonly isLatest: boolean;
  readonly from: VersionZip;
  /** All files of the version. */
  readonly files: readonly ModuleFile[];
  /** In the module; "" is its root. */
  readonly directory: string;
}

/** Import paths have few elements; of longer ones only the first are looked at. */
const MAX_ELEMENTS = 30;
/** Branches that may be asked for (golang.org/x/pkgsite, internal.DefaultBranches). */
const BRANCHES = new Set(["main", "master"]);

/** Whether an answer about a version stays as it is. */
export function isPinned(version: string): boolean {
  return version !== "" && version !== "latest" && !BRANCHES.has(version);
}

/** The unit of a path in the module that is named, or in the one that holds it. Throws ApiError or a Failure. */
export async function demandUnit(asking: Asking, path: string, module: string, version: string): Promise<Unit> {
  if (module !== "") {
    const found =
      path === module || path.startsWith(`${module}/`) ? await unitIn(asking, module, path, version) : undefined;
    if (!found) throw hidden(asking.principal, "Module");
    return found;
  }
  const units: Unit[] = [];
  let told: unknown;
  for (const candidate of await candidatesOf(asking, path))
    try {
      const unit = await unitIn(asking, candidate, path, version);
      if (unit) units.push(unit);
    } catch (error) {
      if (!isFailure(error, "not-found", "gone")) throw error;
      told ??= error;
    }
  const good = units.filter(({ module: { deprecated }, version: { retracted } }) => deprecated === null && !retracted);
  if (good.length > 1)
    throw new ApiError(
      400,
      "ambiguous package path",
      ["retry the call with a 'module' query parameter specifying the desired module"],
      good.map((unit) => ({ modulePath: unit.module.path, packagePath: path })),
    );
  const one = good[0] ?? units[0];
  if (!one) throw told ?? hidden(asking.principal, "Module");
  return one;
}

/** The unit at the root of a module. Throws ApiError with the module if the path is of a package. */
export async function demandModuleUnit(asking: Asking, path: string, version: string): Promise<Unit> {
  for (const candidate of await candidatesOf(asking, path)) {
    const unit = await unitIn(asking, candidate, path, version);
    if (unit && unit.directory !== "")
      throw new ApiError(400, `${path} is a package, not a module`, [
        `retry the call with the containing module: ${JSON.stringify(candidate)}`,
      ]);
    if (unit) return unit;
  }
  throw hidden(asking.principal, "Module");
}

/** The import path of a unit. */
export function pathOf({ module, directory }: Pick<Unit, "module" | "directory">): string {
  return directory === "" ? module.path : `${module.path}/${directory}`;
}

/** Modules that may be read and whose paths the path begins with, longest first. */
async function candidatesOf({ registry, principal }: Asking, path: string): Promise<string[]> {
  const elements = path.split("/").slice(0, MAX_ELEMENTS);
  const prefixes = elements.map((_, n) => elements.slice(0, n + 1).join("/")).reverse();
  const found = await readableModules(
    registry,
    principal,
    prefixes.filter((prefix) => checkPath(prefix) === undefined),
  );
  return prefixes.filter((prefix) => found.has(prefix));
}

/** A path in a version of a module; undefined if the module has nothing there. */
async function unitIn(asking: Asking, modulePath: string, path: string, asked: string): Promise<Unit | undefined> {
  const { registry, principal, archives } = asking;
  const found = await findModule(registry, principal, modulePath);
  if (!found) return undefined;
  const { module, project } = found;
  const latest = (await latestVersions(registry, [module.id])).get(module.id);
  const version = await versionOf(asking, found, latest, asked);
  if (!version) return undefined;
  const from = await zipWithFiles(archives, module, version);
  const files = await filesOf(registry, from);
  const directory = path.slice(modulePath.length + 1);
  const isThere =
    directory === "" ||
    directoriesWithPackages(files).some((one) => one === directory || one.startsWith(`${directory}/`));
  return isThere
    ? { module, project, version, isLatest: (latest ?? version).id === version.id, from, files, directory }
    : undefined;
}

async function versionOf(
  { registry, hosted }: Asking,
  { module, project }: { readonly module: ModuleRow; readonly project: ProjectRow | undefined },
  latest: VersionRow | undefined,
  asked: string,
): Promise<VersionRow | undefined> {
  if (asked === "" || asked === "latest") {
    if (latest || !project) return latest;
    return versionRow(registry, (await latestOf(hosted, project, module.path)).version.id);
  }
  const isBranch = BRANCHES.has(asked);
  if (!isBranch && canonicalVersion(asked) !== asked) throw notFound("Version Not Found");
  if (project) return versionRow(registry, (await resolveQuery(hosted, project, module.path, asked)).version.id);
  if (isBranch) return undefined;
  const known = await versionsInModules(registry, [{ moduleId: module.id, version: asked }]);
  return known.get(`${module.id} ${asked}`);
}

async function versionRow(registry: Registry, id: number): Promise<VersionRow | undefined> {
  return (await findVersionRows(registry, [id]))[0];
}
