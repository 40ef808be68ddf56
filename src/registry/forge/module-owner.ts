// Whose a module path is. Everything below the module host belongs to the project of that full path, and everything below a
// declared prefix to the project that declared it; of several the longest. What somebody owns is never looked for elsewhere,
// so that nobody can slip a module of the same name in from outside (dependency confusion).
import type { Registry } from "../registry.ts";
import type { DeclaredPrefix, ProjectRow } from "../rows.ts";
import { findProject } from "./projects.ts";

/** Projects are looked for this deep; full paths are no deeper. */
const MAX_SEGMENTS = 22;

/** The project that owns a module path; undefined when none does. Says nothing about who may see it. */
export async function ownerOf(registry: Registry, modulePath: string): Promise<ProjectRow | undefined> {
  if (isBelow(modulePath, registry.moduleHost)) return projectBelowHost(registry, modulePath);
  const declared = (await declaredPrefixes(registry)).find(({ prefix }) => isBelow(modulePath, prefix));
  return declared && findProject(registry, declared.projectId);
}

/** Whether a module path is ours to answer, whether or not there is such a module. */
export async function isOwned(registry: Registry, modulePath: string): Promise<boolean> {
  return (await ownedNames(registry))(modulePath);
}

/** Tells of any number of module paths whether they are ours to answer. */
export async function ownedNames(registry: Registry): Promise<(modulePath: string) => boolean> {
  const roots = [registry.moduleHost, ...(await declaredPrefixes(registry)).map(({ prefix }) => prefix)];
  return (modulePath) => roots.some((root) => isBelow(modulePath, root));
}

/** The number of the project that declared exactly this prefix. */
export async function projectOfPrefix(registry: Registry, prefix: string): Promise<number | undefined> {
  return (await declaredPrefixes(registry)).find((declared) => declared.prefix === prefix)?.projectId;
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

/** All declared prefixes, longest first; remembered. */
function declaredPrefixes(registry: Registry): Promise<readonly DeclaredPrefix[]> {
  return registry.memory.remember(registry.memory.prefixes, "all", async () => {
    const { rows } = await registry.database.pool.query<DeclaredPrefix>(
      'SELECT module_prefix AS prefix, id AS "projectId" FROM project WHERE module_prefix IS NOT NULL',
    );
    return rows.sort((a, b) => b.prefix.length - a.prefix.length);
  });
}

function isBelow(modulePath: string, root: string): boolean {
  return modulePath === root || modulePath.startsWith(`${root}/`);
}
