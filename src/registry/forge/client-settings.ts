// What the go command must be told to get modules from here: which endpoint to ask, and who verifies what comes. Our own
// checksum database verifies everything where it knows the world too; else the public one is asked about what is not ours. GOPRIVATE is not the way: it would have go pass over the endpoint (Go Modules Reference, "Private modules").
import type { Registry } from "../registry.ts";
import type { ProjectRow } from "../rows.ts";
import { moduleRootsOf } from "./projects.ts";

/** The GOPROXY of one project. `url` is where clients reach us, without a slash at the end. */
export function projectGoProxy(url: string, fullPath: string): string {
  return `${url}/api/v4/projects/${encodeURIComponent(fullPath)}/packages/go`;
}

/** The GOPROXY of a group with all projects in it. */
export function groupGoProxy(url: string, fullPath: string): string {
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
