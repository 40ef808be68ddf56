// Job document-module: the packages of a module of a project here are documented, so that searches find what they declare
// and import (registry/documentation/module-documentation.ts). The other kind of payload is for all such modules with greater
// numbers that are described and not documented, some at a time.
import type { JobDefinition } from "./job-definition.ts";

export type DocumentModulePayload = { readonly moduleId: number } | { readonly after: number };

export const documentModule = {
  name: "document-module",
  expireInSeconds: 3600,
  batchSize: 10,
} as const satisfies JobDefinition;
