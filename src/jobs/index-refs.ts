// Job index-refs: the tags of a project that nobody has looked at yet become versions (git/indexing/tag-indexer.ts).
import type { JobDefinition } from "./job-definition.ts";

export interface IndexRefsPayload {
  readonly projectId: number;
}

export const indexRefs = { name: "index-refs", expireInSeconds: 3600, batchSize: 20 } as const satisfies JobDefinition;
