// What is in a project's repository: branches, tags and commits (doc/api/branches.md, tags.md, commits.md), read only. Names
// come from the refs that pushes recorded, commits from git. Whoever may read the code.
import * as z from "zod";
import { isFailure, notFound } from "../../errors.ts";
import { repositoryExists, repositoryOf } from "../../git/hosting/repositories-of-projects.ts";
import type { Commit } from "../../git/objects/commit.ts";
import type { Repository } from "../../git/objects/repository.ts";
import { resolveRevision } from "../../git/objects/revision.ts";
import { demandCode, mayAct } from "../../registry/access/access.ts";
import { demandCurrentProject } from "../../registry/forge/projects.ts";
import { tagProtection } from "../../registry/forge/protected-tags.ts";
import { type RefOrder, type RefRow, type RefSearch, searchRefs } from "../../registry/forge/ref-search.ts";
import type { NumberedPage, NumberedPageRequest } from "../../registry/lists/numbered-page.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { type CallRequest, call, listCall } from "./call.ts";
import { idOrPath, sorting, text } from "./parameter.ts";

const tag = "Repository";
const id = idOrPath("project");
const SHORT_DIGITS = 8;

const CommitSchema = z
  .object({
    id: z.string(),
    short_id: z.string(),
    title: z.string(),
    message: z.string(),
    author_name: z.string(),
    author_email: z.string(),
    authored_date: z.iso.datetime(),
    committer_name: z.string(),
    committer_email: z.string(),
    committed_date: z.iso.datetime(),
    created_at: z.iso.datetime(),
    parent_ids: z.array(z.string()),
    web_url: z.string(),
  })
  .meta({ id: "Commit" });

const Tag = z
  .object({
    name: z.string(),
    message: z.string().nullable(),
    target: z.string(),
    commit: CommitSchema.nullable().describe("null for a tag of something that is no commit"),
    protected: z.boolean(),
    release: z.null(),
  })
  .meta({ id: "Tag" });

const Branch = z
  .object({
    name: z.string(),
    commit: CommitSchema.nullable(),
    default: z.boolean(),
    protected: z.boolean(),
    can_push: z.boolean(),
    web_url: z.string(),
  })
  .meta({ id: "Branch" });

type OfProject = CallRequest<{ readonly id: number | string }>;

/** A project whose code the principal may read, and its repository; undefined while nothing was pushed. */
async function codeOf({ registry, principal, parameters, parts }: OfProject) {
  const project = demandCode(principal, await demandCurrentProject(registry, principal, parameters.id));
  const repository = (await repositoryExists(registry, project.id))
    ? await repositoryOf(registry, parts.hosted.repositories, project.id)
    : undefined;
  return { project, repository, isProtected: await tagProtection(registry, project.id) };
}

type Code = Awaited<ReturnType<typeof codeOf>>;

function commitAnswer(commit: Commit, project: ProjectRow, base: string): z.input<typeof CommitSchema> {
  const committed = commit.committer.time.toISOString();
  return {
    id: commit.oid,
    short_id: commit.oid.slice(0, SHORT_DIGITS),
    title: commit.message.split("\n", 1)[0]!,
    message: commit.message,
    author_name: commit.author.name,
    author_email: commit.author.email,
    authored_date: commit.author.time.toISOString(),
    committer_name: commit.committer.name,
    committer_email: commit.committer.email,
    committed_date: committed,
    created_at: committed,
    parent_ids: [...commit.parents],
    web_url: `${base}/${project.fullPath}/-/commit/${commit.oid}`,
  };
}

async function commitOf(repository: Repository | undefined, oid: string, project: ProjectRow, base: string) {
  const commit = await repository?.readCommit(oid);
  return commit ? commitAnswer(commit, project, base) : null;
}

/** How a tag or a branch is shown. */
type RefAnswer<A> = (ref: RefRow, code: Code, asked: OfProject) => Promise<A>;

const tagAnswer: RefAnswer<z.input<typeof Tag>> = async (ref, { project, repository, isProtected }, { base }) => ({
  name: ref.name,
  message: (ref.oid === ref.peeled ? undefined : await repository?.readTagMessage(ref.oid)) ?? null,
  target: ref.oid,
  commit: await commitOf(repository, ref.peeled, project, base),
  protected: isProtected(ref.name),
  release: null,
});

const branchAnswer: RefAnswer<z.input<typeof Branch>> = async (ref, { project, repository }, { base, principal }) => ({
  name: ref.name,
  commit: await commitOf(repository, ref.peeled, project, base),
  default: ref.name === project.defaultBranch,
  protected: false,
  can_push: mayAct(principal, "push", project) && !project.archived,
  web_url: `${base}/${project.fullPath}/-/tree/${ref.name}`,
});

async function readRefs<A>(
  asked: OfProject,
  search: RefSearch,
  order: RefOrder,
  numbered: NumberedPageRequest,
  answer: RefAnswer<A>,
): Promise<NumberedPage<A>> {
  const code = await codeOf(asked);
  const found = await searchRefs(asked.registry, asked.principal, code.project, search, order, numbered);
  return { ...found, rows: await Promise.all(found.rows.map((ref) => answer(ref, code, asked))) };
}

/** The one ref of a name. Throws not-found. */
async function readRef<A>(asked: OfProject, search: RefSearch, answer: RefAnswer<A>): Promise<A> {
  const [found] = (await readRefs(asked, search, BY_NAME, ONE, answer)).rows;
  if (!found) throw notFound(search.kind === "tags" ? "Tag Not Found" : "Branch Not Found");
  return found;
}

const ONE: NumberedPageRequest = { offset: 0, limit: 1, counted: false };
const BY_NAME: RefOrder = { by: "name", sort: "asc" };

const search = text().optional().describe("Part of the name; ^ in front: at the beginning, $ behind: at the end");

export const repositoryCalls = [
  listCall({
    path: "/projects/:id/repository/tags",
    tag,
    summary: "Tags of a project",
    scope: "api read",
    anonymous: true,
    parameters: {
      id,
      search,
      ...sorting(["name", "updated", "version"], { by: "updated", sort: "desc" }),
    },
    row: Tag,
    failures: [404],
    read: (asked, numbered) => {
      const { search: wanted, order_by: by, sort } = asked.parameters;
      return readRefs(asked, { kind: "tags", search: wanted }, { by, sort }, numbered, tagAnswer);
    },
  }),

  call({
    method: "GET",
    path: "/projects/:id/repository/tags/:tag_name",
    tag,
    summary: "A tag",
    scope: "api read",
    anonymous: true,
    parameters: { id, tag_name: text() },
    status: 200,
    answer: Tag,
    failures: [404],
    handle: (asked) => readRef(asked, { kind: "tags", name: asked.parameters.tag_name }, tagAnswer),
  }),

  listCall({
    path: "/projects/:id/repository/branches",
    tag,
    summary: "Branches of a project",
    scope: "api read",
    anonymous: true,
    parameters: { id, search },
    row: Branch,
    failures: [404],
    read: (asked, numbered) =>
      readRefs(asked, { kind: "branches", search: asked.parameters.search }, BY_NAME, numbered, branchAnswer),
  }),

  call({
    method: "GET",
    path: "/projects/:id/repository/branches/:branch",
    tag,
    summary: "A branch",
    scope: "api read",
    anonymous: true,
    parameters: { id, branch: text() },
    status: 200,
    answer: Branch,
    failures: [404],
    handle: (asked) => readRef(asked, { kind: "branches", name: asked.parameters.branch }, branchAnswer),
  }),

  listCall({
    path: "/projects/:id/repository/commits",
    tag,
    summary: "The commits that a branch, a tag or a commit reaches, newest first",
    scope: "api read",
    anonymous: true,
    parameters: { id, ref_name: text().optional().describe("Else the default branch") },
    row: CommitSchema,
    failures: [404],
    read: async (asked, { offset, limit }) => {
      const { project, repository } = await codeOf(asked);
      if (!repository || offset > MAX_HISTORY) return { rows: [], more: false, total: undefined };
      const { oid } = await commitNamed(repository, asked.parameters.ref_name ?? "HEAD");
      const oids = await repository.history(oid, offset, limit + 1);
      const rows = await Promise.all(oids.slice(0, limit).map((one) => commitOf(repository, one, project, asked.base)));
      return { rows: rows.flatMap((row) => row ?? []), more: oids.length > limit, total: undefined };
    },
  }),

  call({
    method: "GET",
    path: "/projects/:id/repository/commits/:sha",
    tag,
    summary: "A commit that a branch or a tag reaches, by its hash or the name of those",
    scope: "api read",
    anonymous: true,
    parameters: { id, sha: text() },
    status: 200,
    answer: CommitSchema,
    failures: [404],
    handle: async (asked) => {
      const { project, repository } = await codeOf(asked);
      const found = repository && (await commitNamed(repository, asked.parameters.sha));
      const answer = found && (await commitOf(repository, found.oid, project, asked.base));
      if (!answer) throw notFound("Commit Not Found");
      return answer;
    },
  }),
];

/** git counts what it skips in 32 bits. */
const MAX_HISTORY = 2_000_000_000;

async function commitNamed(repository: Repository, name: string): Promise<{ oid: string }> {
  try {
    return await resolveRevision(repository, name);
  } catch (error) {
    throw isFailure(error, "not-found") ? notFound("Commit Not Found") : error;
  }
}
