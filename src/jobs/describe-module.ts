// Job describe-module: what the files of a module say about it (readme, licences) is written down for lists and searches,
// after the zip of a version was made or fetched (registry/modules/module-document.ts). The other kind of payload does so for all
// modules that have a zip and no description, some at a time.
import type { JobDefinition } from "./job-definition.ts";

export type DescribeModulePayload =
  | { readonly moduleId: number }
  /** The modules with greater numbers. */
  | { readonly undescribedAfter: number };

export const describeModule = {
  name: "describe-module",
  expireInSeconds: 600,
  batchSize: 10,
} as const satisfies JobDefinition;
