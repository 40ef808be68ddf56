// What go.mod files name, as far as it is stored and the principal may read it: modules by path, versions by path and
// version, and what they require, many at once. A path that a project has published is the project's alone (findModule):
// if it may not be read, it does not exist, even if the same path was fetched from upstream before.

import { everybodysTurn } from "../../concurrency/turns.ts";
import { Prisma } from "../../database/generated/client.ts";
import { readRows } from "../../database/sql.ts";
import {
  type ModuleRequirements,
  type ModuleVersionName,
  supportsPruning,
  type UnknownRequirements,
} from "../../gomod/module-graph.ts";
import { mayReadUpstream } from "../access/access.ts";
import { readableProjectsInSql } from "../access/access-conditions.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ModuleRow, VersionRow } from "../rows.ts";
import { isKeepable } from "../text.ts";
import { findModules } from "../versions/modules.ts";
import { readGoMod, readLargeGoMod } from "../versions/readable-go-mod.ts";
import { findVersionRows, goModsOf } from "../versions/version-rows.ts";

/** After so many bytes of go.mod files others get their turn: reading these takes about 20 ms. */
const BYTES_AT_ONCE = 256 * 1024;

/** A version by its name. */
export const versionName = ({ path, version }: ModuleVersionName): string => `${path}@${version}`;

/** The modules of these paths, by path. */
export async function readableModules(
  registry: Registry,
  principal: Principal,
  paths: readonly string[],
): Promise<Map<string, ModuleRow>> {
  if (paths.length === 0) return new Map();
  const rows = await readRows<{ id: number }>(
    registry.database.pool,
    Prisma.sql`SELECT m.id FROM unnest(${storable(paths)}::text[]) AS asked (path) ${moduleOf(registry, principal)}`,
  );
  const modules = await findModules(
    registry,
    rows.map(({ id }) => id),
  );
  return new Map(modules.map((module) => [module.path, module]));
}

/** The versions of these names, by name. */
export async function readableVersions(
  registry: Registry,
  principal: Principal,
  names: readonly ModuleVersionName[],
): Promise<Map<string, VersionRow>> {
  const found = await findIds(registry, principal, names);
  const rows = await findVersionRows(
    registry,
    found.map(({ id }) => id),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return new Map(found.flatMap(({ id, name }) => (byId.has(id) ? [[name, byId.get(id)!] as const] : [])));
}

/** What the go.mod files of these names require, by name, and how many bytes were read for it. */
export interface ReadRequirements {
  readonly found: ReadonlyMap<string, ModuleRequirements | UnknownRequirements>;
  readonly bytes: number;
}

/** Reads what versions require, from no more than `maxBytes` of go.mod files; what is beyond that is not in the answer. */
export async function requirementsByName(
  registry: Registry,
  principal: Principal,
  names: readonly ModuleVersionName[],
  maxBytes: number,
): Promise<ReadRequirements> {
  const found = new Map<string, ModuleRequirements | UnknownRequirements>();
  for (const name of names) found.set(versionName(name), "not stored");
  const unread: { readonly id: number; readonly name: string }[] = [];
  for (const version of await findIds(registry, principal, names)) {
    const known = registry.requirementMemory.get(version.id);
    if (known === undefined) unread.push(version);
    else found.set(version.name, known);
  }
  if (unread.length === 0) return { found, bytes: 0 };
  const goMods = await goModsOf(
    registry,
    unread.map(({ id }) => id),
    maxBytes,
  );
  let bytes = 0;
  for (const { id, name } of unread) {
    const goMod = goMods.get(id);
    if (goMod === undefined) found.delete(name);
    else if (goMod === null) found.set(name, "go.mod not stored");
    else {
      await readLargeGoMod(goMod);
      const read = requirementsIn(goMod);
      registry.requirementMemory.set(id, read);
      found.set(name, read);
      const before = bytes;
      bytes += goMod.length;
      if (Math.floor(before / BYTES_AT_ONCE) < Math.floor(bytes / BYTES_AT_ONCE)) await everybodysTurn();
    }
  }
  return { found, bytes };
}

function requirementsIn(goMod: Buffer): ModuleRequirements | UnknownRequirements {
  const { file } = readGoMod(goMod);
  if (!file) return "go.mod refused";
  const { module, go } = file;
  const requires = file.requires.map(({ path, version }) => ({ path, version }));
  return { modulePath: module?.path ?? "", requires, pruned: supportsPruning(go) };
}

async function findIds(
  registry: Registry,
  principal: Principal,
  names: readonly ModuleVersionName[],
): Promise<{ id: number; name: string }[]> {
  const asked = names.filter(({ path, version }) => storable([path, version]).length === 2);
  if (asked.length === 0) return [];
  const rows = await readRows<{ id: number; path: string; version: string }>(
    registry.database.pool,
    Prisma.sql`
    SELECT v.id, asked.path, asked.version
    FROM unnest(${asked.map(({ path }) => path)}::text[], ${asked.map(({ version }) => version)}::text[])
      AS asked (path, version) ${moduleOf(registry, principal)}
    JOIN module_version v ON v.module_id = m.id AND v.version = asked.version`,
  );
  return rows.map(({ id, path, version }) => ({ id, name: versionName({ path, version }) }));
}

/** Joins what is asked with the module `m` of its path, if that may be read. HOSTED before UPSTREAM, as the enum has them. */
function moduleOf(registry: Registry, principal: Principal): Prisma.Sql {
  return Prisma.sql`CROSS JOIN LATERAL (
      SELECT first.id FROM (
        SELECT id, project_id FROM module WHERE module.path = asked.path ORDER BY origin LIMIT 1) AS first
      LEFT JOIN project p ON p.id = first.project_id LEFT JOIN "group" g ON g.id = p.group_id
      WHERE ${readableInSql(registry, principal, "first", "asked")}) AS m`;
}

/** Whether the principal may read a module: about its `project_id` in one row, its `path` in another, its project and group. */
export function readableInSql(registry: Registry, principal: Principal, module: string, named: string): Prisma.Sql {
  const projectId = Prisma.raw(`${module}.project_id`);
  return Prisma.sql`(${mayReadUpstream(principal, registry)} AND ${projectId} IS NULL AND ${Prisma.raw(`${named}.path`)} <> ALL(${[...registry.privateModules.fetchedBefore]})
    OR ${projectId} IS NOT NULL AND ${readableProjectsInSql(principal)})`;
}

/** What no row can hold is the name of nothing. */
function storable(texts: readonly string[]): string[] {
  return texts.filter(isKeepable);
}
