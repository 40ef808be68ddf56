// The repositories of an organisation at a forge, as its REST API lists them: GitHub's (of the cloud and of Enterprise Server),
// GitLab's, and Gitea's, which Forgejo has too. All pages are read, within bounds, through the guarded HTTP. A page may name the
// next one; on another host it is not followed, because our credentials go along.
// Sources: GitHub REST, "List organization repositories"; GitLab REST, "List a group's projects" (keyset pages); Gitea's
// swagger, orgListRepos (at most 50 on a page).
import * as z from "zod";
import type { Forge, Visibility } from "../database/generated/client.ts";
import { Failure, invalid, notFound } from "../errors.ts";
import { bytesOf } from "../upstream/bounded-body.ts";
import type { GuardedHttp } from "../upstream/guarded-http.ts";
import { gitHubApi } from "./github-app.ts";

const MAX_PAGE_BYTES = 32 * 1024 * 1024;
const MAX_PAGES = 500;
/** So much of a tree is looked through for a go.mod. */
const MAX_TREE_PAGES = 20;
const GITEA_PAGE = 50;

/** A repository of an organisation. */
export interface ForgeRepository {
  /** Its number there, which stays when it is renamed. */
  readonly externalId: string;
  /** Below the organisation; with the names of subgroups in GitLab. */
  readonly path: string;
  /** https, to clone from. */
  readonly cloneUrl: string;
  readonly visibility: Visibility;
  readonly archived: boolean;
  /** Undefined: nothing was pushed. */
  readonly defaultBranch: string | undefined;
}

/** An organisation elsewhere, by the address that people know. */
export interface Organization {
  readonly forge: Forge;
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
}

const default_branch = z.string().nullish();
const GitHubRepository = z.object({
  ...{ id: z.int(), name: z.string(), clone_url: z.string(), archived: z.boolean().optional(), default_branch },
  ...{ private: z.boolean(), visibility: z.enum(["public", "private", "internal"]).optional() },
});
const GitLabProject = z.object({
  ...{ id: z.int(), path_with_namespace: z.string(), http_url_to_repo: z.string(), default_branch },
  ...{ visibility: z.enum(["public", "private", "internal"]), archived: z.boolean().optional() },
});
const GiteaRepository = z.object({
  ...{ id: z.int(), name: z.string(), clone_url: z.string(), archived: z.boolean().optional(), default_branch },
  ...{ private: z.boolean(), internal: z.boolean().optional() },
});

const TreeEntry = z.object({ path: z.string() });
const Tree = z.object({ tree: z.array(TreeEntry), truncated: z.boolean().optional() });

/** Which software an address is of, as far as it can be told: by its name, or by what it answers. */
export async function forgeOf(http: GuardedHttp, url: string): Promise<Forge> {
  const { hostname, origin } = new URL(url);
  if (/(?:^|\.)github\./.test(hostname)) return "GITHUB";
  if (/(?:^|\.)gitlab\./.test(hostname)) return "GITLAB";
  const answer = await http.get(`${origin}/api/v1/version`, { maxBytes: 10_000 });
  const text = (await bytesOf(answer.body)).toString("utf8");
  return answer.status === 200 && /^\s*\{\s*"version"/.test(text) ? "GITEA" : "GITLAB";
}

/** All repositories of an organisation. Throws not-found when there is none, or none that the token may see. */
export async function repositoriesOf(http: GuardedHttp, organization: Organization): Promise<ForgeRepository[]> {
  const { forge, url } = organization;
  const { origin, pathname } = new URL(url);
  const name = pathname.replace(/^\/+|\/+$/g, "");
  if (name === "") throw invalid("name the organisation: https://HOST/NAME", "url");
  switch (forge) {
    case "GITHUB": {
      const api = gitHubApi(origin);
      const list = (kind: string) =>
        pages(http, organization, `${api}/${kind}/${name}/repos?per_page=100`, GitHubRepository);
      const rows = await list("orgs").catch(orElse(() => list("users")));
      return rows.map((row) => ({
        ...{ externalId: String(row.id), path: row.name, cloneUrl: row.clone_url },
        ...{ archived: row.archived ?? false, defaultBranch: row.default_branch || undefined },
        visibility: upper(row.visibility ?? (row.private ? "private" : "public")),
      }));
    }
    case "GITLAB": {
      const query = "include_subgroups=true&with_shared=false&order_by=id&sort=asc&pagination=keyset&per_page=100";
      const first = `${origin}/api/v4/groups/${encodeURIComponent(name)}/projects?${query}`;
      const rows = await pages(http, organization, first, GitLabProject);
      return rows.map((row) => ({
        externalId: String(row.id),
        path: row.path_with_namespace.toLowerCase().startsWith(`${name.toLowerCase()}/`)
          ? row.path_with_namespace.slice(name.length + 1)
          : row.path_with_namespace,
        ...{ cloneUrl: row.http_url_to_repo, visibility: upper(row.visibility) },
        ...{ archived: row.archived ?? false, defaultBranch: row.default_branch || undefined },
      }));
    }
    case "GITEA": {
      const list = (kind: string) => giteaPages(http, organization, `${origin}/api/v1/${kind}/${name}/repos`);
      const rows = await list("orgs").catch(orElse(() => list("users")));
      return rows.map((row) => ({
        ...{ externalId: String(row.id), path: row.name, cloneUrl: row.clone_url },
        ...{ archived: row.archived ?? false, defaultBranch: row.default_branch || undefined },
        visibility: row.private ? "PRIVATE" : row.internal ? "INTERNAL" : "PUBLIC",
      }));
    }
  }
}

/**
 * Whether a repository has a go.mod in any directory of its default branch, as the forge lists its tree: the language that
 * forges tell is that of most bytes. What cannot be told counts as yes.
 */
export async function mayHoldGo(
  http: GuardedHttp,
  organization: Organization,
  { externalId, path, defaultBranch }: ForgeRepository,
): Promise<boolean> {
  const { forge, url } = organization;
  const { origin, pathname } = new URL(url);
  if (defaultBranch === undefined) return false; // nothing was pushed
  const branch = encodeURIComponent(defaultBranch);
  const isGoMod = (file: { readonly path: string }): boolean => /(?:^|\/)go\.mod$/.test(file.path);
  try {
    if (forge === "GITLAB") {
      const query = `recursive=true&pagination=keyset&per_page=100&ref=${branch}`;
      let next: string | undefined = `${origin}/api/v4/projects/${externalId}/repository/tree?${query}`;
      for (let page = 0; next !== undefined && new URL(next).origin === origin; page++) {
        if (page === MAX_TREE_PAGES) return true;
        const answer: { rows: z.output<typeof TreeEntry>[]; next: string | undefined } = await pageAt(
          http,
          organization,
          next,
          TreeEntry,
        );
        if (answer.rows.some(isGoMod)) return true;
        next = answer.next;
      }
      return false;
    }
    const api = forge === "GITEA" ? `${origin}/api/v1` : gitHubApi(origin);
    const name = `${pathname.replace(/^\/+|\/+$/g, "")}/${path}`;
    const address = `${api}/repos/${name}/git/trees/${branch}?recursive=1`;
    const { tree, truncated } = Tree.parse(json((await answerAt(http, organization, address)).text));
    return truncated === true || tree.some(isGoMod);
  } catch (error) {
    if (error instanceof Failure || error instanceof z.ZodError) return true;
    throw error;
  }
}

const upper = <W extends string>(word: W): Uppercase<W> => word.toUpperCase() as Uppercase<W>;

/** What is no organisation may be a person, whose repositories are listed elsewhere. */
function orElse<T>(other: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    if (error instanceof Failure && error.kind === "not-found") return other();
    throw error;
  };
}

async function pages<T extends z.ZodType>(
  http: GuardedHttp,
  organization: Organization,
  first: string,
  row: T,
): Promise<z.output<T>[]> {
  const rows: z.output<T>[] = [];
  let next: string | undefined = first;
  for (let page = 0; next !== undefined; page++) {
    if (page >= MAX_PAGES) throw new Failure("too-large", `more than ${MAX_PAGES} pages of repositories`);
    const answer: { rows: z.output<T>[]; next: string | undefined } = await pageAt(http, organization, next, row);
    rows.push(...answer.rows);
    next = answer.next;
    if (next !== undefined && new URL(next).origin !== new URL(first).origin)
      throw new Failure("unavailable", "the next page of repositories is on another host, which is not asked");
  }
  return rows;
}

async function giteaPages(http: GuardedHttp, organization: Organization, address: string) {
  const rows: z.output<typeof GiteaRepository>[] = [];
  for (let page = 1; page <= MAX_PAGES; page++) {
    const answer = await pageAt(http, organization, `${address}?limit=${GITEA_PAGE}&page=${page}`, GiteaRepository);
    rows.push(...answer.rows);
    // A server may have smaller pages than are asked for: only one without rows is the last.
    if (answer.rows.length === 0) return rows;
  }
  throw new Failure("too-large", `more than ${MAX_PAGES} pages of repositories`);
}

/** The body of an answer that is 200, and where the next page is. */
async function answerAt(
  http: GuardedHttp,
  { forge, token }: Organization,
  url: string,
): Promise<{ text: string; next: string | undefined }> {
  const { host } = new URL(url);
  const scheme = forge === "GITEA" ? "token" : "Bearer";
  const answer = await http.get(url, {
    maxBytes: MAX_PAGE_BYTES,
    headers: { accept: "application/json", ...(token === undefined ? {} : { authorization: `${scheme} ${token}` }) },
  });
  const text = (await bytesOf(answer.body)).toString("utf8");
  if (answer.status === 404) throw notFound(`${host} has no such organisation, or none that the token may see`);
  if (answer.status !== 200)
    throw new Failure("unavailable", `${host} answered ${answer.status} when asked for the repositories`, {
      reason: "upstream_unavailable",
    });
  return { text, next: /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(answer.headers.link ?? ""))?.[1] };
}

async function pageAt<T extends z.ZodType>(
  http: GuardedHttp,
  organization: Organization,
  url: string,
  row: T,
): Promise<{ rows: z.output<T>[]; next: string | undefined }> {
  const { text, next } = await answerAt(http, organization, url);
  const parsed = z.array(row).safeParse(json(text));
  if (!parsed.success)
    throw new Failure(
      "unavailable",
      `${new URL(url).host} does not list repositories as ${organization.forge.toLowerCase()} does`,
      {
        ...{ reason: "upstream_unavailable", cause: parsed.error },
      },
    );
  return { rows: parsed.data, next };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
