// Which module an address is about: MODULE, MODULE@VERSION and MODULE@VERSION/SUB as gopls and pkg.go.dev write them, and
// import paths without a version, whose module is the longest that there is.
import { hidden } from "../../registry/access/access.ts";
import { findProject } from "../../registry/forge/projects.ts";
import { readableModules } from "../../registry/modules/readable-by-name.ts";
import type { ModuleRow, ProjectRow } from "../../registry/rows.ts";
import { findModule } from "../../registry/versions/modules.ts";
import type { Visit } from "../html/visit.ts";

/** Import paths have few elements; of longer ones only the first are looked at. */
const MAX_ELEMENTS = 30;

/** A module that somebody may read, and its project if it is hosted. */
export interface FoundModule {
  readonly module: ModuleRow;
  readonly project: ProjectRow | undefined;
}

/** The module of an import path, the longest that the visitor may read; undefined for none. */
export async function moduleOfImportPath({ registry, principal }: Visit, path: string): Promise<ModuleRow | undefined> {
  const prefixes = prefixesOf(path);
  const found = await readableModules(registry, principal, prefixes);
  const longest = prefixes.find((prefix) => found.has(prefix));
  return longest === undefined ? undefined : found.get(longest);
}

/** The paths that an import path's module may have, longest first. */
export function prefixesOf(path: string): string[] {
  const elements = path.split("/").slice(0, MAX_ELEMENTS);
  return elements.map((_, n) => elements.slice(0, n + 1).join("/")).reverse();
}

/** The module of exactly this path. Throws as if there were none for one that may not be read. */
export async function demandModule({ registry, principal }: Visit, path: string): Promise<FoundModule> {
  const found = await findModule(registry, principal, path);
  if (!found) throw hidden(principal, "Module");
  return found;
}

/** What an address below /-/go/ names. */
export interface ModuleAddress {
  /** The module path; without a version an import path, perhaps of a package within. */
  readonly path: string;
  readonly version: string | undefined;
  /** The directory of a package in the module; empty for the root. */
  readonly directory: string;
}

/** Reads `PATH`, `PATH@VERSION` and `PATH@VERSION/DIRECTORY`. */
export function readAddress(text: string): ModuleAddress {
  const at = text.indexOf("@");
  if (at < 0) return { path: text.replace(/\/+$/, ""), version: undefined, directory: "" };
  const rest = text.slice(at + 1);
  const slash = rest.indexOf("/");
  return {
    path: text.slice(0, at),
    version: slash < 0 ? rest : rest.slice(0, slash),
    directory: slash < 0 ? "" : rest.slice(slash + 1).replace(/\/+$/, ""),
  };
}

/** The project of a module; undefined for one from upstream. */
export async function projectOf({ registry }: Visit, { projectId }: ModuleRow): Promise<ProjectRow | undefined> {
  return projectId === null ? undefined : findProject(registry, projectId);
}
