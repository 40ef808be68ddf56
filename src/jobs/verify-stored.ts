// Job verify-stored: what was stored from upstream without having been compared with a checksum database is compared now
// (upstream/verify-stored.ts): at each start, and from time to time where it may be stored so.
import type { JobDefinition } from "./job-definition.ts";

export interface VerifyStoredPayload {
  /** The number of a version: those after it. */
  readonly after: number;
}

export const verifyStored = {
  name: "verify-stored",
  expireInSeconds: 900,
  batchSize: 10,
} as const satisfies JobDefinition;
