// Projects (doc/api/projects.md). The path of a project stays: module paths are made of it. Deleting answers 202 as GitLab
// does, and has been done by then.
import type * as z from "zod";
import { invalid } from "../../errors.ts";
import { changeProject } from "../../git/hosting/project-change.ts";
import { demandGroupAct, demandNamespaceSeen, demandUser, hidden } from "../../registry/access/access.ts";
import { findGroup, findGroupById } from "../../registry/forge/groups.ts";
import { searchProjects, wantedLevel } from "../../registry/forge/project-search.ts";
import {
  createProject,
  deleteProject,
  demandCurrentProject,
  demandProject,
  updateProject,
} from "../../registry/forge/projects.ts";
import { parseRemoteUrl } from "../../registry/forge/remote-url.ts";
import { findUserById } from "../../registry/forge/users.ts";
import type { NumberedPageRequest } from "../../registry/lists/numbered-page.ts";
import type { GroupRow, ProjectRow } from "../../registry/rows.ts";
import { type CallRequest, call, listCall } from "./call.ts";
import { nameOfWord } from "./group-answer.ts";
import { groupOfAddress } from "./group-calls.ts";
import { mirrorNewProject } from "./mirror-calls.ts";
import {
  boolean,
  choice,
  filteredLevel,
  idOrPath,
  integer,
  list,
  moment,
  numberOf,
  sorting,
  text,
  visibilityWord,
} from "./parameter.ts";
import { Project, projectAnswers } from "./project-answer.ts";

const tag = "Projects";
const id = idOrPath("project");

const filters = {
  search: text().optional().describe("Part of the name or path"),
  search_namespaces: boolean().optional().describe("Search the paths of groups, too"),
  visibility: visibilityWord().optional(),
  membership: boolean().optional().describe("Only projects of which one is a member"),
  owned: boolean().optional().describe("Only projects of which one is Owner"),
  min_access_level: filteredLevel().optional(),
  archived: boolean().optional(),
  topic: list(text()).optional().describe("Topics with commas in between: all of them"),
  last_activity_after: moment().optional(),
  last_activity_before: moment().optional(),
  simple: boolean().optional().describe("Ignored"),
  starred: boolean().optional().describe("true: nothing, for there are no stars"),
  statistics: boolean().optional().describe("Sizes, for Reporters"),
  ...sorting(["id", "name", "path", "created_at", "updated_at", "last_activity_at"], {
    by: "created_at",
    sort: "desc",
  }),
};

type Filters = z.output<z.ZodObject<typeof filters>>;

interface Within {
  readonly groupId?: number;
  readonly includeSubgroups?: boolean | undefined;
  readonly namespaceOf?: number;
}

async function readProjects(asked: CallRequest<Filters>, within: Within, numbered: NumberedPageRequest) {
  const { registry, principal, parameters } = asked;
  if (parameters.starred) return { rows: [], more: false, total: 0 };
  const filter = {
    ...within,
    search: parameters.search,
    searchNamespaces: parameters.search_namespaces,
    visibility: nameOfWord(parameters.visibility),
    minLevel: wantedLevel({ ...parameters, minLevel: parameters.min_access_level }),
    archived: parameters.archived,
    topics: parameters.topic,
    activeAfter: parameters.last_activity_after,
    activeBefore: parameters.last_activity_before,
  };
  const order = { by: parameters.order_by, sort: parameters.sort };
  const found = await searchProjects(registry, principal, filter, order, numbered);
  return { ...found, rows: await projectAnswers(asked, found.rows, parameters.statistics) };
}

async function oneProject(asked: CallRequest<unknown>, project: ProjectRow, withStatistics = false) {
  return (await projectAnswers(asked, [project], withStatistics))[0]!;
}

const settings = {
  description: text().optional(),
  package_registry_access_level: choice(["disabled", "private", "enabled", "public"])
    .optional()
    .describe("private: for members, from Reporter on; public means the same as enabled"),
  packages_enabled: boolean().optional().describe("The old name: false is disabled, true is enabled"),
  default_branch: text().optional(),
  topics: list(text()).optional(),
  tag_list: list(text()).optional().describe("The old name of topics"),
  list_refused: boolean()
    .optional()
    .describe("Lists as the go command's own, which hold tags that are then refused; forks are versions then"),
};

function settingsOf(parameters: z.output<z.ZodObject<typeof settings>>) {
  return {
    description: parameters.description,
    packages: nameOfWord(parameters.package_registry_access_level),
    defaultBranch: parameters.default_branch,
    topics: parameters.topics ?? parameters.tag_list,
    listRefused: parameters.list_refused,
  };
}

/** Where a new project goes: a group or a namespace by its number or path; else the namespace of the principal. */
async function namespaceFor(asked: CallRequest<{ namespace_id?: number | string | undefined }>): Promise<GroupRow> {
  const { registry, principal, parameters } = asked;
  const wanted = parameters.namespace_id ?? demandUser(principal).username;
  const found = typeof wanted === "number" ? await findGroupById(registry, wanted) : await findGroup(registry, wanted);
  return demandNamespaceSeen(principal, found);
}

/** A name as a path: "My Lib" -> "my-lib". */
function pathOfName(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9_.-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "")
    .toLowerCase();
}

/** The address that a new project is to follow; read before there is a project. */
function followedUrl(given: { import_url?: string | undefined; mirror?: boolean | undefined }): string | undefined {
  const { import_url: url, mirror } = given;
  if (url === undefined && !mirror) return undefined;
  if (url === undefined || !mirror)
    throw invalid(
      "import_url and mirror=true go together: what is imported once is pushed (git push --mirror)",
      "mirror",
    );
  parseRemoteUrl(url, "import_url");
  return url;
}

const archiving = (action: "archive" | "unarchive") =>
  call({
    method: "POST",
    path: `/projects/:id/${action}`,
    tag,
    summary: action === "archive" ? "Take no more pushes; Owners" : "Take pushes again; Owners",
    scope: "api write",
    parameters: { id },
    status: 201,
    answer: Project,
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      const project = await demandProject(registry, principal, parameters.id);
      const archived = action === "archive";
      return oneProject(asked, await updateProject(registry, principal, project.fullPath, { archived }));
    },
  });

export const projectCalls = [
  listCall({
    path: "/projects",
    tag,
    summary: "Projects that one may see",
    scope: "api read",
    anonymous: true,
    keyset: true,
    parameters: filters,
    row: Project,
    failures: [],
    read: (asked, numbered) => readProjects(asked, {}, numbered),
  }),

  listCall({
    path: "/groups/:id/projects",
    tag,
    summary: "The projects of a group that one may see",
    scope: "api read",
    anonymous: true,
    keyset: true,
    parameters: {
      id: idOrPath("group"),
      include_subgroups: boolean().optional(),
      with_shared: boolean().optional().describe("Ignored: nothing is shared"),
      ...filters,
    },
    row: Project,
    failures: [404],
    read: async (asked, numbered) => {
      const { registry, principal, parameters } = asked;
      const { id: groupId } = await groupOfAddress(registry, principal, parameters.id);
      return readProjects(asked, { groupId, includeSubgroups: parameters.include_subgroups }, numbered);
    },
  }),

  listCall({
    path: "/users/:id/projects",
    tag,
    summary: "The projects in the namespace of a user that one may see",
    scope: "api read",
    anonymous: true,
    keyset: true,
    parameters: { id: numberOf("user"), ...filters },
    row: Project,
    failures: [404],
    read: async (asked, numbered) => {
      const { registry, principal, parameters } = asked;
      const user = await findUserById(registry, parameters.id);
      if (!user) throw hidden(principal, "User");
      return readProjects(asked, { namespaceOf: user.id }, numbered);
    },
  }),

  call({
    method: "POST",
    path: "/projects",
    tag,
    summary: "Make a project; Developers of its group",
    description: "One of name and path is needed; the other is made of it.",
    scope: "api write",
    parameters: {
      name: text().optional(),
      path: text().optional(),
      namespace_id: integer().optional().describe("The number of its group; else it goes into one's own namespace"),
      visibility: visibilityWord().default("private"),
      repository_object_format: choice(["sha1", "sha256"]).optional().describe("Of the repository to come; for ever"),
      import_url: text().optional().describe("With mirror: the https address of the repository to follow"),
      mirror: boolean().optional().describe("Follow the repository of import_url; Maintainers of the group"),
      ...settings,
    },
    oneOf: ["name", "path"],
    status: 201,
    answer: Project,
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      const { name, path = pathOfName(name ?? "") } = parameters;
      if (path.includes("/")) throw invalid("must not contain slashes: name the group with namespace_id", "path");
      const namespace = await namespaceFor(asked);
      const followed = followedUrl(parameters);
      if (followed !== undefined) demandGroupAct(principal, "mirror.create", namespace);
      const enabled = parameters.packages_enabled === false ? ("DISABLED" as const) : undefined;
      const chosen = settingsOf(parameters);
      const project = await createProject(registry, principal, {
        ...chosen,
        packages: chosen.packages ?? enabled,
        fullPath: `${namespace.fullPath}/${path}`,
        name,
        visibility: nameOfWord(parameters.visibility),
        objectFormat: nameOfWord(parameters.repository_object_format),
      });
      if (followed === undefined) return oneProject(asked, project);
      await mirrorNewProject(asked, project.id, followed);
      return oneProject(asked, await demandProject(registry, principal, project.id));
    },
  }),

  call({
    method: "GET",
    path: "/projects/:id",
    tag,
    summary: "A project",
    scope: "api read",
    anonymous: true,
    parameters: {
      id,
      statistics: boolean().optional().describe("Sizes, for Reporters"),
      license: boolean().optional().describe("Ignored"),
    },
    status: 200,
    answer: Project,
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      const project = await demandCurrentProject(registry, principal, parameters.id);
      return oneProject(asked, project, parameters.statistics);
    },
  }),

  call({
    method: "PUT",
    path: "/projects/:id",
    tag,
    summary: "Change a project; Maintainers",
    scope: "api write",
    parameters: {
      id,
      name: text().optional(),
      path: text().optional().describe("Cannot be changed"),
      visibility: visibilityWord().optional(),
      ...settings,
    },
    clearable: ["description", "topics"],
    status: 200,
    answer: Project,
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      const project = await demandProject(registry, principal, parameters.id);
      const change = {
        ...settingsOf(parameters),
        packagesEnabled: parameters.packages_enabled,
        name: parameters.name,
        path: parameters.path,
        visibility: nameOfWord(parameters.visibility),
      };
      const { repositories } = asked.parts.hosted;
      return oneProject(asked, await changeProject(registry, repositories, principal, project.fullPath, change));
    },
  }),

  call({
    method: "DELETE",
    path: "/projects/:id",
    tag,
    summary: "Delete a project; Owners",
    scope: "api write",
    parameters: {
      id,
      permanently_remove: boolean().optional().describe("Ignored: it is gone at once"),
      full_path: text().optional().describe("Ignored"),
    },
    status: 202,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const project = await demandProject(registry, principal, parameters.id);
      await deleteProject(registry, principal, project.fullPath);
    },
  }),

  archiving("archive"),
  archiving("unarchive"),
];
