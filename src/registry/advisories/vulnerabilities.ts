// Which known vulnerabilities versions have: by the advisories of the mirrored database and those of one's own modules. An
// advisory about a module that somebody may not see is none to him.
import {
  affects,
  fixFor,
  isAboutPackage,
  isFixOf,
  isReviewed,
  type Advisory as Osv,
  parseAdvisory,
} from "../../gomod/vulnerable-range.ts";
import type { Registry } from "../registry.ts";
import { OWN_PREFIX } from "./own-advisories.ts";

/** A vulnerability of a version. */
export interface KnownVulnerability {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** The module that has it. */
  readonly modulePath: string;
  readonly version: string;
  /** The lowest version above that has it no more; undefined: there is none. */
  readonly fixedIn: string | undefined;
  /** Whether somebody has looked at it; policies go by no other. */
  readonly reviewed: boolean;
  /** Whether it is told of by a project here; otherwise the mirrored database has it. */
  readonly own: boolean;
}

/** A version of a module. */
export interface ModuleAtVersion {
  readonly path: string;
  readonly version: string;
  /** Only what is about this package of it, or about all of its packages. */
  readonly packagePath?: string | undefined;
}

/** The vulnerabilities of versions, in their order. Says nothing about who may see the modules. */
export async function vulnerabilitiesOf(
  registry: Registry,
  versions: readonly ModuleAtVersion[],
): Promise<KnownVulnerability[]> {
  const known = await advisoriesAbout(registry, [...new Set(versions.map(({ path }) => path))]);
  return versions.flatMap(({ path, version, packagePath }) =>
    (known.get(path) ?? [])
      .filter((advisory) => affects(advisory, path, version))
      .filter((advisory) => packagePath === undefined || isAboutPackage(advisory, path, packagePath))
      .map((advisory) => ({
        id: advisory.id,
        aliases: advisory.aliases ?? [],
        summary: advisory.summary ?? "",
        modulePath: path,
        version,
        fixedIn: fixFor(advisory, path, version),
        reviewed: isReviewed(advisory),
        own: advisory.id.startsWith(OWN_PREFIX),
      })),
  );
}

/** The reviewed vulnerabilities of some versions of a module, by version: those that have any. */
export async function reviewedVulnerabilities(
  registry: Registry,
  modulePath: string,
  versions: readonly string[],
): Promise<Map<string, KnownVulnerability[]>> {
  const found = await vulnerabilitiesOf(
    registry,
    versions.map((version) => ({ path: modulePath, version })),
  );
  return Map.groupBy(
    found.filter(({ reviewed }) => reviewed),
    ({ version }) => version,
  );
}

/** Whether there is any advisory about a module. Remembered, for it is asked before every answer. */
export async function isAdvised(registry: Registry, modulePath: string): Promise<boolean> {
  const { memory, database } = registry;
  const paths = await memory.remember(memory.advisedModules, "all", async () => {
    const { rows } = await database.pool.query<{ path: string }>(
      `SELECT DISTINCT m.path FROM advisory_module m JOIN advisory a ON a.id = m.advisory_id WHERE a.withdrawn_at IS NULL`,
    );
    return new Set(rows.map(({ path }) => path));
  });
  return paths.has(modulePath);
}

/** Which of some versions of a module an advisory names as its fix. */
export async function fixesAmong(
  registry: Registry,
  modulePath: string,
  versions: readonly string[],
): Promise<ReadonlySet<string>> {
  const about = (await advisoriesAbout(registry, [modulePath])).get(modulePath) ?? [];
  return new Set(versions.filter((version) => about.some((advisory) => isFixOf(advisory, modulePath, version))));
}

/** The advisories about modules, by their paths, oldest first. */
async function advisoriesAbout(registry: Registry, paths: readonly string[]): Promise<Map<string, Osv[]>> {
  if (paths.length === 0) return new Map();
  const { rows } = await registry.database.pool.query<{ path: string; body: string }>({
    name: "advisories-about",
    text: `SELECT m.path, a.body FROM advisory_module m JOIN advisory a ON a.id = m.advisory_id
      WHERE m.path = ANY($1) AND a.withdrawn_at IS NULL ORDER BY a.id`,
    values: [paths],
  });
  const known = new Map<string, Osv[]>();
  for (const { path, body } of rows) {
    const advisory = parseAdvisory(body);
    if (advisory) known.set(path, [...(known.get(path) ?? []), advisory]);
  }
  return known;
}
