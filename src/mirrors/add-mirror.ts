// Making a mirror, and which module path it serves. The modules of https://github.com/acme/lib are called github.com/acme/lib,
// so its mirror wants that prefix; and a prefix that a project has is taken over for everybody (module-owner.ts). So nobody but
// an administrator gives a mirror a prefix, unless the go command in direct mode would find this very repository for it: a host
// of which everybody knows the rule, or the go-import tags of the host, asked at this moment. And who takes the name of a
// repository that anybody may read must serve it to all who could have it from upstream. What was found is written to the audit
// trail.
import { Failure, isFailure } from "../errors.ts";
import { checkPath, type ModulePath } from "../gomod/module-path.ts";
import { isAdministrator } from "../registry/access/access.ts";
import { createMirror, type MadeMirror, type NewMirror } from "../registry/forge/mirrors.ts";
import { projectOfPrefix } from "../registry/forge/module-owner.ts";
import { demandProject } from "../registry/forge/projects.ts";
import { parseRemoteUrl } from "../registry/forge/remote-url.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { ProjectRow } from "../registry/rows.ts";
import { meansAbsence, repositoryOfPath } from "../upstream/import-path.ts";
import { WantsCredentials } from "./remote-refs.ts";
import type { Remotes } from "./remotes.ts";

export interface AskedMirror extends NewMirror {
  /** The prefix to serve; undefined: the one that the address suggests, if it may be had; "" or null: none. */
  readonly modulePrefix?: string | null | undefined;
}

export interface AddedMirror extends MadeMirror {
  /** Why no prefix was given although the address suggests one; for its owner. */
  readonly withoutPrefix?: string | undefined;
}

/** Has a project follow a remote repository, under the module path that is that repository's. Maintainers. */
export async function addMirror(
  registry: Registry,
  remotes: Remotes,
  principal: Principal,
  fullPath: string | number,
  { modulePrefix, ...input }: AskedMirror,
): Promise<AddedMirror> {
  const project = await demandProject(registry, principal, fullPath);
  const { url } = parseRemoteUrl(input.url);
  if (modulePrefix === null || modulePrefix === "") return createMirror(registry, principal, fullPath, input);
  if (modulePrefix !== undefined) {
    const evidence = isAdministrator(principal)
      ? "an administrator declared it"
      : await evidenceFor(registry, remotes, project, url, modulePrefix).catch(asRefusal);
    return createMirror(registry, principal, fullPath, { ...input, prefix: { path: modulePrefix, evidence } });
  }
  const suggested = project.modulePrefix === null ? suggestedPrefix(url) : undefined;
  if (suggested === undefined) return createMirror(registry, principal, fullPath, input);
  try {
    const evidence = await evidenceFor(registry, remotes, project, url, suggested);
    return await createMirror(registry, principal, fullPath, { ...input, prefix: { path: suggested, evidence } });
  } catch (error) {
    if (!(error instanceof NoEvidence)) throw error;
    return { ...(await createMirror(registry, principal, fullPath, input)), withoutPrefix: error.message };
  }
}

/** The module path that direct mode would begin with for a repository: host and path; undefined if that is none. */
function suggestedPrefix(url: string): string | undefined {
  const { host, pathname } = new URL(url);
  const path = `${host}${pathname.replace(/\.git$/, "")}`;
  return checkPath(path) === undefined ? path : undefined;
}

/** A prefix that only an administrator may give. */
class NoEvidence extends Error {}

function asRefusal(error: unknown): never {
  if (!(error instanceof NoEvidence)) throw error;
  throw new Failure("forbidden", `${error.message}; an administrator can declare it all the same`, {
    reason: "administrators_only",
  });
}

/** What shows that a prefix is this repository's, in words for the audit trail. Throws NoEvidence. */
async function evidenceFor(
  registry: Registry,
  { http, remoteRefs }: Remotes,
  project: ProjectRow,
  url: string,
  prefix: string,
): Promise<string> {
  const other = await projectOfPrefix(registry, prefix);
  if (other !== undefined && other !== project.id)
    throw new NoEvidence(`the prefix ${prefix} belongs to another project`);
  const found = await repositoryOfPath(http, prefix as ModulePath).catch((error: unknown) => {
    if (meansAbsence(error) || isFailure(error, "unavailable")) return undefined;
    throw error;
  });
  const isThis = found?.vcs === "git" && found.root === prefix && withoutGit(found.url) === withoutGit(url);
  if (!isThis || found.subdirectory !== undefined)
    throw new NoEvidence(`${prefix} is not served: direct mode finds ${found ? "something else" : "nothing"} for it`);
  const isPublic = await remoteRefs.read(url, undefined).then(
    () => true,
    (error: unknown) => {
      if (isFailure(error, "not-found") || error instanceof WantsCredentials) return false;
      throw new NoEvidence(`${prefix} is not served: ${(error as Error).message}`);
    },
  );
  const needed = registry.anonymousUpstream ? ["PUBLIC"] : ["PUBLIC", "INTERNAL"];
  if (isPublic && !needed.includes(project.visibility))
    throw new NoEvidence(
      `${prefix} is not served: anybody may read that repository, so its mirror would have to be ${needed.join(" or ").toLowerCase()}`,
    );
  return `direct mode finds ${found.url} for ${prefix}`;
}

/** Forges serve a repository with and without the ending. */
const withoutGit = (url: string): string => url.replace(/\.git$/, "");
