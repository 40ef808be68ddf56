// Whose a module path is. Everything below the module host belongs to the project of that full path, and everything below a
// declared prefix to the project that declared it; of several the longest. Module hosts that were (module-hosts.ts) own what
// they owned. What somebody owns is never looked for elsewhere, so that nobody can slip a module of the same name in from
// outside (dependency confusion).
import type { Registry } from "../registry.ts";
import type { OwnRoot, ProjectRow } from "../rows.ts";
import { findProject } from "./projects.ts";

/** Projects are looked for this deep; full paths are no deeper. */
const MAX_SEGMENTS = 22;

/** The project that owns a module path; undefined when none does. Says nothing about who may see it. */
export async function ownerOf(registry: Registry, modulePath: string): Promise<ProjectRow | undefined> {
  const project = isBelow(modulePath, registry.moduleHost) ? await projectBelowHost(registry, modulePath) : undefined;
  if (project) return project;
  const root = (await ownRoots(registry)).find(({ prefix }) => isBelow(modulePath, prefix));
  if (root === undefined) return undefined;
  return root.projectId === null ? projectBelowHost(registry, modulePath) : findProject(registry, root.projectId);
}

/** Whether a module path is ours to answer, whether or not there is such a module. */
export async function isOwned(registry: Registry, modulePath: string): Promise<boolean> {
  return (await ownedNames(registry))(modulePath);
}

/** Tells of any number of module paths whether they are ours to answer. */
export async function ownedNames(registry: Registry): Promise<(modulePath: string) => boolean> {
  const roots = [registry.moduleHost, ...(await ownRoots(registry)).map(({ prefix }) => prefix)];
  return (modulePath) => roots.some((root) => isBelow(modulePath, root));
}

/** Whether a host's name was the module host once. */
export async function isFormerModuleHost(registry: Registry, host: string): Promise<boolean> {
  return (await ownRoots(registry)).some(({ prefix, projectId }) => projectId === null && prefix === host);
}

/** The number of the project that declared exactly this prefix. */
export async function projectOfPrefix(registry: Registry, prefix: string): Promise<number | undefined> {
  return (await ownRoots(registry)).find((root) => root.prefix === prefix)?.projectId ?? undefined;
}

/** The prefixes that projects declared, of a group, however deep in it, or of all; in their order. */
export async function declaredPrefixesIn(registry: Registry, groupId?: number): Promise<string[]> {
  const rows = await registry.prisma.project.findMany({
    where: {
      modulePrefix: { not: null },
      ...(groupId === undefined ? {} : { group: { traversalIds: { has: groupId } } }),
    },
    select: { modulePrefix: true },
    orderBy: { modulePrefix: "asc" },
  });
  return rows.map(({ modulePrefix }) => modulePrefix!);
}

async function projectBelowHost(registry: Registry, modulePath: string): Promise<ProjectRow | undefined> {
  const segments = modulePath.split("/").slice(1, MAX_SEGMENTS + 1);
  for (let depth = segments.length; depth >= 2; depth--) {
    const fullPath = segments.slice(0, depth).join("/");
    const project = await findProject(registry, fullPath);
    // Full paths are found in any case, module paths are what they are.
    if (project?.fullPath === fullPath) return project;
  }
  return undefined;
}

/** All declared prefixes, and the module hosts that were, longest first; remembered. */
function ownRoots(registry: Registry): Promise<readonly OwnRoot[]> {
  return registry.memory.remember(registry.memory.ownRoots, "all", async () => {
    const { rows } = await registry.database.pool.query<OwnRoot>(
      `SELECT module_prefix AS prefix, id AS "projectId" FROM project WHERE module_prefix IS NOT NULL
       UNION ALL SELECT host, NULL FROM module_host WHERE host <> $1`,
      [registry.moduleHost],
    );
    return rows.sort((a, b) => b.prefix.length - a.prefix.length);
  });
}

function isBelow(modulePath: string, root: string): boolean {
  return modulePath === root || modulePath.startsWith(`${root}/`);
}
