// What keeps a list of 100 from costing 100 statements. GraphQL asks for the fields of each object one by one; a loader
// waits until all that can be asked at once has been asked, and asks the registry once (facebook/dataloader). Lists within
// lists are loaded so too: the same page of many modules is one statement (registry/lists/first-of-each.ts).
//
// Loaders belong to one request and one principal, and remember: a mutation throws them away.
import DataLoader from "dataloader";
import type { ModuleRequirements, ModuleVersionName, UnknownRequirements } from "../gomod/module-graph.ts";
import { descendantsOfGroups, findGroups } from "../registry/forge/groups.ts";
import { deliveriesOfHooks } from "../registry/forge/hook-deliveries.ts";
import { hooksOfGroups, hooksOfProjects } from "../registry/forge/hooks.ts";
import { listMembers } from "../registry/forge/members.ts";
import { mirrorsOfProjects } from "../registry/forge/mirrors.ts";
import { countProjectsOfGroups, findProjects, projectsOfGroups } from "../registry/forge/projects.ts";
import { protectedTagsOfProjects } from "../registry/forge/protected-tags.ts";
import { tagEventsOfProjects, tagEventsOfVersions } from "../registry/forge/tag-events.ts";
import { tokensOfGroups, tokensOfProjects, tokensOfUsers } from "../registry/forge/tokens.ts";
import { trustsOfGroups, trustsOfProjects } from "../registry/forge/trusts.ts";
import { findUsersById } from "../registry/forge/users.ts";
import type { KeysetPage, PageRequest } from "../registry/lists/keyset-page.ts";
import {
  countDependentsOfModules,
  countDependentsOfVersions,
  type DependentFilter,
  type DependentRow,
  dependentsOfModules,
  dependentsOfVersions,
} from "../registry/modules/dependents.ts";
import { type Highlight, highlightsOf } from "../registry/modules/highlights.ts";
import { type DescribedModule, descriptionsOf } from "../registry/modules/module-document.ts";
import type { ModuleFile } from "../registry/modules/module-files.ts";
import { readableModules, readableVersions, versionName } from "../registry/modules/readable-by-name.ts";
import { countSubModulesOf, otherMajorsOf, subModulesOf } from "../registry/modules/related-modules.ts";
import {
  type CountedDay,
  type DownloadSubject,
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
import { impactsOf, type RuleImpact } from "../registry/policies/impact.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type {
  GroupRow,
  HookDeliveryRow,
  HookRow,
  MemberRow,
  MirrorRow,
  ModuleRow,
  PolicyRow,
  ProjectRow,
  ProtectedTagRow,
  RejectedTagRow,
  TagEventRow,
  TokenRow,
  TrustRow,
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
import { findVersionRows, versionsInModules } from "../registry/versions/version-rows.ts";
import { goModLoader, headOfFileLoader, requirementsLoader, sumOfFileLoader } from "./bounded-loaders.ts";
import {
  type ById,
  type ByName,
  byId,
  byName,
  type HasId,
  indexed,
  type ListLoader,
  listLoader,
  numbersOf,
} from "./loader-kinds.ts";

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
  readonly dependentsOfModule: ListLoader<ModuleRow, PageRequest & DependentFilter, KeysetPage<DependentRow>>;
  readonly dependentsOfVersion: ListLoader<VersionRow, PageRequest & DependentFilter, KeysetPage<DependentRow>>;
  readonly countDependentsOfModule: ListLoader<ModuleRow, DependentFilter & { readonly limit: number }, number>;
  readonly countDependentsOfVersion: ListLoader<VersionRow, DependentFilter & { readonly limit: number }, number>;
  readonly subModules: ListLoader<ModuleRow, PageRequest, KeysetPage<ModuleRow>>;
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
  readonly downloads: ListLoader<HasId, Period & { readonly what: DownloadSubject }, bigint>;
  readonly downloadDays: ListLoader<HasId, Period & { readonly what: DownloadSubject }, readonly CountedDay[]>;
  readonly downloadedVersions: ListLoader<
    HasId,
    Period & { readonly take: number },
    readonly { readonly versionId: number; readonly count: bigint }[]
  >;
  /** By the query and the number of a module that was found by it. */
  readonly highlight: ListLoader<HasId, string, Highlight>;
  readonly versions: ListLoader<
    ModuleRow,
    { readonly filter: VersionFilter; readonly sort: VersionSort; readonly page: PageRequest },
    KeysetPage<VersionRow>
  >;
  readonly countOfVersions: ListLoader<ModuleRow, { readonly filter: VersionFilter; readonly limit?: number }, number>;
  readonly modulesOfProject: ListLoader<ProjectRow, PageRequest, KeysetPage<ModuleRow>>;
  readonly countOfModules: ListLoader<ProjectRow, { readonly limit?: number }, number>;
  readonly projectsOfGroup: ListLoader<GroupRow, InGroup & { readonly page: PageRequest }, KeysetPage<ProjectRow>>;
  readonly countOfProjects: ListLoader<GroupRow, InGroup & { readonly limit?: number }, number>;
  readonly descendants: ListLoader<GroupRow, PageRequest, KeysetPage<GroupRow>>;
  readonly packagesOfProject: ListLoader<ProjectRow, PackagesAsked, KeysetPage<PackageRow>>;
  readonly packagesOfGroup: ListLoader<GroupRow, PackagesAsked, KeysetPage<PackageRow>>;
  readonly countOfPackagesOfProject: ListLoader<ProjectRow, PackagesCounted, number>;
  readonly countOfPackagesOfGroup: ListLoader<GroupRow, PackagesCounted, number>;
  readonly otherVersions: ListLoader<PackageRow, PageRequest, KeysetPage<PackageRow>>;
  readonly packageFiles: ListLoader<PackageRow, "all", PackageFileRow[]>;
  readonly dependencies: ListLoader<PackageRow, PageRequest, KeysetPage<DependencyRow>>;
  readonly membersOfProject: ListLoader<ProjectRow, PageRequest, KeysetPage<MemberRow>>;
  readonly membersOfGroup: ListLoader<GroupRow, PageRequest, KeysetPage<MemberRow>>;
  readonly tokensOfProject: ListLoader<ProjectRow, PageRequest, KeysetPage<TokenRow>>;
  readonly tokensOfGroup: ListLoader<GroupRow, PageRequest, KeysetPage<TokenRow>>;
  readonly tokensOfUser: ListLoader<UserRow, PageRequest, KeysetPage<TokenRow>>;
  readonly rejectedTags: ListLoader<ProjectRow, number, readonly RejectedTagRow[]>;
  readonly tagEvents: ListLoader<ProjectRow, number, readonly TagEventRow[]>;
  readonly hooksOfProject: ListLoader<ProjectRow, undefined, readonly HookRow[]>;
  readonly hooksOfGroup: ListLoader<GroupRow, undefined, readonly HookRow[]>;
  /** The newest so many. Who has a hook may see them. */
  readonly deliveries: ListLoader<HookRow, number, readonly HookDeliveryRow[]>;
  readonly trustsOfProject: ListLoader<ProjectRow, undefined, readonly TrustRow[]>;
  readonly trustsOfGroup: ListLoader<GroupRow, undefined, readonly TrustRow[]>;
  readonly mirrors: ListLoader<ProjectRow, undefined, MirrorRow | null>;
  readonly policyImpact: DataLoader<PolicyRow, RuleImpact | undefined, number>;
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
    versionByName: byName(versionName, (names) => readableVersions(registry, principal, names)),
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
    headOfFile: headOfFileLoader(registry),
    sumOfFile: sumOfFileLoader(registry),
    modulesOfProject: listLoader((projects, page) => modulesOfProjects(registry, principal, projects, page)),
    countOfModules: listLoader((projects, { limit }) => countModulesOfProjects(registry, principal, projects, limit)),
    policyImpact: new DataLoader(
      async (rules) => {
        const found = await impactsOf(registry, principal, rules);
        return rules.map(({ id }) => found.get(id));
      },
      { cacheKeyFn: ({ id }) => id },
    ),
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
    hooksOfProject: listLoader((projects) => hooksOfProjects(registry, principal, projects)),
    hooksOfGroup: listLoader((groups) => hooksOfGroups(registry, principal, groups)),
    deliveries: listLoader((hooks, take) => deliveriesOfHooks(registry, hooks, take)),
    trustsOfProject: listLoader((projects) => trustsOfProjects(registry, principal, projects)),
    trustsOfGroup: listLoader((groups) => trustsOfGroups(registry, principal, groups)),
    mirrors: listLoader((projects) => mirrorsOfProjects(registry, principal, projects)),
    protectedTags: listLoader((projects) => protectedTagsOfProjects(registry, principal, projects)),
    tagEvents: listLoader((projects, take) => tagEventsOfProjects(registry, principal, projects, take)),
  };
}
