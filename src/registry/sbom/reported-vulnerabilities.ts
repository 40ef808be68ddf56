// Known vulnerabilities of many versions at once, for whoever asks: of names that he brings, such as those of a go.sum, of what a
// build uses, and of a whole project. An advisory about a module here is told to those alone who may read the module.
import type { ModuleVersionName } from "../../gomod/module-graph.ts";
import { isValid } from "../../gomod/version.ts";
import { demandRegistry } from "../access/access.ts";
import { type KnownVulnerability, vulnerabilitiesOf } from "../advisories/vulnerabilities.ts";
import { readableVersions, versionName } from "../modules/readable-by-name.ts";
import { demandVersion } from "../modules/readable-version.ts";
import { storedBuildList } from "../modules/stored-build-list.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow } from "../rows.ts";
import { latestVersions } from "../versions/listed-versions.ts";

/** Modules of a project whose builds are looked into. */
const MAX_MODULES = 50;

/** The vulnerabilities of versions, in their order, as far as the principal may hear of them. */
export async function vulnerabilitiesFor(
  registry: Registry,
  principal: Principal,
  names: readonly ModuleVersionName[],
): Promise<KnownVulnerability[]> {
  const found = await vulnerabilitiesOf(registry, names);
  const own = found.filter((one) => one.own).map(({ modulePath: path, version }) => ({ path, version }));
  if (own.length === 0) return found;
  const readable = await readableVersions(registry, principal, own);
  return found.filter(({ own, modulePath: path, version }) => !own || readable.has(versionName({ path, version })));
}

/** The vulnerabilities of a version that the principal may read and of all that a build of it uses. Throws not-found, too-large. */
export async function vulnerabilitiesOfBuild(
  registry: Registry,
  principal: Principal,
  name: ModuleVersionName,
): Promise<KnownVulnerability[]> {
  const { id } = await demandVersion(registry, principal, name);
  const { modules } = await storedBuildList(registry, principal, { ...name, id });
  return vulnerabilitiesFor(registry, principal, [name, ...modules]);
}

/** The vulnerabilities of the latest versions of a project's modules and of what builds of these use, each once. */
export async function vulnerabilitiesOfProject(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
): Promise<KnownVulnerability[]> {
  demandRegistry(principal, project);
  const modules = await registry.prisma.module.findMany({
    where: { projectId: project.id },
    orderBy: { path: "asc" },
    take: MAX_MODULES,
  });
  const latest = await latestVersions(
    registry,
    modules.map(({ id }) => id),
  );
  const names = new Map<string, ModuleVersionName>();
  for (const { id: moduleId, path } of modules) {
    const found = latest.get(moduleId);
    if (!found) continue;
    const name = { path, version: found.version };
    const { modules: used } = await storedBuildList(registry, principal, { ...name, id: found.id });
    for (const one of [name, ...used]) names.set(versionName(one), { path: one.path, version: one.version });
  }
  return vulnerabilitiesFor(registry, principal, [...names.values()]);
}

/** The versions whose zips a go.sum has the sums of: those that a build may have compiled, each once. */
export function versionsOfGoSum(text: string): ModuleVersionName[] {
  const names = new Map<string, ModuleVersionName>();
  for (const line of text.split("\n")) {
    const [path, version, sum] = line.split(" ");
    if (path && version && sum && isValid(version)) names.set(`${path} ${version}`, { path, version });
  }
  return [...names.values()];
}
