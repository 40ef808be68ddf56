// Protected tags of projects (doc/api/protected_tags.md): who may push tags of which names. One level for each name; lists of
// users and groups (allowed_to_create) are of GitLab's paid tiers and not here.
import * as z from "zod";
import { MAINTAINER } from "../../registry/access/acts.ts";
import { demandProject } from "../../registry/forge/projects.ts";
import { demandProtectedTag, protectedTagsOf, protectTag, unprotectTag } from "../../registry/forge/protected-tags.ts";
import type { ProtectedTagRow } from "../../registry/rows.ts";
import { call, listCall } from "./call.ts";
import { idOrPath, integer, text } from "./parameter.ts";

const tag = "Protected tags";

const ProtectedTag = z
  .object({
    name: z.string(),
    create_access_levels: z.array(
      z.object({ id: z.int(), access_level: z.int(), access_level_description: z.string() }),
    ),
  })
  .meta({ id: "ProtectedTag" });

/** In GitLab's words. */
const DESCRIPTIONS = new Map([
  [0, "No one"],
  [30, "Developers + Maintainers"],
  [40, "Maintainers"],
]);

const id = idOrPath("project");
const name = text().describe("The name of a tag, in which * stands for any text");
const ONE = { id, name };

export const protectedTagCalls = [
  listCall({
    path: "/projects/:id/protected_tags",
    tag,
    summary: "The protected tags of a project",
    description: "Developers.",
    scope: "api read",
    parameters: { id },
    row: ProtectedTag,
    failures: [404],
    read: async ({ registry, principal, parameters }, numbered) => {
      const project = await demandProject(registry, principal, parameters.id);
      const found = await protectedTagsOf(registry, principal, project, numbered);
      return { ...found, rows: found.rows.map(protectedTagOf) };
    },
  }),
  call({
    method: "GET",
    path: "/projects/:id/protected_tags/:name",
    tag,
    summary: "A protected tag",
    description: "Developers.",
    scope: "api read",
    parameters: ONE,
    status: 200,
    answer: ProtectedTag,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const project = await demandProject(registry, principal, parameters.id);
      return protectedTagOf(await demandProtectedTag(registry, principal, project, parameters.name));
    },
  }),
  call({
    method: "POST",
    path: "/projects/:id/protected_tags",
    tag,
    summary: "Protect tags of a name",
    description: "Maintainers. Nobody moves or deletes such a tag by git.",
    scope: "api write",
    parameters: {
      ...ONE,
      create_access_level: integer()
        .pipe(z.literal([0, 30, 40]))
        .default(MAINTAINER)
        .describe("Who may push such a tag: 0 no one, 30 Developers, 40 Maintainers"),
    },
    status: 201,
    answer: ProtectedTag,
    failures: [404, 409],
    handle: async ({ registry, principal, parameters }) => {
      const { fullPath } = await demandProject(registry, principal, parameters.id);
      return protectedTagOf(
        await protectTag(registry, principal, fullPath, parameters.name, parameters.create_access_level),
      );
    },
  }),
  call({
    method: "DELETE",
    path: "/projects/:id/protected_tags/:name",
    tag,
    summary: "Unprotect tags of a name",
    description: "Maintainers.",
    scope: "api write",
    parameters: ONE,
    status: 204,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const { fullPath } = await demandProject(registry, principal, parameters.id);
      await unprotectTag(registry, principal, fullPath, parameters.name);
    },
  }),
];

function protectedTagOf(row: ProtectedTagRow): z.input<typeof ProtectedTag> {
  const level = row.createAccessLevel;
  return {
    name: row.name,
    create_access_levels: [
      { id: row.id, access_level: level, access_level_description: DESCRIPTIONS.get(level) ?? String(level) },
    ],
  };
}
