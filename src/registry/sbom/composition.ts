// What a version is made of: every module that a build of it uses, with its sums and licences as far as its zip is stored here,
// and the known vulnerabilities of all of them. It is worked out from go.mod files alone, as `go list -m all` has it, and so
// names modules of which a build may compile no package.
import type { BuildListEntry, ModuleVersionName } from "../../gomod/module-graph.ts";
import type { KnownVulnerability } from "../advisories/vulnerabilities.ts";
import { findDatabase } from "../advisories/vulnerability-database.ts";
import { readableVersions, versionName } from "../modules/readable-by-name.ts";
import { demandVersion } from "../modules/readable-version.ts";
import { storedBuildList } from "../modules/stored-build-list.ts";
import { licensesOf } from "../modules/version-licenses.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { vulnerabilitiesFor } from "./reported-vulnerabilities.ts";

/** Zips whose licences are read for one composition; they are written down, and the next one reads none. */
const MAX_READ_ZIPS = 500;

/** A module in a build. */
export interface Component extends ModuleVersionName {
  /** SPDX identifiers, UNKNOWN and NONE among them; undefined: its zip is not stored here. */
  readonly licenses: readonly string[] | undefined;
  /** Its h1: sum, and the SHA-256 of its zip in hex. */
  readonly sums: { readonly h1: string; readonly sha256: string } | undefined;
  /** The module whose place it takes (replace); undefined: nobody's. */
  readonly replaces: string | undefined;
}

/** What a version is made of. */
export interface Composition {
  readonly main: Component;
  /** In the order of `go list -m all`, without the version itself. */
  readonly components: readonly Component[];
  /** Which component, by `path@version`, requires which others. */
  readonly requires: ReadonlyMap<string, readonly string[]>;
  /** Of the version and of all components, in their order. */
  readonly vulnerabilities: readonly KnownVulnerability[];
  /** When the vulnerability database was last found to be the newest; undefined: there is none, and nobody has looked. */
  readonly databaseCheckedAt: Date | undefined;
  /** `path@version` of what could not be read: what these require may be missing. */
  readonly missing: readonly string[];
}

/** What a version that the principal may read is made of. Throws not-found, and too-large for a graph beyond all bounds. */
export async function compositionOf(
  registry: Registry,
  principal: Principal,
  name: ModuleVersionName,
): Promise<Composition> {
  const row = await demandVersion(registry, principal, name);
  const built = await storedBuildList(registry, principal, { ...name, id: row.id });
  const used = built.modules.map(replaced);
  const [described, found, database] = await Promise.all([
    componentsOf(registry, principal, [name, ...used]),
    vulnerabilitiesFor(registry, principal, [name, ...used]),
    findDatabase(registry),
  ]);
  const [main, ...components] = described;
  const idOf = new Map(built.modules.map(({ path }, n) => [path, versionName(used[n]!)]));
  const requires = new Map<string, string[]>();
  for (const { path, requiredBy } of built.modules)
    for (const by of new Set(requiredBy.map((one) => idOf.get(one.path) ?? versionName(name))))
      requires.set(by, [...(requires.get(by) ?? []), idOf.get(path)!]);
  return {
    ...{ main: main!, components, requires },
    vulnerabilities: found,
    databaseCheckedAt: database?.checkedAt,
    missing: built.missing.map(versionName),
  };
}

interface UsedModule extends ModuleVersionName {
  readonly replaces?: string;
}

/** What is built: in place of a module perhaps another one; a directory has no version. */
function replaced({ path, version, replacedBy }: BuildListEntry): UsedModule {
  if (replacedBy === undefined) return { path, version };
  const at = replacedBy.lastIndexOf("@");
  const replaces = versionName({ path, version });
  if (at < 0) return { path, version: "", replaces };
  return { path: replacedBy.slice(0, at), version: replacedBy.slice(at + 1), replaces };
}

async function componentsOf(
  registry: Registry,
  principal: Principal,
  used: readonly UsedModule[],
): Promise<Component[]> {
  const readable = await readableVersions(registry, principal, used);
  const licenses = await licensesOf(
    registry,
    used.filter((one) => readable.has(versionName(one))),
    MAX_READ_ZIPS,
  );
  return used.map(({ path, version, replaces }) => {
    const name = versionName({ path, version });
    const { h1, zipKey } = readable.get(name) ?? { h1: null, zipKey: null };
    const sums = h1 === null || zipKey === null ? undefined : { h1, sha256: zipKey };
    return { path, version, replaces, sums, licenses: licenses.get(name) };
  });
}
