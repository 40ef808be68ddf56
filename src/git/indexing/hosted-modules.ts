// The modules of hosted repositories as the Go endpoint needs them. A version that was published is answered from its row.
// What is not published yet (a branch, a commit, a pseudo-version, a tag that the indexer has not come to) is worked out
// from the repository and published on the way, so that the answer is pinned before anybody sees it.
import { Failure, notFound } from "../../errors.ts";
import { locateModule, type ModuleLocation } from "../../gomod/module-root.ts";
import { invalidVersionMessage } from "../../gomod/pseudo-check.ts";
import { canonicalVersion, isValid } from "../../gomod/version.ts";
import { latestVersion } from "../../gomod/version-list.ts";
import { isReservedQuery } from "../../gomod/version-query.ts";
import { moduleRootsOf } from "../../registry/forge/projects.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { type ListedVersion, listModule } from "../../registry/versions/listed-versions.ts";
import { publish } from "../../registry/versions/publish.ts";
import { retractionsOf } from "../../registry/versions/retractions.ts";
import { differs, reasonOfOther, servedBefore } from "../../registry/versions/served-before.ts";
import { findVersion, type ServedVersion } from "../../registry/versions/served-versions.ts";
import { findGrave, takenBack } from "../../registry/versions/tombstones.ts";
import { type Repositories, repositoryExists, repositoryOf } from "../hosting/repositories-of-projects.ts";
import { sumWhereKnown } from "./known-sums.ts";
import type { ModuleAtCommit } from "./module-at-commit.ts";
import { type Origin, originOf } from "./origin.ts";
import { tagSchemeOf } from "./tag-scheme-of-project.ts";

/** What is needed to read hosted modules. */
export interface HostedModules {
  readonly registry: Registry;
  readonly repositories: Repositories;
  /** The URL by which clients reach us, without a slash at the end. */
  readonly url: () => string;
}

/** Whether an answer will always be the same: true for canonical versions, false for branches and the like. */
export interface Resolved {
  readonly version: ServedVersion;
  readonly pinned: boolean;
  /** Undefined for an uploaded version. */
  readonly origin: Origin | undefined;
}

/**
 * The version that a query means: a version, a branch, a hash prefix. Throws not-found with the go command's words when it
 * means none.
 */
export async function resolveQuery(
  hosted: HostedModules,
  project: ProjectRow,
  modulePath: string,
  query: string,
): Promise<Resolved> {
  const { registry } = hosted;
  const isCanonical = query === canonicalVersion(query);
  if (isCanonical) {
    const known = await findVersion(registry, project.id, modulePath, query);
    if (known) return { version: known, pinned: true, origin: pinnedOrigin(hosted, project, known) };
  }
  if (isReservedQuery(query))
    throw notFound(invalidVersionMessage(modulePath, query, `${query} is a query, not a revision`), "version_invalid");
  const { repository, location } = await locate(hosted, project, modulePath);
  const gones = await takenBack(registry, modulePath);
  if (gones.has(query)) throw gone(modulePath, query);
  const isUnwanted = await unwantedOf(hosted, project, modulePath, gones);
  const found = await tagSchemeOf(project).atRevision(repository, location, query, isUnwanted);
  // The very version may have been published from another commit before its tag moved: that one stays.
  const version = await published(hosted, project, modulePath, found);
  return {
    version,
    pinned: isCanonical,
    origin: isCanonical ? pinnedOrigin(hosted, project, version) : originAt(hosted, project, found, modulePath),
  };
}

function pinnedOrigin(hosted: HostedModules, project: ProjectRow, version: ServedVersion): Origin | undefined {
  const { commit, ref, modulePath } = version;
  return commit === null ? undefined : originAt(hosted, project, { commit, ref: ref ?? undefined }, modulePath);
}

function originAt(
  { registry, url }: HostedModules,
  project: ProjectRow,
  { commit, ref, dependence = { ref } }: Pick<ModuleAtCommit, "commit" | "ref" | "dependence">,
  modulePath: string,
): Origin {
  return originOf(`${url()}/${project.fullPath}.git`, locationIn(registry, project, modulePath), commit, dependence);
}

/** The list of a module, ascending. Throws not-found when the project has no such module, tagged or not. */
export async function listOf(hosted: HostedModules, project: ProjectRow, modulePath: string): Promise<ListedVersion[]> {
  const listed = await listModule(hosted.registry, project, modulePath);
  if (listed) return listed;
  await moduleAtHead(hosted, project, modulePath);
  return [];
}

/** The version that @latest is: newest release not retracted, else newest such pre-release, else the default branch. */
export async function latestOf(hosted: HostedModules, project: ProjectRow, modulePath: string): Promise<Resolved> {
  const listed = (await listModule(hosted.registry, project, modulePath)) ?? [];
  const retracted = new Set(listed.filter((entry) => entry.retracted).map((entry) => entry.version));
  const newest = await latestVersion(
    listed.filter((entry) => entry.usable).map((entry) => entry.version),
    (version) => retracted.has(version),
  );
  const known = newest && (await findVersion(hosted.registry, project.id, modulePath, newest));
  if (known) return { version: known, pinned: false, origin: pinnedOrigin(hosted, project, known) };
  const found = await moduleAtHead(hosted, project, modulePath);
  const version = await published(hosted, project, modulePath, found);
  return { version, pinned: false, origin: originAt(hosted, project, found, modulePath) };
}

async function moduleAtHead(hosted: HostedModules, project: ProjectRow, modulePath: string): Promise<ModuleAtCommit> {
  const { repository, location } = await locate(hosted, project, modulePath);
  const head = await repository.head();
  if (!head)
    throw notFound(
      `${modulePath}: nothing was pushed to the default branch of ${project.fullPath} yet`,
      "nothing_pushed",
    );
  const gones = await takenBack(hosted.registry, modulePath);
  const isUnwanted = await unwantedOf(hosted, project, modulePath, gones);
  return tagSchemeOf(project).atRevision(repository, location, "", isUnwanted);
}

/** Which tags on a commit are passed over when a branch is resolved: retracted versions, and those that were taken back. */
async function unwantedOf(
  { registry }: HostedModules,
  project: ProjectRow,
  modulePath: string,
  gones: ReadonlySet<string>,
): Promise<(version: string) => boolean> {
  const isRetracted = await retractionsOf(registry, project.id, modulePath);
  return (version) => gones.has(version) || isRetracted(version);
}

function gone(modulePath: string, version: string): Failure {
  return new Failure(
    "gone",
    `${modulePath}@${version} was deleted by a maintainer and does not come back; use another version`,
  );
}

async function locate(hosted: HostedModules, project: ProjectRow, modulePath: string) {
  const { registry, repositories } = hosted;
  const location = locationIn(registry, project, modulePath);
  if (!location) {
    const roots = moduleRootsOf(registry, project).join(" or ");
    throw notFound(`${modulePath} is no module of ${project.fullPath}: its modules are ${roots} and below`);
  }
  if (!(await repositoryExists(registry, project.id)))
    throw notFound(`${modulePath}: nothing was pushed to ${project.fullPath} yet`, "nothing_pushed");
  return { repository: await repositoryOf(registry, repositories, project.id), location };
}

function locationIn(registry: Registry, project: ProjectRow, modulePath: string): ModuleLocation | undefined {
  for (const root of moduleRootsOf(registry, project)) {
    const location = locateModule(root, modulePath);
    if (location) return location;
  }
  return undefined;
}

async function published(
  hosted: HostedModules,
  project: ProjectRow,
  modulePath: string,
  found: ModuleAtCommit,
): Promise<ServedVersion> {
  const { registry, repositories } = hosted;
  const known = await findVersion(registry, project.id, modulePath, found.version);
  if (known) return known;
  if (found.refusedAs !== undefined)
    return { ...found, id: 0, modulePath, ref: null, retracted: false, zip: undefined };
  const repository = await repositoryOf(registry, repositories, project.id);
  const versions = await sumWhereKnown(registry, project.id, repository, [{ modulePath, ...found }]);
  await publish(registry, project.id, { versions, refusals: [], tags: [] });
  const version = await findVersion(registry, project.id, modulePath, found.version);
  if (version) return version;
  const grave = await findGrave(registry, modulePath, found.version);
  if (grave?.returnable === false) throw gone(modulePath, found.version);
  const before = (await servedBefore(registry, [{ modulePath, version: found.version }])).get(
    `${modulePath}@${found.version}`,
  );
  if (before && differs(versions[0]!, before)) throw notFound(reasonOfOther(`${modulePath}@${found.version}`, before));
  throw notFound(
    grave
      ? `${modulePath}@${found.version} was published before with other content and its name is never used again`
      : `${modulePath}@${found.version} cannot be published by ${project.fullPath}: another project has published ${modulePath}`,
  );
}

/** Whether a text is a version that could be asked for .mod and .zip: canonical, with or without +incompatible. */
export function isServable(version: string): boolean {
  return isValid(version) && version === canonicalVersion(version);
}
