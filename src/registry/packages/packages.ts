// Packages, as GitLab calls what a package registry holds (doc/user/packages/package_registry): one package is one version
// of one module of a project. Its number is that of the version, its name the module path. Pseudo-versions are no packages,
// because nobody made them on purpose, nor are versions from upstream, which belong to no project. Lists of them are in package-lists.ts.
import { Prisma } from "../../database/generated/client.ts";
import { invalid } from "../../errors.ts";
import { demandAct, hidden, mayListModules } from "../access/access.ts";
import { change } from "../change.ts";
import { findProject } from "../forge/projects.ts";
import { inBounds, inOrder } from "../lists/first-of-each.ts";
import { type KeysetPage, keysetPages, type PageRequest } from "../lists/keyset-page.ts";
import { inOrderFound } from "../lists/of-each.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow, VersionRow } from "../rows.ts";
import { takeBack } from "../versions/version-deletion.ts";

/** The kinds of packages that GitLab knows. Of others than golang there are none here. */
export const PACKAGE_TYPES = [
  "golang",
  "maven",
  "npm",
  "conan",
  "nuget",
  "pypi",
  "composer",
  "generic",
  "debian",
  "rubygems",
  "helm",
  "terraform_module",
  "rpm",
  "ml_model",
] as const;
export type PackageType = (typeof PACKAGE_TYPES)[number];

/** The states that GitLab knows. A published version is `default`, whether it is retracted or not. */
export const PACKAGE_STATUSES = [
  "default",
  "hidden",
  "processing",
  "error",
  "pending_destruction",
  "deprecated",
] as const;
export type PackageStatus = (typeof PACKAGE_STATUSES)[number];

/** A package: the row of its version, and where it is. */
export interface PackageRow extends VersionRow {
  /** The number of its project. */
  readonly packageOf: number;
  /** The full path of its project. */
  readonly projectPath: string;
  /** The module path. */
  readonly packageName: string;
}

/** A package that the principal may read, with its project; undefined for others, and if there is none. */
export async function findPackage(
  registry: Registry,
  principal: Principal,
  id: number,
): Promise<{ package: PackageRow; project: ProjectRow } | undefined> {
  const row = await registry.prisma.moduleVersion.findUnique({ where: { id }, omit: { goMod: true, info: true } });
  const project = row?.packageOf == null ? undefined : await findProject(registry, row.packageOf);
  if (!row || !project || !mayListModules(principal, project)) return undefined;
  return { package: asPackage(row, project.fullPath), project };
}

/** A package that was found in a numbered list, and the full path of its project. */
export interface PackageInList {
  readonly list: number;
  readonly id: number;
  readonly path: string;
}

/** A package in a numbered list. */
export type Listed = PackageRow & { readonly list: number };

/** The other versions of the modules of packages, newest first in Go's order, by the package's number. */
export function otherVersionsOf(
  registry: Registry,
  packages: readonly PackageRow[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<PackageRow>>> {
  const known = new Map(packages.map((row) => [row.id, row]));
  return keysetPages<Listed, string>(request, [...known.keys()], {
    keyType: "string",
    order: "desc",
    key: (row) => row.sortKey,
    listOf: (row) => row.list,
    read: async (numbers, bounds, order, take) => {
      const modules = numbers.map((id) => known.get(id)!.moduleId);
      const paths = numbers.map((id) => known.get(id)!.projectPath);
      const conditions = inBounds(["sort_key"], bounds);
      const found = await registry.prisma.$queryRaw<PackageInList[]>`
        SELECT of.list, v.id, of.path FROM unnest(${[...numbers]}::int[], ${modules}::int[], ${paths}::text[]) AS of (list, module, path)
        CROSS JOIN LATERAL (SELECT id, sort_key FROM module_version WHERE module_id = of.module AND id <> of.list
          AND ${Prisma.join([Prisma.sql`package_of IS NOT NULL`, ...conditions], " AND ")}
          ORDER BY ${inOrder(["sort_key"], order)} LIMIT ${take}) AS v
        ORDER BY of.list, ${inOrder(["sort_key"], order)}`;
      return rowsOf(registry, found);
    },
  });
}

/** Packages that one request deletes at most. */
const DELETED_AT_ONCE = 20;

/**
 * Deletes packages, which is taking versions back for good (version-deletion.ts): all of them or none. Maintainers. Throws as
 * if there were none where the principal may not read one, and invalid for more than 20.
 */
export async function deletePackages(registry: Registry, principal: Principal, ids: readonly number[]): Promise<void> {
  if (ids.length === 0 || ids.length > DELETED_AT_ONCE)
    throw invalid(`1 to ${DELETED_AT_ONCE} packages are deleted at once, not ${ids.length}`);
  const packages: PackageRow[] = [];
  for (const id of new Set(ids)) {
    const found = await findPackage(registry, principal, id);
    if (!found) throw hidden(principal, "Package");
    demandAct(principal, "package.delete", found.project);
    packages.push(found.package);
  }
  await change(registry, "", async (tx) => {
    for (const row of packages)
      await takeBack(registry, tx, principal, { id: row.moduleId, path: row.packageName }, row);
  });
}

/** The rows that were found, in the order in which they were found. */
export async function rowsOf(registry: Registry, found: readonly PackageInList[]): Promise<Listed[]> {
  const rows = await registry.prisma.moduleVersion.findMany({
    where: { id: { in: found.map(({ id }) => id) } },
    omit: { goMod: true, info: true },
  });
  return inOrderFound(found, rows).map(({ list, path, ...row }) => ({ ...asPackage(row, path), list }));
}

function asPackage(row: VersionRow, projectPath: string): PackageRow {
  return { ...row, packageOf: row.packageOf!, packageName: row.packageName!, projectPath };
}
