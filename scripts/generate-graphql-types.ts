// src/graphql/generated.ts from schema.graphql: the types that resolvers are checked against.
import { readFileSync, writeFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as typescript from "@graphql-codegen/typescript";
import * as resolvers from "@graphql-codegen/typescript-resolvers";
import { parse } from "graphql";

const REGISTRY = "../registry";

const output = await codegen({
  filename: "src/graphql/generated.ts",
  schema: parse(readFileSync("schema.graphql", "utf8")),
  documents: [],
  plugins: [{ typescript: {} }, { resolvers: {} }],
  pluginMap: { typescript, resolvers },
  config: {
    useTypeImports: true,
    enumsAsTypes: true,
    immutableTypes: true,
    strictScalars: true,
    skipTypename: true,
    scalars: {
      ID: "string",
      DateTime: { input: "Date", output: "Date" },
      Date: { input: "Date", output: "Date" },
      BigInt: { input: "bigint", output: "bigint" },
    },
    contextType: "./context.ts#GraphqlContext",
    mappers: {
      User: `${REGISTRY}/users.ts#UserRow`,
      Token: `${REGISTRY}/tokens.ts#TokenRow`,
      Group: `${REGISTRY}/groups.ts#GroupRow`,
      Project: `${REGISTRY}/projects.ts#ProjectRow`,
      Member: `${REGISTRY}/members.ts#MemberRow`,
      GoModule: `${REGISTRY}/modules.ts#ModuleRow`,
      GoModuleVersion: `${REGISTRY}/modules.ts#VersionRow`,
      GoModuleFile: `${REGISTRY}/module-files.ts#ModuleFile`,
      GoModuleFileConnection: "./resolvers/go-content.ts#FileConnection",
      GoFileDiff: `${REGISTRY}/module-files.ts#FileDiff`,
      GoFileChange: `${REGISTRY}/module-files.ts#FileChange`,
      RejectedTag: `${REGISTRY}/modules.ts#RejectedTagRow`,
      GoDependent: `${REGISTRY}/dependents.ts#DependentRow`,
      GoDependentConnection: "./resolvers/go-dependent.ts#DependentConnection",
      GoBuildListEntry: "../gomod/module-graph.ts#BuildListEntry",
      GoModRequire: "../gomod/go-mod-file.ts#Requirement",
      TagEvent: `${REGISTRY}/refs.ts#TagEventRow`,
      Package: `${REGISTRY}/packages.ts#PackageRow`,
      PackageBase: `${REGISTRY}/packages.ts#PackageRow`,
      PackageDetailsType: `${REGISTRY}/packages.ts#PackageRow`,
      PackageFile: `${REGISTRY}/package-files.ts#PackageFileRow`,
      PackageDependencyLink: `${REGISTRY}/package-dependencies.ts#DependencyRow`,
      PackageConnection: "./connection.ts#CountedPackages",
      GoModuleConnection: "./connection.ts#CountedModules",
      GoModuleVersionConnection: "./connection.ts#CountedVersions",
      ProjectConnection: "./connection.ts#CountedProjects",
      FeatureFlag: `${REGISTRY}/feature-flags.ts#FlagRow`,
      Administration: "Record<never, never>",
      AuditEvent: `${REGISTRY}/audit-trail.ts#AuditEventRow`,
      Job: `${REGISTRY}/background-jobs.ts#JobRow`,
      Upstream: "../upstream/upstream-status.ts#UpstreamStatus",
      ModulePrefix: `${REGISTRY}/projects.ts#ProjectRow`,
      Downloads: "./resolvers/downloads.ts#DownloadsOf",
      DownloadsOnDay: `${REGISTRY}/downloads.ts#CountedDay`,
      DownloadsOfVersion: "./resolvers/downloads.ts#VersionCount",
      ModuleDownloads: "./resolvers/downloads.ts#ModuleCount",
      DayCount: `${REGISTRY}/downloads.ts#CountedDay`,
      OriginStorage: `${REGISTRY}/statistics.ts#StorageRow`,
      CacheHitRate: "./resolvers/statistics.ts#Answers",
      CacheHitDay: `${REGISTRY}/statistics.ts#AnswerDay`,
      Statistics: "./resolvers/statistics.ts#WholeInstance",
      GoModuleSearchConnection: "./resolvers/search.ts#Searching",
      GoModuleSearchEdge: "./resolvers/search.ts#FoundEdge",
      GoModuleSearchHit: "./resolvers/search.ts#FoundModule",
    },
  },
});
writeFileSync("src/graphql/generated.ts", `// Generated from schema.graphql by npm run generate.\n${output}`);
