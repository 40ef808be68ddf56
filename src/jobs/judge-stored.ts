// Job judge-stored: after a change of the rules about versions, it is found out which of the stored versions each rule hits now
// (registry/policies/impact.ts). Nothing depends on it: what a client gets is judged when it asks.
import type { JobDefinition } from "./job-definition.ts";

export type JudgeStoredPayload = Readonly<Record<string, never>>;

export const judgeStored = {
  name: "judge-stored",
  expireInSeconds: 3600,
  batchSize: 100,
} as const satisfies JobDefinition;
