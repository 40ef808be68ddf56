// Job log-sums: hosted versions whose zip was pinned get their record in the checksum log, before anybody looks it up
// (registry/checksums/pinned-zips.ts): those of a range of numbers.
import type { JobDefinition } from "./job-definition.ts";

export interface LogSumsPayload {
  /** The number of a version: those after it… */
  readonly after: number;
  /** …up to this one, if it is given. */
  readonly upTo?: number;
}

export const logSums = { name: "log-sums", expireInSeconds: 600, batchSize: 100 } as const satisfies JobDefinition;
