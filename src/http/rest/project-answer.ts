// A project as the REST API shows one (doc/api/projects.md). A page of them costs three statements beside its rows,
// however many there are.
import * as z from "zod";
import { mayAct } from "../../registry/access/access.ts";
import { namesFromTop } from "../../registry/forge/groups.ts";
import { extentsOf } from "../../registry/forge/project-search.ts";
import { packageSettingOf } from "../../registry/forge/projects.ts";
import type { Principal } from "../../registry/principal.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import type { CallRequest } from "./call.ts";
import { Namespace, namespaceAnswer, wordOf } from "./group-answer.ts";

const Access = z.object({ access_level: z.int(), notification_level: z.int() }).nullable();
/** GitLab's word for "as set for everything". */
const GLOBAL_NOTIFICATION = 3;

export const Project = z
  .object({
    id: z.int(),
    name: z.string(),
    path: z.string(),
    description: z.string(),
    path_with_namespace: z.string(),
    name_with_namespace: z.string(),
    visibility: z.enum(["private", "internal", "public"]),
    archived: z.boolean(),
    mirror: z.boolean(),
    empty_repo: z.boolean(),
    created_at: z.iso.datetime(),
    last_activity_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    default_branch: z.string().nullable(),
    web_url: z.string(),
    http_url_to_repo: z.string(),
    ssh_url_to_repo: z.string().nullable(),
    readme_url: z.string().nullable(),
    packages_enabled: z.boolean(),
    package_registry_access_level: z.enum(["disabled", "private", "enabled", "public"]),
    creator_id: z.int().nullable(),
    topics: z.array(z.string()),
    tag_list: z.array(z.string()),
    list_refused: z.boolean(),
    repository_object_format: z.enum(["sha1", "sha256"]),
    shared_with_groups: z.array(z.never()),
    namespace: Namespace,
    permissions: z.object({ project_access: Access, group_access: Access }),
    _links: z.object({ self: z.string(), members: z.string() }),
    statistics: z.object({ packages_size: z.int() }).optional(),
  })
  .meta({ id: "Project" });

export async function projectAnswers(
  { registry, principal, base }: CallRequest<unknown>,
  projects: readonly ProjectRow[],
  withStatistics = false,
): Promise<z.input<typeof Project>[]> {
  const groups = [...new Map(projects.map(({ group }) => [group.id, group])).values()];
  const names = await namesFromTop(registry, groups);
  const extents = await extentsOf(registry, projects, withStatistics);
  return projects.map((project) => {
    const { group } = project;
    const extent = extents.get(project.id)!;
    const webUrl = `${base}/${project.fullPath}`;
    const self = `${base}/api/v4/projects/${project.id}`;
    const setting = packageSettingOf(project);
    return {
      id: project.id,
      name: project.name,
      path: project.path,
      description: project.description,
      path_with_namespace: project.fullPath,
      name_with_namespace: [...names.get(group.id)!, project.name].join(" / "),
      visibility: wordOf(project.visibility),
      archived: project.archived,
      mirror: project.mirrored,
      empty_repo: extent.empty,
      created_at: project.createdAt.toISOString(),
      last_activity_at: project.lastActivityAt.toISOString(),
      updated_at: project.updatedAt.toISOString(),
      default_branch: project.defaultBranch,
      web_url: webUrl,
      http_url_to_repo: `${webUrl}.git`,
      ssh_url_to_repo: null,
      readme_url: null,
      packages_enabled: setting !== "DISABLED",
      package_registry_access_level: wordOf(setting),
      creator_id: project.creatorId,
      topics: project.topics,
      tag_list: project.topics,
      list_refused: project.listRefused,
      repository_object_format: wordOf(project.objectFormat),
      shared_with_groups: [],
      namespace: namespaceAnswer(group, base),
      permissions: permissionsOf(principal, project),
      _links: { self, members: `${self}/members` },
      ...(withStatistics && mayAct(principal, "statistics.read", project)
        ? { statistics: { packages_size: extent.packagesSize ?? 0 } }
        : {}),
    };
  });
}

/** What the principal is, directly and by groups; administrators, too, only what they are as members. */
function permissionsOf(principal: Principal, project: ProjectRow) {
  const { groups, projects } =
    principal.kind === "user"
      ? principal.memberships
      : { groups: new Map<number, number>(), projects: new Map<number, number>() };
  const access = (level: number) =>
    level === 0 ? null : { access_level: level, notification_level: GLOBAL_NOTIFICATION };
  return {
    project_access: access(projects.get(project.id) ?? 0),
    group_access: access(Math.max(0, ...project.group.traversalIds.map((id) => groups.get(id) ?? 0))),
  };
}
