// Importing an organisation: a plan of what would be made, and doing it. Each repository becomes a mirror below a group, known by
// its number at the forge: renamed there, it stays the same project here (whose path cannot change, because module paths are made
// of it) and follows the new address. What is gone there is told and stays. A project is never more visible than the repository
// or the group around it, and becomes less so when the repository does. The repositories themselves are fetched by the server, as
// the looks of all mirrors are.
import type { Visibility } from "../database/generated/client.ts";
import { isFailure } from "../errors.ts";
import { splitFullPath } from "../registry/forge/full-path.ts";
import { createGroup, findGroup } from "../registry/forge/groups.ts";
import { importedMirrors, rememberImport } from "../registry/forge/import-sources.ts";
import { updateMirror } from "../registry/forge/mirrors.ts";
import { createProject, findProject, updateProject } from "../registry/forge/projects.ts";
import { type GitHubApp, parseRemoteUrl, type RemoteCredential } from "../registry/forge/remote-url.ts";
import { narrower } from "../registry/forge/visibility.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { GroupRow, MirrorRow } from "../registry/rows.ts";
import { addMirror } from "./add-mirror.ts";
import { type ForgeRepository, mayHoldGo, type Organization, repositoriesOf } from "./forge-repositories.ts";
import type { Remotes } from "./remotes.ts";

/** What would become of a repository. */
export interface PlannedImport {
  readonly repository: Pick<ForgeRepository, "externalId" | "path" | "cloneUrl">;
  /** The project that it is, or would be. */
  readonly project: string;
  readonly visibility: Visibility;
  /** `gone`: no longer there; the project stays. */
  readonly action: "new" | "known" | "renamed" | "narrowed" | "skipped" | "gone";
  /** Why it is skipped, or what could not be done. */
  readonly why?: string | undefined;
}

export interface ImportOptions {
  /** Archived repositories too. */
  readonly archived: boolean;
  /** Only those that have a go.mod on their default branch. */
  readonly onlyGo: boolean;
}

/** What an import would do, in the order of the paths. */
export async function planImport(
  registry: Registry,
  remotes: Remotes,
  group: GroupRow,
  organization: Organization,
  options: ImportOptions,
): Promise<PlannedImport[]> {
  const repositories = await repositoriesOf(remotes.http, organization);
  const known = await importedMirrors(registry, group, organization.url);
  const planned: PlannedImport[] = [];
  for (const repository of repositories) {
    const mirror = known.get(repository.externalId);
    known.delete(repository.externalId);
    const one = mirror ? plannedAgain(repository, mirror) : await plannedAnew(registry, group, repository, options);
    const isOther =
      one.action === "new" && options.onlyGo && !(await mayHoldGo(remotes.http, organization, repository));
    planned.push(isOther ? { ...one, action: "skipped", why: "no go.mod is on its default branch" } : one);
  }
  for (const [externalId, mirror] of known)
    planned.push({
      repository: { externalId, path: "", cloneUrl: mirror.url },
      ...{ project: mirror.project.fullPath, visibility: mirror.project.visibility, action: "gone" },
      why: "the forge does not list it any more; what is here stays",
    });
  return planned.sort((a, b) => (a.project < b.project ? -1 : 1));
}

function plannedAgain(repository: ForgeRepository, mirror: MirrorRow): PlannedImport {
  const { project } = mirror;
  const visibility = narrower(repository.visibility, project.visibility);
  const isRenamed = parseRemoteUrl(repository.cloneUrl).url !== mirror.url;
  const action = isRenamed ? "renamed" : visibility !== project.visibility ? "narrowed" : "known";
  return { repository, project: project.fullPath, visibility, action };
}

async function plannedAnew(
  registry: Registry,
  group: GroupRow,
  repository: ForgeRepository,
  { archived }: ImportOptions,
): Promise<PlannedImport> {
  const project = `${group.fullPath}/${repository.path}`;
  const planned = { repository, project, visibility: narrower(repository.visibility, group.visibility) };
  const skipped = (why: string): PlannedImport => ({ ...planned, action: "skipped", why });
  if (repository.archived && !archived) return skipped("it is archived (--archived imports it too)");
  try {
    splitFullPath(project);
    parseRemoteUrl(repository.cloneUrl);
  } catch (error) {
    if (isFailure(error)) return skipped(error.message);
    throw error;
  }
  if (await findProject(registry, project)) return skipped("there is a project of that path already");
  return { ...planned, action: "new" };
}

/** Does what was planned, one by one; what cannot be done is told in the item that is given back, and keeps nothing else from it. */
export async function* importPlanned(
  registry: Registry,
  remotes: Remotes,
  principal: Principal,
  group: GroupRow,
  organization: Organization,
  credential: RemoteCredential | GitHubApp | undefined,
  plan: readonly PlannedImport[],
): AsyncGenerator<PlannedImport> {
  const source = await rememberImport(registry, principal, group, { ...organization, credential });
  for (const planned of plan) {
    try {
      await importOne(registry, remotes, principal, group, planned, source);
      yield planned;
    } catch (error) {
      if (!isFailure(error)) throw error;
      yield { ...planned, action: "skipped", why: error.message };
    }
  }
}

async function importOne(
  registry: Registry,
  remotes: Remotes,
  principal: Principal,
  group: GroupRow,
  { repository, project: fullPath, visibility, action }: PlannedImport,
  source: { readonly id: number; readonly credentialId: number | null },
): Promise<void> {
  if (action === "known" || action === "skipped" || action === "gone") return;
  if (action === "new") {
    const around = await groupFor(registry, principal, group, fullPath);
    const allowed = narrower(visibility, around.visibility);
    const { id } = await createProject(registry, principal, { fullPath, visibility: allowed });
    const importedFrom = { sourceId: source.id, externalId: repository.externalId, credentialId: source.credentialId };
    await addMirror(registry, remotes, principal, id, { url: repository.cloneUrl, importedFrom });
    return;
  }
  const project = await findProject(registry, fullPath);
  if (project && project.visibility !== visibility) await updateProject(registry, principal, fullPath, { visibility });
  if (action === "renamed") await updateMirror(registry, principal, fullPath, { url: repository.cloneUrl });
}

/** The group around a project, with the subgroups that it takes, each as visible as the one above it. */
async function groupFor(registry: Registry, principal: Principal, top: GroupRow, fullPath: string): Promise<GroupRow> {
  const elements = fullPath
    .slice(top.fullPath.length + 1)
    .split("/")
    .slice(0, -1);
  let group = top;
  for (const element of elements) {
    const path = `${group.fullPath}/${element}`;
    group =
      (await findGroup(registry, path)) ??
      (await createGroup(registry, principal, { fullPath: path, visibility: group.visibility }));
  }
  return group;
}
