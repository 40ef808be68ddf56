// Everything in schema.graphql is asked by a test, and this is how several test files share that duty. Each part of the
// schema has a test file of its own, test/graphql/PART.test.ts, which asks for all that is listed here under its name, over
// HTTP, and ends with
//
//   test("nothing of this part was left out", () => expect(leftOut("PART", server.sent)).toEqual([]));
//
// What no part lists is the duty of whole-schema.test.ts; it also checks that what is listed here exists and that every part
// has its test. So whoever adds to the schema either asks for it there, or lists it here and asks for it in the part's file.
//
// A part lists types, all fields of which are its own (`Package`), and single fields with their arguments (`Query.package`).
import { readFileSync } from "node:fs";
import {
  buildSchema,
  type DocumentNode,
  isInputObjectType,
  isObjectType,
  Kind,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** What the test file of each part asks for. */
export const PARTS = {
  // The checksum log.
  checksums: [
    "Query.checksumDatabase",
    "ChecksumDatabase",
    "GoModuleVersion.checksumRecord",
    "ChecksumRecord",
    "GoModuleVersion.provenance",
  ],
  // What packages say and declare.
  documentation: [
    "Query.goSymbols",
    "GoModuleVersion.goPackages",
    "GoModuleVersion.goPackage",
    "GoModuleVersion.apiDiff",
    "GoPackage",
    "GoPackageConnection",
    "GoPackageEdge",
    "GoPackageDocumentation",
    "GoSymbol",
    "GoSourceProblem",
    "GoFoundPackage",
    "GoFoundPackageConnection",
    "GoFoundPackageEdge",
    "GoApiDiff",
    "GoPackageApiDiff",
    "GoApiChange",
  ],
  // What is known to be wrong with versions.
  advisories: [
    "Query.vulnerabilityDatabase",
    "GoModuleVersion.vulnerabilities",
    "GoBuildList.vulnerabilities",
    "Project.vulnerabilities",
    "Vulnerability",
    "VulnerabilityDatabase",
    "Advisory",
    "Mutation.advisoryCreate",
    "Mutation.advisoryWithdraw",
    "AdvisoryCreateInput",
    "AdvisoryCreatePayload",
    "AdvisoryWithdrawInput",
    "AdvisoryWithdrawPayload",
  ],
  // Rules about which versions may be had.
  policies: [
    "Query.policies",
    "Query.policyVerdict",
    "Policy",
    "PolicyConnection",
    "PolicyEdge",
    "PolicyVerdict",
    "Mutation.policyCreate",
    "Mutation.policyDelete",
    "PolicyCreateInput",
    "PolicyCreatePayload",
    "PolicyDeleteInput",
    "PolicyDeletePayload",
    "PolicyImpact",
    "Mutation.policyJudge",
    "PolicyJudgeInput",
    "PolicyJudgePayload",
  ],
  // Projects that follow a repository elsewhere.
  mirrors: [
    "Project.mirror",
    "Mirror",
    "Mutation.mirrorCreate",
    "Mutation.mirrorUpdate",
    "Mutation.mirrorSync",
    "Mutation.mirrorDelete",
    "GitHubAppInput",
    "MirrorUpdateInput",
    "MirrorUpdatePayload",
    "MirrorCreateInput",
    "MirrorCreatePayload",
    "MirrorSyncInput",
    "MirrorSyncPayload",
    "MirrorDeleteInput",
    "MirrorDeletePayload",
  ],
  // Packages as GitLab has them.
  packages: [
    "Query.package",
    "Project.packages",
    "Group.packages",
    "Group.descendantGroups",
    "GroupConnection",
    "GroupEdge",
    "Package",
    "PackageConnection",
    "PackageEdge",
    "PackageBase",
    "PackageBaseConnection",
    "PackageBaseEdge",
    "PackageDetailsType",
    "PackageLinks",
    "PackagePermissions",
    "PackageTag",
    "PackageTagConnection",
    "PackageTagEdge",
    "PackageFile",
    "PackageFileConnection",
    "PackageFileEdge",
    "PackageDependencyLink",
    "PackageDependencyLinkConnection",
    "PackageDependencyLinkEdge",
    "PackageDependency",
    "Mutation.destroyPackage",
    "Mutation.destroyPackages",
    "Mutation.destroyPackageFile",
    "DestroyPackageInput",
    "DestroyPackagesInput",
    "DestroyPackageFileInput",
    "DestroyPackagePayload",
    "DestroyPackagesPayload",
    "DestroyPackageFilePayload",
  ],

  // Versions of a module: filters and orders; counts.
  versions: [
    "GoModule.versions",
    "GoModuleVersionConnection.count",
    "GoModuleConnection.count",
    "ProjectConnection.count",
  ],

  // Dependents, build lists, differences of requirements.
  graph: [
    "GoModule.dependents",
    "GoModule.subModules",
    "GoModule.otherMajors",
    "GoModuleVersion.buildList",
    "GoModuleVersion.requirementDiff",
    "GoModuleVersion.dependents",
    "GoModuleVersion.installSnippet",
    "GoModuleVersion.tagEvents",
    "GoModRequire.goModuleVersion",
    "GoModRequire.goModule",
    "GoModRequire.url",
    "GoDependent",
    "GoDependentConnection",
    "GoDependentEdge",
    "GoBuildList",
    "GoBuildListEntry",
    "GoMissingModule",
    "GoRequirementDiff",
    "GoRequirementChange",
    "GoInstallSnippet",
  ],

  // Files, licences and readmes.
  content: [
    ...["GoModule.licenses", "GoModule.readme", "GoModule.goVersion", "GoModule.repositoryUrl"],
    ...["GoModule.firstSeenAt", "GoModule.lastSeenAt"],
    ...["GoModuleVersion.files", "GoModuleVersion.file", "GoModuleVersion.fileDiff", "GoModuleVersion.licenses"],
    "GoModuleVersion.readme",
    ...["GoLicense", "GoReadme", "GoModuleFile", "GoModuleFileConnection", "GoModuleFileEdge", "GoFileDiff"],
    "GoFileChange",
  ],

  search: [
    "Query.search",
    "GoModuleSearchConnection",
    "GoModuleSearchEdge",
    "GoModuleSearchHit",
    "GoModuleSearchFacets",
    "Facet",
  ],

  downloads: [
    "GoModule.downloads",
    "GoModuleVersion.downloads",
    "GoModuleVersion.lastDownloadedAt",
    "Downloads",
    "DownloadsOnDay",
    "DownloadsOfVersion",
  ],

  statistics: [
    "Query.statistics",
    "Statistics",
    "ModuleDownloads",
    "OriginStorage",
    "CacheHitRate",
    "CacheHitDay",
    "DayCount",
  ],

  // What projects are set to, and lists by it.
  projects: [
    ...["Project.packageAccess", "Project.archived", "Project.topics", "Project.defaultBranch"],
    ...["Query.projects(visibility)", "Query.projects(archived)", "Query.projects(topics)"],
    ...["ProjectCreateInput.packageAccess", "ProjectCreateInput.topics", "ProjectCreateInput.defaultBranch"],
    ...["ProjectUpdateInput.packageAccess", "ProjectUpdateInput.topics", "ProjectUpdateInput.defaultBranch"],
    "ProjectUpdateInput.archived",
  ],

  // Users, groups as lists.
  people: [
    "Query.user",
    "Query.users",
    "UserConnection",
    "UserEdge",
    "Query.groups",
    "Mutation.userCreate",
    "UserCreateInput",
    "UserCreatePayload",
    "Mutation.userUpdate",
    "Mutation.userConnect",
    "UserConnectInput",
    "UserConnectPayload",
    "UserUpdateInput",
    "UserUpdatePayload",
    "Mutation.userDelete",
    "UserDeleteInput",
    "UserDeletePayload",
  ],

  // Hooks and their deliveries.
  hooks: [
    ...["Project.hooks", "Group.hooks", "Hook", "HookDelivery"],
    ...["Mutation.hookCreate", "HookCreateInput", "HookCreatePayload"],
    ...["Mutation.hookUpdate", "HookUpdateInput", "HookUpdatePayload"],
    ...["Mutation.hookDelete", "HookDeleteInput", "HookDeletePayload"],
    ...["Mutation.hookDeliveryResend", "HookDeliveryResendInput", "HookDeliveryResendPayload"],
  ],

  // Trusted issuers of ID tokens.
  trusts: [
    ...["Project.trusts", "Group.trusts", "Trust", "ClaimPattern", "ClaimPatternInput"],
    ...["Mutation.trustCreate", "TrustCreateInput", "TrustCreatePayload"],
    ...["Mutation.trustDelete", "TrustDeleteInput", "TrustDeletePayload"],
  ],

  // What administrators look at: the audit trail, jobs, upstreams, prefixes, rejected tags; flags for users.
  administration: [
    "Query.administration",
    "Administration",
    "AuditEvent",
    "AuditDetail",
    "AuditEventConnection",
    "AuditEventEdge",
    "Job",
    "JobConnection",
    "JobEdge",
    "Upstream",
    "ChecksumMisbehaviour",
    "VersionInQuarantine",
    "ModulePrefix",
    "ModulePrefixConnection",
    "ModulePrefixEdge",
    "RejectedTagConnection",
    "RejectedTagEdge",
    "RejectedTag.project",
    "FeatureFlag.users",
    "Token.user",
    "Token.project",
    "Token.description",
    "TokenCreateInput.description",
    "Mutation.tokenRotate",
    "TokenRotateInput",
    "TokenRotatePayload",
    "FeatureFlagSetInput.username",
    "Mutation.featureFlagDelete",
    "FeatureFlagDeleteInput",
    "FeatureFlagDeletePayload",
    "Mutation.jobRetry",
    "JobRetryInput",
    "JobRetryPayload",
  ],
} as const satisfies Record<string, readonly string[]>;

export type Part = keyof typeof PARTS;

const schema = buildSchema(readFileSync("schema.graphql", "utf8"));

/** What of a part, or of all that is in no part, none of some documents asks for. */
export function leftOut(part: Part | "the rest", documents: readonly string[]): string[] {
  const asked = new Set(documents.flatMap((document) => whatIsAsked(document)));
  return whatCanBeAsked().filter((name) => partOf(name) === part && !asked.has(name));
}

/** What parts list and the schema does not have, or what two parts list. */
export function wrongEntries(): string[] {
  const known = whatCanBeAsked();
  const entries: string[] = Object.values(PARTS).flat();
  return entries.filter(
    (entry, n) => !known.some((name) => belongsTo(name, entry)) || entries.slice(0, n).includes(entry),
  );
}

function partOf(name: string): Part | "the rest" {
  const parts = Object.entries(PARTS) as [Part, readonly string[]][];
  // a field that one part lists is not of the part that has its type
  const of = (fits: (entry: string) => boolean) => parts.find(([, entries]) => entries.some(fits))?.[0];
  return (
    of((entry) => entry.includes(".") && belongsTo(name, entry)) ?? of((entry) => belongsTo(name, entry)) ?? "the rest"
  );
}

/** Whether `Type.field` or `Type.field(argument)` is what an entry means. */
function belongsTo(name: string, entry: string): boolean {
  return name === entry || name.startsWith(`${entry}.`) || name.startsWith(`${entry}(`);
}

function whatCanBeAsked(): string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    if (type.name.startsWith("__")) return [];
    if (isInputObjectType(type)) return Object.keys(type.getFields()).map((field) => `${type.name}.${field}`);
    if (!isObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) => {
      const name = `${type.name}.${field.name}`;
      return [name, ...field.args.map((arg) => `${name}(${arg.name})`)];
    });
  });
}

function whatIsAsked(document: string): string[] {
  const types = new TypeInfo(schema);
  const asked: string[] = [];
  const fieldName = () => `${types.getParentType()?.name}.${types.getFieldDef()?.name}`;
  visit(
    parsed(document),
    visitWithTypeInfo(types, {
      Field: () => void asked.push(fieldName()),
      Argument: ({ name }) => void asked.push(`${fieldName()}(${name.value})`),
      ObjectField: ({ name }) =>
        void asked.push(`${String(types.getParentInputType()).replace(/!$/, "")}.${name.value}`),
    }),
  );
  return asked;
}

/** A document, an empty one if it was sent to be refused. */
function parsed(document: string): DocumentNode {
  try {
    return parse(document);
  } catch {
    return { kind: Kind.DOCUMENT, definitions: [] };
  }
}
