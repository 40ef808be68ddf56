// Groups and namespaces (doc/api/groups.md, namespaces.md). The path of a group stays: module paths are made of it.
import type * as z from "zod";
import { invalid } from "../../errors.ts";
import { demandGroupSeen, demandNamespaceSeen } from "../../registry/access/access.ts";
import {
  createGroup,
  deleteGroup,
  findGroup,
  findGroupById,
  searchGroups,
  updateGroup,
} from "../../registry/forge/groups.ts";
import { wantedLevel } from "../../registry/forge/project-search.ts";
import { quotaOf, setQuota } from "../../registry/forge/quotas.ts";
import type { NumberedPageRequest } from "../../registry/lists/numbered-page.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { GroupRow } from "../../registry/rows.ts";
import { type CallRequest, call, listCall } from "./call.ts";
import {
  Group,
  GroupQuota,
  groupAnswers,
  Namespace,
  nameOfWord,
  namespaceAnswer,
  quotaAnswer,
} from "./group-answer.ts";
import { boolean, filteredLevel, idOrPath, integer, list, sorting, text, visibilityWord } from "./parameter.ts";

const tag = "Groups";
const id = idOrPath("group");

/** The group of an address, if the principal may see it; the namespace of a user is none. */
export async function groupOfAddress(
  registry: Registry,
  principal: Principal,
  wanted: number | string,
): Promise<GroupRow> {
  const found = typeof wanted === "number" ? await findGroupById(registry, wanted) : await findGroup(registry, wanted);
  return demandGroupSeen(principal, found?.userId === null ? found : undefined);
}

const filters = {
  search: text().optional().describe("Part of the name or path"),
  owned: boolean().optional().describe("Only groups of which one is Owner"),
  min_access_level: filteredLevel().optional(),
  top_level_only: boolean().optional(),
  all_available: boolean().optional().describe("false: only groups of which one is a member"),
  skip_groups: list(integer()).optional(),
  visibility: visibilityWord().optional(),
  statistics: boolean().optional().describe("Ignored"),
  ...sorting(["name", "path", "id"], { by: "name", sort: "asc" }),
};

type Filters = z.output<z.ZodObject<typeof filters>>;

async function readGroups(
  { registry, principal, parameters, base }: CallRequest<Filters>,
  within: { readonly parentId?: number; readonly below?: number },
  numbered: NumberedPageRequest,
) {
  const filter = {
    ...within,
    search: parameters.search,
    topLevelOnly: parameters.top_level_only,
    skip: parameters.skip_groups,
    visibility: nameOfWord(parameters.visibility),
    minLevel: wantedLevel({
      owned: parameters.owned,
      membership: parameters.all_available === false,
      minLevel: parameters.min_access_level,
    }),
  };
  const order = { by: parameters.order_by, sort: parameters.sort };
  const found = await searchGroups(registry, principal, filter, order, numbered);
  return { ...found, rows: await groupAnswers(registry, found.rows, base) };
}

async function oneGroup({ registry, base }: CallRequest<unknown>, group: GroupRow): Promise<z.input<typeof Group>> {
  return (await groupAnswers(registry, [group], base))[0]!;
}

const below = (path: "subgroups" | "descendant_groups", summary: string) =>
  listCall({
    path: `/groups/:id/${path}`,
    tag,
    summary,
    scope: "api read",
    anonymous: true,
    keyset: true,
    parameters: { id, ...filters },
    row: Group,
    failures: [404],
    read: async (asked, numbered) => {
      const group = await groupOfAddress(asked.registry, asked.principal, asked.parameters.id);
      return readGroups(asked, path === "subgroups" ? { parentId: group.id } : { below: group.id }, numbered);
    },
  });

export const groupCalls = [
  listCall({
    path: "/groups",
    tag,
    summary: "Groups that one may see",
    scope: "api read",
    anonymous: true,
    keyset: true,
    parameters: filters,
    row: Group,
    failures: [],
    read: (asked, numbered) => readGroups(asked, {}, numbered),
  }),

  call({
    method: "POST",
    path: "/groups",
    tag,
    summary: "Make a group; whoever makes it is its Owner",
    scope: "api write",
    parameters: {
      name: text(),
      path: text(),
      parent_id: integer().optional().describe("The group that it is to be in"),
      visibility: visibilityWord().default("private"),
      description: text().optional(),
    },
    status: 201,
    answer: Group,
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      const { name, path, parent_id: parentId, description } = parameters;
      if (path.includes("/"))
        throw invalid("must not contain slashes: name the group around it with parent_id", "path");
      const parent = parentId === undefined ? undefined : await groupOfAddress(registry, principal, parentId);
      const fullPath = parent ? `${parent.fullPath}/${path}` : path;
      const visibility = nameOfWord(parameters.visibility);
      return oneGroup(asked, await createGroup(registry, principal, { fullPath, name, description, visibility }));
    },
  }),

  call({
    method: "GET",
    path: "/groups/:id",
    tag,
    summary: "A group",
    scope: "api read",
    anonymous: true,
    parameters: { id, with_projects: boolean().optional().describe("Ignored") },
    status: 200,
    answer: Group,
    failures: [404],
    handle: async (asked) =>
      oneGroup(asked, await groupOfAddress(asked.registry, asked.principal, asked.parameters.id)),
  }),

  call({
    method: "PUT",
    path: "/groups/:id",
    tag,
    summary: "Change a group; Owners",
    scope: "api write",
    parameters: {
      id,
      name: text().optional(),
      path: text().optional().describe("Cannot be changed"),
      description: text().optional(),
      visibility: visibilityWord().optional(),
    },
    clearable: ["description"],
    status: 200,
    answer: Group,
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      const group = await groupOfAddress(registry, principal, parameters.id);
      const { name, path, description } = parameters;
      const visibility = nameOfWord(parameters.visibility);
      return oneGroup(
        asked,
        await updateGroup(registry, principal, group.fullPath, { name, path, description, visibility }),
      );
    },
  }),

  call({
    method: "GET",
    path: "/groups/:id/quota",
    tag,
    summary: "What a group and all below it may hold, and do; Owners",
    scope: "api read",
    parameters: { id },
    status: 200,
    answer: GroupQuota,
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      return quotaAnswer(await quotaOf(registry, principal, await groupOfAddress(registry, principal, parameters.id)));
    },
  }),

  call({
    method: "PUT",
    path: "/groups/:id/quota",
    tag,
    summary: "Set what a group and all below it may hold; administrators",
    scope: "api write",
    parameters: {
      id,
      max_bytes: integer().optional().describe("Bytes of repositories and zips; empty: as many as there is room for"),
      max_projects: integer().optional().describe("Empty: as many as it wants"),
    },
    clearable: ["max_bytes", "max_projects"],
    status: 200,
    answer: GroupQuota,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const group = await groupOfAddress(registry, principal, parameters.id);
      const { max_bytes: maxBytes, max_projects: maxProjects } = parameters;
      await setQuota(registry, principal, group.fullPath, { maxBytes, maxProjects });
      return quotaAnswer(await quotaOf(registry, principal, group));
    },
  }),

  call({
    method: "DELETE",
    path: "/groups/:id",
    tag,
    summary: "Delete a group with everything in it; Owners",
    scope: "api write",
    parameters: {
      id,
      permanently_remove: boolean().optional().describe("Ignored: it is gone at once"),
      full_path: text().optional().describe("Ignored"),
    },
    status: 202,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const group = await groupOfAddress(registry, principal, parameters.id);
      await deleteGroup(registry, principal, group.fullPath);
    },
  }),

  below("subgroups", "The groups directly in a group"),
  below("descendant_groups", "All groups below a group"),

  listCall({
    path: "/namespaces",
    tag,
    summary: "Where projects can be: groups, and the own namespace",
    scope: "api read",
    parameters: { search: text().optional() },
    row: Namespace,
    failures: [],
    read: async ({ registry, principal, parameters, base }, numbered) => {
      const filter = { search: parameters.search, withOwnNamespace: true };
      const found = await searchGroups(registry, principal, filter, { by: "id", sort: "asc" }, numbered);
      return { ...found, rows: found.rows.map((group) => namespaceAnswer(group, base)) };
    },
  }),

  call({
    method: "GET",
    path: "/namespaces/:id",
    tag,
    summary: "A namespace, by its number or path",
    scope: "api read",
    parameters: { id },
    status: 200,
    answer: Namespace,
    failures: [404],
    handle: async ({ registry, principal, parameters, base }) => {
      const wanted = parameters.id;
      const found =
        typeof wanted === "number" ? await findGroupById(registry, wanted) : await findGroup(registry, wanted);
      return namespaceAnswer(demandNamespaceSeen(principal, found), base);
    },
  }),
];
