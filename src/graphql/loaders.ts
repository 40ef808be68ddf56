// What keeps a list of 100 from costing 100 statements. GraphQL asks for the fields of each object one by one; a loader
// waits until all that can be asked at once has been asked, and asks the registry once (facebook/dataloader). Lists within
// lists are loaded so too: the same page of many modules is one statement (registry/lists/first-of-each.ts).
//
// Loaders belong to one request and one principal, and remember: a mutation throws them away.
import DataLoader from "dataloader";
import { Failure } from "../errors.ts";
import type { ModuleRequirements, ModuleVersionName, UnknownRequirements } from "../gomod/module-graph.ts";
import { descendantsOfGroups, findGroups } from "../registry/forge/groups.ts";
import { listMembers } from "../registry/forge/members.ts";
import { countProjectsOfGroups, findProjects, projectsOfGroups } from "../registry/forge/projects.ts";
import { protectedTagsOfProjects } from "../registry/forge/protected-tags.ts";
import { tagEventsOfProjects, tagEventsOfVersions } from "../registry/forge/tag-events.ts";
import { tokensOfGroups, tokensOfProjects, tokensOfUsers } from "../registry/forge/tokens.ts";
import { findUsersById } from "../registry/forge/users.ts";
import type { Page, PageRequest } from "../registry/lists/keyset-page.ts";
import {
  countDependentsOfModules,
  countDependentsOfVersions,
  type DependentFilter,
  type DependentRow,
  dependentsOfModules,
  dependentsOfVersions,
} from "../registry/modules/dependents.ts";
import { type DescribedModule, descriptionsOf } from "../registry/modules/module-document.ts";
import { MAX_FILE_BYTES, type ModuleFile, readFile, sumOfFile } from "../registry/modules/module-files.ts";
import { nameOf, readableModules, readableVersions, requirementsByName } from "../registry/modules/readable-by-name.ts";
import { countSubModulesOf, otherMajorsOf, subModulesOf } from "../registry/modules/related-modules.ts";
import { highlightsOf } from "../registry/modules/search.ts";
import {
  type Counted,
  type CountedDay,
  downloadDaysOf,
  downloadedVersions,
  downloadsOf,
  lastDownloadsOf,
  type Period,
} from "../registry/numbers/downloads.ts";
import { type DependencyRow, dependenciesOfPackages } from "../registry/packages/package-dependencies.ts";
import { filesOfPackages, type PackageFileRow } from "../registry/packages/package-files.ts";
import {
  countPackagesOfGroups,
  countPackagesOfProjects,
  type PackageFilter,
  type PackageQuery,
  packagesOfGroups,
  packagesOfProjects,
} from "../registry/packages/package-lists.ts";
import { otherVersionsOf, type PackageRow } from "../registry/packages/packages.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type {
  GroupRow,
  MemberRow,
  ModuleRow,
  ProjectRow,
  ProtectedTagRow,
  RejectedTagRow,
  TagEventRow,
  TokenRow,
  UserRow,
  VersionRow,
} from "../registry/rows.ts";
import { latestVersions } from "../registry/versions/listed-versions.ts";
import { lastSeen, upstreamRepositories } from "../registry/versions/module-origins.ts";
import {
  countVersionsOfModules,
  type VersionFilter,
  type VersionSort,
  versionsOfModules,
} from "../registry/versions/module-versions.ts";
import { countModulesOfProjects, findModules, modulesOfProjects } from "../registry/versions/modules.ts";
import { rejectedTagsOfProjects } from "../registry/versions/rejected-tags.ts";
import { findVersionRows, goModsOf, versionsInModules } from "../registry/versions/version-rows.ts";

/** How many bytes of go.mod files one request gets: they are parsed, and an author may make them as large as 16 MiB. */
const GO_MOD_BYTES_PER_REQUEST = 4 * 1024 * 1024;

/** How many bytes of go.mod files one request gets for build lists; more than any graph that is known has. */
const GRAPH_BYTES_PER_REQUEST = 16 * 1024 * 1024;

/** How many bytes of the contents of files one request gets, and how many are read for their sums. */
const CONTENT_BYTES_PER_REQUEST = 8 * 1024 * 1024;
const SUMMED_BYTES_PER_REQUEST = 64 * 1024 * 1024;

/** Loads by number; undefined for what is not there. */
export type ById<V> = DataLoader<number, V | undefined>;

/** Loads by name; undefined for what is not there, unless there is always an answer. */
export type ByName<Name, V, Absent = undefined> = DataLoader<Name, V | Absent, string>;

/** Loads a list that belongs to an object; undefined for one that the principal may not see. */
export interface ListLoader<Of, Args, V> {
  load(of: Of, args: Args): Promise<V | undefined>;
}

interface HasId {
  readonly id: number;
}

interface InGroup {
  readonly includeSubgroups: boolean;
}

interface PackagesAsked {
  readonly query: PackageQuery;
  readonly page: PageRequest;
}

interface PackagesCounted {
  readonly filter: PackageFilter;
  readonly limit?: number;
}

/** All projects below a group, however deep. */
const WHOLE_TREE = { includeSubgroups: true };

export interface Loaders {
  readonly user: ById<UserRow>;
  readonly project: ById<ProjectRow>;
  readonly group: ById<GroupRow>;
  readonly module: ById<ModuleRow>;
  readonly version: ById<VersionRow>;
  readonly versionOfModule: ByName<{ readonly moduleId: number; readonly version: string }, VersionRow>;
  /** What go.mod files name, if it is stored and the principal may read it. */
  readonly moduleByPath: DataLoader<string, ModuleRow | undefined>;
  readonly versionByName: ByName<ModuleVersionName, VersionRow>;
  /** What versions require, for build lists. */
  readonly requirements: ByName<ModuleVersionName, ModuleRequirements | UnknownRequirements, never>;
  readonly dependentsOfModule: ListLoader<ModuleRow, PageRequest & DependentFilter, Page<DependentRow>>;
  readonly dependentsOfVersion: ListLoader<VersionRow, PageRequest & DependentFilter, Page<DependentRow>>;
  readonly countDependentsOfModule: ListLoader<ModuleRow, DependentFilter & { readonly limit: number }, number>;
  readonly countDependentsOfVersion: ListLoader<VersionRow, DependentFilter & { readonly limit: number }, number>;
  readonly subModules: ListLoader<ModuleRow, PageRequest, Page<ModuleRow>>;
  readonly countOfSubModules: ListLoader<ModuleRow, { readonly limit?: number }, number>;
  readonly otherMajors: ById<readonly ModuleRow[]>;
  readonly tagEventsOfVersion: ListLoader<VersionRow, number, readonly TagEventRow[]>;
  readonly latestVersion: ById<VersionRow>;
  readonly goMod: ById<Buffer | null>;
  readonly description: ById<DescribedModule>;
  readonly lastSeen: ById<Date>;
  readonly upstreamRepository: DataLoader<ModuleRow, string | undefined, number>;
  /** The first bytes of files, at most MAX_FILE_BYTES of each. */
  readonly headOfFile: DataLoader<ModuleFile, Buffer, string>;
  /** The SHA-256 of files. */
  readonly sumOfFile: DataLoader<ModuleFile, string, string>;
  readonly lastDownload: ById<Date>;
  readonly downloads: ListLoader<HasId, Period & { readonly what: Counted }, bigint>;
  readonly downloadDays: ListLoader<HasId, Period & { readonly what: Counted }, readonly CountedDay[]>;
  readonly downloadedVersions: ListLoader<
    HasId,
    Period & { readonly take: number },
    readonly { readonly versionId: number; readonly count: bigint }[]
  >;
  /** By the query and the number of a module that was found by it. */
  readonly highlight: ListLoader<HasId, string, string>;
  readonly versions: ListLoader<
    ModuleRow,
    { readonly filter: VersionFilter; readonly sort: VersionSort; readonly page: PageRequest },
    Page<VersionRow>
  >;
  readonly countOfVersions: ListLoader<ModuleRow, { readonly filter: VersionFilter; readonly limit?: number }, number>;
  readonly modulesOfProject: ListLoader<ProjectRow, PageRequest, Page<ModuleRow>>;
  readonly countOfModules: ListLoader<ProjectRow, { readonly limit?: number }, number>;
  readonly projectsOfGroup: ListLoader<GroupRow, InGroup & { readonly page: PageRequest }, Page<ProjectRow>>;
  readonly countOfProjects: ListLoader<GroupRow, InGroup & { readonly limit?: number }, number>;
  readonly descendants: ListLoader<GroupRow, PageRequest, Page<GroupRow>>;
  readonly packagesOfProject: ListLoader<ProjectRow, PackagesAsked, Page<PackageRow>>;
  readonly packagesOfGroup: ListLoader<GroupRow, PackagesAsked, Page<PackageRow>>;
  readonly countOfPackagesOfProject: ListLoader<ProjectRow, PackagesCounted, number>;
  readonly countOfPackagesOfGroup: ListLoader<GroupRow, PackagesCounted, number>;
  readonly otherVersions: ListLoader<PackageRow, PageRequest, Page<PackageRow>>;
  readonly packageFiles: ListLoader<PackageRow, "all", PackageFileRow[]>;
  readonly dependencies: ListLoader<PackageRow, PageRequest, Page<DependencyRow>>;
  readonly membersOfProject: ListLoader<ProjectRow, PageRequest, Page<MemberRow>>;
  readonly membersOfGroup: ListLoader<GroupRow, PageRequest, Page<MemberRow>>;
  readonly tokensOfProject: ListLoader<ProjectRow, PageRequest, Page<TokenRow>>;
  readonly tokensOfGroup: ListLoader<GroupRow, PageRequest, Page<TokenRow>>;
  readonly tokensOfUser: ListLoader<UserRow, PageRequest, Page<TokenRow>>;
  readonly rejectedTags: ListLoader<ProjectRow, number, readonly RejectedTagRow[]>;
  readonly tagEvents: ListLoader<ProjectRow, number, readonly TagEventRow[]>;
  readonly protectedTags: ListLoader<ProjectRow, undefined, readonly ProtectedTagRow[]>;
}

/** New loaders for a principal. */
export function createLoaders(registry: Registry, principal: Principal): Loaders {
  return {
    user: byId(async (ids) => indexed(await findUsersById(registry, ids))),
    project: byId(async (ids) => indexed(await findProjects(registry, ids))),
    group: byId(async (ids) => indexed(await findGroups(registry, ids))),
    module: byId(async (ids) => indexed(await findModules(registry, ids))),
    version: byId(async (ids) => indexed(await findVersionRows(registry, ids))),
    versionOfModule: byName(
      ({ moduleId, version }) => `${moduleId} ${version}`,
      (names) => versionsInModules(registry, names),
    ),
    moduleByPath: new DataLoader(async (paths) => {
      const found = await readableModules(registry, principal, paths);
      return paths.map((path) => found.get(path));
    }),
    versionByName: byName(nameOf, (names) => readableVersions(registry, principal, names)),
    requirements: requirementsLoader(registry, principal),
    dependentsOfModule: listLoader((modules, args) => dependentsOfModules(registry, principal, modules, args, args)),
    dependentsOfVersion: listLoader((versions, args) =>
      dependentsOfVersions(registry, principal, versions, args, args),
    ),
    countDependentsOfModule: listLoader((modules, args) =>
      countDependentsOfModules(registry, principal, modules, args, args.limit),
    ),
    countDependentsOfVersion: listLoader((versions, args) =>
      countDependentsOfVersions(registry, principal, versions, args, args.limit),
    ),
    subModules: listLoader((modules, page) => subModulesOf(registry, modules, page)),
    countOfSubModules: listLoader((modules, { limit }) => countSubModulesOf(registry, modules, limit)),
    otherMajors: byId(async (ids) => otherMajorsOf(registry, await findModules(registry, ids))),
    tagEventsOfVersion: listLoader(async (versions, take) => {
      const modules = await findModules(
        registry,
        versions.map(({ moduleId }) => moduleId),
      );
      const projects = await findProjects(
        registry,
        modules.flatMap(({ projectId }) => projectId ?? []),
      );
      const projectOf = new Map(
        modules.map(({ id, projectId }) => [id, projects.find((project) => project.id === projectId)]),
      );
      const tagged = versions.map(({ id, ref, moduleId }) => ({ id, ref, project: projectOf.get(moduleId) }));
      return tagEventsOfVersions(registry, principal, tagged, take);
    }),
    lastDownload: byId((ids) => lastDownloadsOf(registry, ids)),
    downloads: listLoader((of, { what, ...period }) => downloadsOf(registry, what, numbersOf(of), period)),
    downloadDays: listLoader((of, { what, ...period }) => downloadDaysOf(registry, what, numbersOf(of), period)),
    downloadedVersions: listLoader((of, { take, ...period }) =>
      downloadedVersions(registry, numbersOf(of), period, take),
    ),
    highlight: listLoader((of, query) => highlightsOf(registry, query, numbersOf(of))),
    latestVersion: byId((ids) => latestVersions(registry, ids)),
    goMod: goModLoader(registry),
    versions: listLoader((modules, { filter, sort, page }) => versionsOfModules(registry, modules, filter, sort, page)),
    countOfVersions: listLoader((modules, { filter, limit }) =>
      countVersionsOfModules(registry, modules, filter, limit),
    ),
    description: byId((ids) => descriptionsOf(registry, ids)),
    lastSeen: byId((ids) => lastSeen(registry, ids)),
    upstreamRepository: new DataLoader(
      async (modules) => {
        const found = await upstreamRepositories(registry, modules);
        return modules.map(({ id }) => found.get(id));
      },
      { cacheKeyFn: ({ id }) => id },
    ),
    headOfFile: fileLoader(
      CONTENT_BYTES_PER_REQUEST,
      (size) => Math.min(size, MAX_FILE_BYTES),
      (file) => readFile(registry, file),
    ),
    sumOfFile: fileLoader(
      SUMMED_BYTES_PER_REQUEST,
      (size) => size,
      (file) => sumOfFile(registry, file),
    ),
    modulesOfProject: listLoader((projects, page) => modulesOfProjects(registry, principal, projects, page)),
    countOfModules: listLoader((projects, { limit }) => countModulesOfProjects(registry, principal, projects, limit)),
    projectsOfGroup: listLoader((groups, { page, ...scope }) =>
      projectsOfGroups(registry, principal, groups, scope, page),
    ),
    countOfProjects: listLoader((groups, { limit, ...scope }) =>
      countProjectsOfGroups(registry, principal, groups, scope, limit),
    ),
    descendants: listLoader((groups, page) => descendantsOfGroups(registry, principal, groups, page)),
    packagesOfProject: listLoader((projects, { query, page }) =>
      packagesOfProjects(registry, principal, projects, query, page),
    ),
    packagesOfGroup: listLoader((groups, { query, page }) =>
      packagesOfGroups(registry, principal, groups, WHOLE_TREE, query, page),
    ),
    countOfPackagesOfProject: listLoader((projects, { filter, limit }) =>
      countPackagesOfProjects(registry, principal, projects, filter, limit),
    ),
    countOfPackagesOfGroup: listLoader((groups, { filter, limit }) =>
      countPackagesOfGroups(registry, principal, groups, WHOLE_TREE, filter, limit),
    ),
    otherVersions: listLoader((packages, page) => otherVersionsOf(registry, packages, page)),
    packageFiles: listLoader((packages) => filesOfPackages(registry, packages)),
    dependencies: listLoader((packages, page) => dependenciesOfPackages(registry, packages, page)),
    membersOfProject: listLoader((projects, page) => listMembers(registry, principal, { projects }, page)),
    membersOfGroup: listLoader((groups, page) => listMembers(registry, principal, { groups }, page)),
    tokensOfProject: listLoader((projects, page) => tokensOfProjects(registry, principal, projects, page)),
    tokensOfGroup: listLoader((groups, page) => tokensOfGroups(registry, principal, groups, page)),
    tokensOfUser: listLoader((users, page) => tokensOfUsers(registry, principal, users, page)),
    rejectedTags: listLoader((projects, take) => rejectedTagsOfProjects(registry, principal, projects, take)),
    protectedTags: listLoader((projects) => protectedTagsOfProjects(registry, principal, projects)),
    tagEvents: listLoader((projects, take) => tagEventsOfProjects(registry, principal, projects, take)),
  };
}

function byId<V>(load: (ids: readonly number[]) => Promise<ReadonlyMap<number, V>>): ById<V> {
  return new DataLoader(async (ids) => {
    const found = await load(ids);
    return ids.map((id) => found.get(id));
  });
}

function byName<Name, V>(
  nameOfKey: (name: Name) => string,
  load: (names: readonly Name[]) => Promise<ReadonlyMap<string, V>>,
): ByName<Name, V> {
  return new DataLoader<Name, V | undefined, string>(
    async (names) => {
      const found = await load(names);
      return names.map((name) => found.get(nameOfKey(name)));
    },
    { cacheKeyFn: nameOfKey },
  );
}

function numbersOf(of: readonly HasId[]): number[] {
  return of.map(({ id }) => id);
}

function indexed<V extends { readonly id: number }>(rows: readonly V[]): Map<number, V> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** Lists that are asked for with the same arguments are loaded together. */
function listLoader<Of extends { readonly id: number }, Args, V>(
  load: (of: readonly Of[], args: Args) => Promise<ReadonlyMap<number, V>>,
): ListLoader<Of, Args, V> {
  const loaders = new Map<string, DataLoader<Of, V | undefined, number>>();
  return {
    load(of, args) {
      const key = JSON.stringify(args);
      let loader = loaders.get(key);
      if (!loader) {
        const batch = async (all: readonly Of[]) => {
          const found = await load(all, args);
          return all.map(({ id }) => found.get(id));
        };
        loader = new DataLoader(batch, { cacheKeyFn: ({ id }) => id });
        loaders.set(key, loader);
      }
      return loader.load(of);
    },
  };
}

/** go.mod files by the version's number, as far as the request's bytes go. */
function goModLoader(registry: Registry): ById<Buffer | null> {
  let bytesLeft = GO_MOD_BYTES_PER_REQUEST;
  return new DataLoader<number, Buffer | null | undefined>(async (ids) => {
    const found = await goModsOf(registry, ids, bytesLeft);
    for (const goMod of found.values()) bytesLeft -= goMod?.length ?? 0;
    const rest = new Failure(
      "too-large",
      `one request gets ${GO_MOD_BYTES_PER_REQUEST} bytes of go.mod files; ask for fewer versions, or fetch VERSION.mod from the Go endpoint`,
      { reason: "answer_too_large" },
    );
    return ids.map((id) => (found.has(id) ? found.get(id) : rest));
  });
}

/** What versions require, by name, as far as the request's bytes go. */
function requirementsLoader(registry: Registry, principal: Principal): Loaders["requirements"] {
  let bytesLeft = GRAPH_BYTES_PER_REQUEST;
  return new DataLoader<ModuleVersionName, ModuleRequirements | UnknownRequirements, string>(
    async (names) => {
      const { found, bytes } = await requirementsByName(registry, principal, names, bytesLeft);
      bytesLeft -= bytes;
      const rest = new Failure(
        "too-large",
        `one request gets ${GRAPH_BYTES_PER_REQUEST} bytes of go.mod files for build lists; ask for fewer versions, or ask the go command: go list -m all`,
        { reason: "answer_too_large" },
      );
      return names.map((name) => found.get(nameOf(name)) ?? rest);
    },
    { cacheKeyFn: nameOf },
  );
}

/** Reads files one after another, as far as the request's bytes go. */
function fileLoader<V>(
  bytesPerRequest: number,
  bytesOf: (size: number) => number,
  read: (file: ModuleFile) => Promise<V>,
): DataLoader<ModuleFile, V, string> {
  let bytesLeft = bytesPerRequest;
  const load = async (file: ModuleFile): Promise<V | Error> => {
    const bytes = bytesOf(Number(file.size));
    if (bytes > bytesLeft)
      return new Failure(
        "too-large",
        `one request reads ${bytesPerRequest} bytes of files; ask for fewer, or fetch VERSION.zip from the Go endpoint`,
        { reason: "answer_too_large" },
      );
    bytesLeft -= bytes;
    return read(file).catch((error: Error) => error);
  };
  return new DataLoader(
    async (files) => {
      const read: (V | Error)[] = [];
      for (const file of files) read.push(await load(file));
      return read;
    },
    { cacheKeyFn: ({ from, path }) => `${from.zip.sha256} ${path}` },
  );
}
