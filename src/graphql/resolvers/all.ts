// The resolvers of the whole schema, a file for each noun. Fields that are not in them are properties of their rows. A
// resolver finds out who may see what by asking the registry with the principal, and does nothing else.
import type { Resolvers } from "../generated.ts";
import { BigInt64, CalendarDate, DateTime } from "../scalars.ts";
import {
  Administration,
  AuditEvent,
  administrationMutations,
  Job,
  ModulePrefix,
  Upstream,
  VersionInQuarantine,
} from "./administration.ts";
import {
  Advisory,
  advisoryMutations,
  Vulnerability,
  vulnerabilitiesOfProjectField,
  vulnerabilitiesOfVersion,
} from "./advisory.ts";
import { countables } from "./countable.ts";
import { Downloads, DownloadsOfVersion, DownloadsOnDay, ModuleDownloads } from "./downloads.ts";
import { FeatureFlag, featureFlagMutations } from "./feature-flag.ts";
import { GoBuildList, GoBuildListEntry, GoModRequire } from "./go-build-list.ts";
import { contentOfGoModule, contentOfGoModuleVersion, GoModuleFile, GoModuleFileConnection } from "./go-content.ts";
import { GoDependent, GoDependentConnection } from "./go-dependent.ts";
import {
  documentationOfGoModuleVersion,
  documentationQueries,
  GoPackage,
  GoPackageDocumentation,
} from "./go-documentation.ts";
import { GoModule, GoModuleVersion, goModuleMutations } from "./go-module.ts";
import { Group, groupMutations } from "./group.ts";
import { Hook, HookDelivery, hookMutations } from "./hook.ts";
import { Member, memberMutations } from "./member.ts";
import { Mirror, mirrorMutations } from "./mirror.ts";
import {
  Package,
  PackageBase,
  PackageDependencyLink,
  PackageDetailsType,
  PackageFile,
  packageMutations,
} from "./package.ts";
import { Policy, PolicyImpact, PolicyVerdict, policyMutations } from "./policy.ts";
import { Project, projectMutations } from "./project.ts";
import { RejectedTag } from "./project-tags.ts";
import { ProtectedTag, protectedTagMutations } from "./protected-tag.ts";
import { Query } from "./query.ts";
import { GoModuleSearchConnection, GoModuleSearchHit } from "./search.ts";
import { CacheHitDay, CacheHitRate, Statistics } from "./statistics.ts";
import { Token, tokenMutations } from "./token.ts";
import { Trust, trustMutations } from "./trust.ts";
import { User, userMutations } from "./user.ts";

export const resolvers: Resolvers = {
  DateTime,
  Date: CalendarDate,
  BigInt: BigInt64,
  Query: { ...Query, ...documentationQueries },
  Mutation: {
    ...userMutations,
    ...projectMutations,
    ...groupMutations,
    ...memberMutations,
    ...protectedTagMutations,
    ...mirrorMutations,
    ...tokenMutations,
    ...trustMutations,
    ...hookMutations,
    ...featureFlagMutations,
    ...goModuleMutations,
    ...packageMutations,
    ...administrationMutations,
    ...policyMutations,
    ...advisoryMutations,
  },
  User,
  Token,
  Trust,
  Hook,
  HookDelivery,
  Group,
  Project: { ...Project, ...vulnerabilitiesOfProjectField },
  Member,
  RejectedTag,
  ProtectedTag,
  Mirror,
  GoModule: { ...GoModule, ...contentOfGoModule },
  GoModuleVersion: {
    ...GoModuleVersion,
    ...contentOfGoModuleVersion,
    ...documentationOfGoModuleVersion,
    ...vulnerabilitiesOfVersion,
  },
  GoPackage,
  GoPackageDocumentation,
  GoModuleFile,
  GoModuleFileConnection,
  GoModRequire,
  GoDependent,
  GoDependentConnection,
  GoBuildList,
  GoBuildListEntry,
  Package,
  PackageBase,
  PackageDetailsType,
  PackageFile,
  PackageDependencyLink,
  ...countables,
  FeatureFlag,
  Policy,
  PolicyImpact,
  PolicyVerdict,
  Advisory,
  Vulnerability,
  Administration,
  AuditEvent,
  Job,
  Upstream,
  VersionInQuarantine,
  ModulePrefix,
  Downloads,
  DownloadsOnDay,
  DownloadsOfVersion,
  ModuleDownloads,
  GoModuleSearchConnection,
  GoModuleSearchHit,
  Statistics,
  CacheHitRate,
  CacheHitDay,
};
