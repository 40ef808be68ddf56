// A group as the REST API shows one (doc/api/groups.md), and as a namespace (doc/api/namespaces.md).
import * as z from "zod";
import { namesFromTop } from "../../registry/forge/groups.ts";
import type { Quota, Usage } from "../../registry/forge/quotas.ts";
import type { Registry } from "../../registry/registry.ts";
import type { GroupRow } from "../../registry/rows.ts";

const visibility = z.enum(["private", "internal", "public"]);

export const Group = z
  .object({
    id: z.int(),
    name: z.string(),
    path: z.string(),
    full_path: z.string(),
    full_name: z.string(),
    parent_id: z.int().nullable(),
    description: z.string(),
    visibility,
    web_url: z.string(),
    avatar_url: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Group" });

export const GroupQuota = z
  .object({
    max_bytes: z.int().nullable().describe("null: as many as there is room for"),
    max_projects: z.int().nullable().describe("null: as many as it wants"),
    bytes: z.int().describe("Of repositories on the disk and zips of versions"),
    projects: z.int(),
  })
  .meta({ id: "GroupQuota" });

/** A quota, and what of it is taken. */
export function quotaAnswer({ maxBytes, maxProjects, bytes, projects }: Quota & Usage): z.input<typeof GroupQuota> {
  return { max_bytes: maxBytes, max_projects: maxProjects, bytes, projects };
}

export const Namespace = z
  .object({
    id: z.int(),
    name: z.string(),
    path: z.string(),
    kind: z.enum(["group", "user"]),
    full_path: z.string(),
    parent_id: z.int().nullable(),
    avatar_url: z.string().nullable(),
    web_url: z.string(),
  })
  .meta({ id: "Namespace" });

/** PRIVATE -> private. */
export function wordOf<W extends string>(name: W): Lowercase<W> {
  return name.toLowerCase() as Lowercase<W>;
}

/** private -> PRIVATE. */
export function nameOfWord<W extends string>(word: W | undefined): Uppercase<W> | undefined {
  return word?.toUpperCase() as Uppercase<W> | undefined;
}

export async function groupAnswers(
  registry: Registry,
  groups: readonly GroupRow[],
  base: string,
): Promise<z.input<typeof Group>[]> {
  const names = await namesFromTop(registry, groups);
  return groups.map((group) => ({
    id: group.id,
    name: group.name,
    path: group.path,
    full_path: group.fullPath,
    full_name: names.get(group.id)!.join(" / "),
    parent_id: group.parentId,
    description: group.description,
    visibility: wordOf(group.visibility),
    web_url: `${base}/groups/${group.fullPath}`,
    avatar_url: null,
    created_at: group.createdAt.toISOString(),
  }));
}

export function namespaceAnswer(group: GroupRow, base: string): z.input<typeof Namespace> {
  const kind = group.userId === null ? "group" : "user";
  return {
    id: group.id,
    name: group.name,
    path: group.path,
    kind,
    full_path: group.fullPath,
    parent_id: group.parentId,
    avatar_url: null,
    web_url: kind === "group" ? `${base}/groups/${group.fullPath}` : `${base}/${group.fullPath}`,
  };
}
