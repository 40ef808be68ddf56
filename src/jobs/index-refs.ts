// Job index-refs: the tags of a project that nobody has looked at yet become versions (git/indexing/tag-indexer.ts).
import type { JobDefinition } from "./queue.ts";

export interface IndexRefsPayload {
  readonly projectId: number;
}

export const indexRefs: JobDefinition = { name: "index-refs", expireInSeconds: 3600, batchSize: 20 };
