// src/graphql/generated.ts from schema.graphql: the types that resolvers are checked against.
import { readFileSync, writeFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as typescript from "@graphql-codegen/typescript";
import * as resolvers from "@graphql-codegen/typescript-resolvers";
import { parse } from "graphql";

const ROWS = "../database/generated/client.ts";

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
      User: `${ROWS}#User as UserRow`,
      Token: `${ROWS}#Token as TokenRow`,
      Group: `${ROWS}#Group as GroupRow`,
      Project: `../registry/projects.ts#ProjectRow`,
      Member: `../registry/members.ts#MemberRow`,
      GoModule: `../registry/modules.ts#ModuleRow`,
      GoModuleVersion: `../registry/modules.ts#VersionRow`,
      RejectedTag: `${ROWS}#RejectedTag as RejectedTagRow`,
      TagEvent: `${ROWS}#TagEvent as TagEventRow`,
      FeatureFlag: `../registry/feature-flags.ts#FlagRow`,
    },
  },
});
writeFileSync("src/graphql/generated.ts", `// Generated from schema.graphql by npm run generate.\n${output}`);
