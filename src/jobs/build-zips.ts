// Job build-zips: the newest versions of a push get their zips before anybody asks (git/indexing/module-archives.ts).
import type { JobDefinition } from "./job-definition.ts";

export interface BuildZipsPayload {
  readonly projectId: number;
  readonly versionIds: readonly number[];
}

export const buildZips = { name: "build-zips", expireInSeconds: 3600, batchSize: 2 } as const satisfies JobDefinition;
