// Which repository a module path names. Of a few hosts everybody knows; a path with `.git` in it says so itself; every other
// host is asked, as the go command asks: GET https://{path}?go-get=1, where the page's head says
//
//   <meta name="go-import" content="{root} {vcs} {url}">
//   <meta name="go-import" content="{root} {vcs} {url} {sub-directory}">      since go 1.25
//
// A page may speak for a root above the path; then the root is asked too, and must say the same, so that nobody claims a
// path that is not his. With vcs `mod`, the URL is that of a Go proxy.
// Sources: Go Modules Reference, "Finding a repository for a module path"; cmd/go/internal/vcs (vcs.go, repoRootFromVCSPaths,
// repoRootForImportDynamic, validateRepoSubDir, matchGoImport; discovery.go, parseMetaGoImports).
import { Failure, isFailure, notFound } from "../errors.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { bytesOf } from "./bounded-body.ts";
import type { GuardedHttp } from "./guarded-http.ts";

/** The head of a page is short. */
const MAX_PAGE_BYTES = 1024 * 1024;
const PAGE_TIMEOUT_MS = 30_000;

/** Where modules are: a git repository, or (`mod`) a Go proxy. */
export interface RepositoryRoot {
  readonly vcs: "git" | "mod";
  /** The module path of the root. */
  readonly root: string;
  /** https, without a slash at the end. */
  readonly url: string;
  /** Where in the repository the root is; undefined: it is the repository's own. */
  readonly subdirectory?: string | undefined;
}

export interface GoImport {
  readonly prefix: string;
  readonly vcs: string;
  readonly url: string;
  readonly subdirectory: string | undefined;
}

/** Finds the repository of a module. Throws not-found when there is none that we can read, unavailable when nobody answers. */
export async function repositoryOfPath(
  http: GuardedHttp,
  modulePath: ModulePath,
  signal?: AbortSignal,
): Promise<RepositoryRoot> {
  return knownRoot(modulePath) ?? (await askedRoot(http, modulePath, signal));
}

/** The root that the path alone tells. */
export function knownRoot(modulePath: string): RepositoryRoot | undefined {
  const byHost = /^(?:github\.com|bitbucket\.org)\/[\w.-]+\/[\w.-]+(?=\/|$)/.exec(modulePath)?.[0];
  if (byHost !== undefined) return { vcs: "git", root: byHost, url: `https://${byHost.replace(/\.git$/, "")}` };
  const byName = /^[a-z0-9.-]+\.[a-z]+(?:\/[\w.-]+)*?\/[\w.-]+?\.git(?=\/|$)/.exec(modulePath)?.[0];
  return byName === undefined ? undefined : { vcs: "git", root: byName, url: `https://${byName}` };
}

async function askedRoot(http: GuardedHttp, modulePath: string, signal?: AbortSignal): Promise<RepositoryRoot> {
  const found = matchGoImport(await importsAt(http, modulePath, signal), modulePath);
  if (found.prefix !== modulePath) {
    const own = matchGoImport(await importsAt(http, found.prefix, signal), modulePath);
    const isSame =
      own.prefix === found.prefix &&
      own.vcs === found.vcs &&
      own.url === found.url &&
      own.subdirectory === found.subdirectory;
    if (!isSame) throw notFound(`${modulePath}: https://${found.prefix} does not say the same of itself (go-import)`);
  }
  if (found.vcs !== "git" && found.vcs !== "mod")
    throw notFound(`${modulePath} is kept in ${found.vcs.slice(0, 20)}; only git repositories are read`);
  if (/^[/-]/.test(found.subdirectory ?? ""))
    throw notFound(`${modulePath}: its go-import names a directory that is none: no slash and no hyphen may begin it`);
  const url = URL.canParse(found.url) ? new URL(found.url) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.search !== "" || url.hash !== "")
    throw notFound(`${modulePath}: its go-import leads to something else than an https URL`);
  const { subdirectory } = found;
  return { vcs: found.vcs, root: found.prefix, url: url.href.replace(/\/+$/, ""), subdirectory };
}

async function importsAt(http: GuardedHttp, path: string, signal?: AbortSignal): Promise<GoImport[]> {
  const answer = await http.get(`https://${path}?go-get=1`, {
    maxBytes: MAX_PAGE_BYTES,
    totalTimeoutMs: PAGE_TIMEOUT_MS,
    signal,
  });
  const page = await bytesOf(answer.body);
  const imports = goImportsIn(page.toString("utf8"));
  // Any status will do as long as the page says something.
  if (imports.length === 0 && answer.status !== 200) {
    if (answer.status === 404 || answer.status === 410) throw notFound(`${path}: no go-import (${answer.status})`);
    throw new Failure("unavailable", `${path.split("/")[0]} answered ${answer.status}`, {
      reason: "upstream_unavailable",
    });
  }
  return imports;
}

/** The go-import tags in the head of a page. */
export function goImportsIn(page: string): GoImport[] {
  const head = page.replace(/<!--[\s\S]*?-->/g, "").split(/<body[\s>]|<\/head>/i, 1)[0] ?? "";
  const imports: GoImport[] = [];
  for (const [tag] of head.matchAll(/<meta\s[^>]*>/gi)) {
    const attribute = (name: string): string => {
      const [, double, single, bare] =
        new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>"']+))`, "i").exec(tag) ?? [];
      return withoutReferences(double ?? single ?? bare ?? "");
    };
    if (attribute("name") !== "go-import") continue;
    const [prefix, vcs, url, subdirectory, ...rest] = attribute("content").trim().split(/\s+/);
    if (prefix && vcs && url && rest.length === 0) imports.push({ prefix, vcs, url, subdirectory });
  }
  return imports;
}

const NAMED: Readonly<Record<string, string>> = { amp: "&", apos: "'", gt: ">", lt: "<", quot: '"' };

/** A value with its character references as what they stand for, those that encoding/xml knows: some programs write each `/` so. */
function withoutReferences(value: string): string {
  return value.replace(
    /&(?:(amp|apos|gt|lt|quot)|#(\d{1,9})|#x([0-9A-Fa-f]{1,8}));/g,
    (reference, name, decimal, hexadecimal) => {
      if (name !== undefined) return NAMED[name as string]!;
      const code = decimal === undefined ? Number.parseInt(hexadecimal as string, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : (reference as string);
    },
  );
}

/** The one tag that speaks for a path. Of proxies and repositories the proxy is meant. */
export function matchGoImport(imports: readonly GoImport[], path: string): GoImport {
  const matching = imports.filter(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));
  const proxies = matching.filter(({ vcs }) => vcs === "mod");
  const [found, ...more] = proxies.length > 0 ? proxies : matching;
  if (!found) throw notFound(`${path}: no go-import says where it is`);
  if (more.length > 0) throw notFound(`${path}: several go-import tags speak for it`);
  return found;
}

/** Whether a failure of the search means that there is nothing. */
export const meansAbsence = (error: unknown): error is Failure => isFailure(error, "not-found", "invalid", "too-large");
