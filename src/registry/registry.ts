// What the functions of this room work on. The composition root (app.ts) builds it once; every function takes it first,
// then who asks, then what is asked. There is no other state.
import type { Database } from "../database/client.ts";
import type { PrismaClient } from "../database/generated/client.ts";
import type { Jobs } from "../jobs/queue.ts";
import type { DiskBlobs } from "../storage/disk-blobs.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { AccessMemory } from "./access/access-memory.ts";
import type { TokenUse } from "./access/token-use.ts";
import type { PrivateModules } from "./forge/private-modules.ts";
import type { RequirementMemory } from "./modules/requirement-memory.ts";
import type { Traffic } from "./numbers/traffic.ts";

export interface Registry {
  readonly database: Database;
  readonly prisma: PrismaClient;
  readonly blobs: DiskBlobs;
  readonly jobs: Jobs;
  readonly memory: AccessMemory;
  readonly tokenUse: TokenUse;
  /** What go.mod files require, as it was read before. */
  readonly requirementMemory: RequirementMemory;
  readonly traffic: Traffic;
  readonly log: Log;
  readonly metrics: Metrics;
  /** First element of hosted module paths. */
  readonly moduleHost: string;
  readonly privateModules: PrivateModules;
  /** Absolute path of the data directory: repositories live below it. */
  readonly dataDirectory: string;
}
