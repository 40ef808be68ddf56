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
      User: `${REGISTRY}/rows.ts#UserRow`,
      Trust: `${REGISTRY}/rows.ts#TrustRow`,
      Token: `${REGISTRY}/rows.ts#TokenRow`,
      Group: `${REGISTRY}/rows.ts#GroupRow`,
      Project: `${REGISTRY}/rows.ts#ProjectRow`,
      Member: `${REGISTRY}/rows.ts#MemberRow`,
      GoModule: `${REGISTRY}/rows.ts#ModuleRow`,
      GoModuleVersion: `${REGISTRY}/rows.ts#VersionRow`,
      GoModuleFile: `${REGISTRY}/modules/module-files.ts#ModuleFile`,
      GoModuleFileConnection: "./resolvers/go-content.ts#FileConnection",
      GoFileDiff: `${REGISTRY}/modules/module-files.ts#FileDiff`,
      GoFileChange: `${REGISTRY}/modules/module-files.ts#FileChange`,
      RejectedTag: `${REGISTRY}/rows.ts#RejectedTagRow`,
      GoDependent: `${REGISTRY}/modules/dependents.ts#DependentRow`,
      GoDependentConnection: "./resolvers/go-dependent.ts#DependentConnection",
      GoBuildListEntry: "../gomod/module-graph.ts#BuildListEntry",
      GoModRequire: "../gomod/go-mod-file.ts#Requirement",
      TagEvent: `${REGISTRY}/rows.ts#TagEventRow`,
      ProtectedTag: `${REGISTRY}/rows.ts#ProtectedTagRow`,
      Package: `${REGISTRY}/packages/packages.ts#PackageRow`,
      PackageBase: `${REGISTRY}/packages/packages.ts#PackageRow`,
      PackageDetailsType: `${REGISTRY}/packages/packages.ts#PackageRow`,
      PackageFile: `${REGISTRY}/packages/package-files.ts#PackageFileRow`,
      PackageDependencyLink: `${REGISTRY}/packages/package-dependencies.ts#DependencyRow`,
      PackageConnection: "./connection.ts#CountedPackages",
      GoModuleConnection: "./connection.ts#CountedModules",
      GoModuleVersionConnection: "./connection.ts#CountedVersions",
      ProjectConnection: "./connection.ts#CountedProjects",
      FeatureFlag: `${REGISTRY}/rows.ts#FlagRow`,
      Administration: "Record<never, never>",
      AuditEvent: `${REGISTRY}/administration/audit-trail.ts#AuditEventRow`,
      Job: `${REGISTRY}/administration/background-jobs.ts#JobRow`,
      Upstream: "../upstream/upstream-status.ts#UpstreamStatus",
      ModulePrefix: `${REGISTRY}/rows.ts#ProjectRow`,
      Downloads: "./resolvers/downloads.ts#DownloadsOf",
      DownloadsOnDay: `${REGISTRY}/numbers/downloads.ts#CountedDay`,
      DownloadsOfVersion: "./resolvers/downloads.ts#VersionCount",
      ModuleDownloads: "./resolvers/downloads.ts#ModuleCount",
      DayCount: `${REGISTRY}/numbers/downloads.ts#CountedDay`,
      OriginStorage: `${REGISTRY}/numbers/statistics.ts#StorageRow`,
      CacheHitRate: "./resolvers/statistics.ts#Answers",
      CacheHitDay: `${REGISTRY}/numbers/statistics.ts#AnswerDay`,
      Statistics: "./resolvers/statistics.ts#WholeInstance",
      GoModuleSearchConnection: "./resolvers/search.ts#Searching",
      GoModuleSearchEdge: "./resolvers/search.ts#FoundEdge",
      GoModuleSearchHit: "./resolvers/search.ts#FoundModule",
    },
  },
});
writeFileSync("src/graphql/generated.ts", `// Generated from schema.graphql by npm run generate.\n${output}`);
