// What the go command must be told to get modules from here: which endpoint to ask, and who verifies what comes. Our own
// checksum database verifies everything where it knows the world too; else the public one is asked about what is not ours. GOPRIVATE is not the way: it would have go pass over the endpoint (Go Modules Reference, "Private modules").
import type { Registry } from "../registry.ts";
import type { GroupRow, ProjectRow } from "../rows.ts";
import { DEPENDENCY_PROXY, isFlagOnForGroup, loadFlags } from "./feature-flags.ts";
import { formerModuleHosts } from "./module-hosts.ts";
import { declaredPrefixesIn } from "./module-owner.ts";
import { modulePathOf, moduleRootsOf } from "./projects.ts";

/** The GOPROXY of one project. `url` is where clients reach us, without a slash at the end. */
export function projectGoProxy(url: string, fullPath: string): string {
  return `${url}/api/v4/projects/${encodeURIComponent(fullPath)}/packages/go`;
}

/** The GOPROXY of a group with all projects in it. */
function groupGoProxy(url: string, fullPath: string): string {
  return `${url}/api/v4/groups/${encodeURIComponent(fullPath)}/-/packages/go`;
}

/** The GOPROXY of everything. */
export function instanceGoProxy(url: string): string {
  return `${url}/api/v4/packages/go`;
}

/** The settings for a module, as NAME=value: of a project, or from upstream. */
export interface GoSettings {
  readonly goproxy: string;
  /** Who verifies: our checksum database, or that the public one is not asked; undefined: that one knows it. */
  readonly checksums: string | undefined;
}

/** What an instance has for clients. */
export interface Offered {
  /** Whether the instance's endpoint has the world too. */
  readonly hasWorld: boolean;
  /** Our checksum database as GOSUMDB holds it, if it knows the world too. */
  readonly gosumdb: string | undefined;
}

/**
 * The settings for one module. After our endpoints nobody is asked who need not be: `direct` stands at the end only when
 * the instance's endpoint does not have the world.
 */
export function goSettings(
  registry: Registry,
  url: string,
  modulePath: string,
  project: ProjectRow | undefined,
  { hasWorld, gosumdb }: Offered,
): GoSettings {
  const own = project ? [projectGoProxy(url, project.fullPath)] : [];
  const goproxy = [...own, instanceGoProxy(url), ...(hasWorld ? [] : ["direct"])].join(",");
  const roots = project ? moduleRootsOf(registry, project) : [];
  const root = roots.find((one) => modulePath === one || modulePath.startsWith(`${one}/`)) ?? modulePath;
  const checksums = gosumdb === undefined ? project && `GONOSUMDB=${root}` : `GOSUMDB=${gosumdb}`;
  return { goproxy: `GOPROXY=${goproxy}`, checksums };
}

/** Everything that a client must be told to work with a project, a group or everything. */
export interface ClientSettings {
  readonly goproxy: string;
  /** Our own names, which no public checksum database knows. */
  readonly gonosumdb: string;
  /** Our checksum database, if it knows the world too; then nothing needs to be left out. */
  readonly gosumdb: string | undefined;
  /** Whether the endpoint has the world too, so that nothing else needs to be asked. */
  readonly alone: boolean;
  /** Where git pushes to; undefined where there is no one repository. */
  readonly remote: string | undefined;
}

/** Of what the settings are: a project, a group with everything in it, or everything. */
export type SettingsPlace = { readonly project: ProjectRow } | { readonly group: GroupRow } | "instance";

/** The settings for a place. `url` is where clients reach us, without a slash at the end. */
export async function clientSettings(
  registry: Registry,
  url: string,
  place: SettingsPlace,
  { hasWorld, gosumdb }: Offered,
): Promise<ClientSettings> {
  if (place !== "instance" && "project" in place) {
    const { project } = place;
    const goproxy = projectGoProxy(url, project.fullPath);
    const remote = `${url}/${project.fullPath}.git`;
    return { goproxy, gonosumdb: modulePathOf(registry, project), gosumdb, alone: false, remote };
  }
  const group = place === "instance" ? undefined : place.group;
  const hosts = [registry.moduleHost, ...(await formerModuleHosts(registry))];
  const hosted = group ? hosts.map((host) => `${host}/${group.fullPath}`) : hosts;
  const gonosumdb = [...hosted, ...(await declaredPrefixesIn(registry, group?.id))].join(",");
  const goproxy = group ? groupGoProxy(url, group.fullPath) : instanceGoProxy(url);
  const alone = hasWorld && (!group || isFlagOnForGroup(await loadFlags(registry), DEPENDENCY_PROXY, group));
  return { goproxy, gonosumdb, gosumdb, alone, remote: undefined };
}

/** The commands that tell go, for a shell. */
export function goLines({ goproxy, gonosumdb, gosumdb, alone }: ClientSettings): string[] {
  return [
    `go env -w GOPROXY='${goproxy}${alone ? "'" : `,'"$(go env GOPROXY)"`}`,
    gosumdb === undefined ? `go env -w GONOSUMDB='${gonosumdb}'` : `go env -w GOSUMDB='${gosumdb}' GONOSUMDB=`,
  ];
}

/** The lines of ~/.netrc: go looks for host and port, git and curl for the host alone. */
export function netrcLines(url: string, token = "YOUR_TOKEN"): string[] {
  const { host, hostname } = new URL(url);
  return [...new Set([host, hostname])].map((machine) => `machine ${machine} login gokura password ${token}`);
}
