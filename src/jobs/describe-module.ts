// Job describe-module: what the files of a module say about it (readme, licences) is written down for lists and searches,
// after the zip of a version was made or fetched (registry/modules/module-document.ts). Many come at once, so one job is for all
// that came within a second. Another kind of payload is for all modules that have a zip and no description, some at a time.
import type { JobDefinition } from "./job-definition.ts";

export type DescribeModulePayload =
  | { readonly moduleId: number }
  /** The modules of versions whose zips have come. */
  | { readonly versionIds: readonly number[] }
  /** The modules with greater numbers. */
  | { readonly undescribedAfter: number };

export const describeModule = {
  name: "describe-module",
  expireInSeconds: 600,
  batchSize: 10,
} as const satisfies JobDefinition;
