// What administrators look at and nobody else: the registry asks for the right at each list, and Query.administration once
// more, so that others get one plain refusal.
import { listAllTokens } from "../../registry/administration/all-tokens.ts";
import { listAuditEvents } from "../../registry/administration/audit-trail.ts";
import { listJobs, retryJob } from "../../registry/administration/background-jobs.ts";
import { listModulePrefixes } from "../../registry/administration/module-prefixes.ts";
import { listCaughtDatabases, listQuarantine } from "../../registry/checksums/checksum-trouble.ts";
import { listAllRejectedTags } from "../../registry/versions/rejected-tags.ts";
import { connection } from "../connection.ts";
import type {
  AdministrationResolvers,
  AuditEventResolvers,
  JobResolvers,
  JobState,
  ModulePrefixResolvers,
  MutationResolvers,
  UpstreamResolvers,
  VersionInQuarantineResolvers,
} from "../generated.ts";
import { globalId } from "../global-id.ts";
import { payload } from "./payload.ts";

const JOB_STATES = {
  WAITING: "created",
  RETRY: "retry",
  ACTIVE: "active",
  COMPLETED: "completed",
  CANCELLED: "cancelled",
  FAILED: "failed",
} as const satisfies Record<JobState, string>;
const NAMES_OF_STATES = new Map(Object.entries(JOB_STATES).map(([name, state]) => [state, name as JobState]));

export const Administration: AdministrationResolvers = {
  tokens: async (_, { first, after, last, before, ...filter }, { registry, principal }) =>
    connection(await listAllTokens(registry, principal, filter, { first, after, last, before })),
  auditEvents: async (_, { actor, action, subject, from, to, ...page }, { registry, principal }) =>
    connection(await listAuditEvents(registry, principal, { actor, action, subject, from, to }, page)),
  jobs: async (_, { name, state, ...page }, { registry, principal }) =>
    connection(await listJobs(registry, principal, { name, state: state && JOB_STATES[state] }, page)),
  upstreams: (_, __, { upstreams }) => upstreams(),
  checksumMisbehaviours: (_, __, { registry, principal }) => listCaughtDatabases(registry, principal),
  quarantinedVersions: (_, __, { registry, principal }) => listQuarantine(registry, principal),
  modulePrefixes: async (_, { search, ...page }, { registry, principal }) =>
    connection(await listModulePrefixes(registry, principal, search, page)),
  rejectedTags: async (_, { search, ...page }, { registry, principal }) =>
    connection(await listAllRejectedTags(registry, principal, search, page)),
};

export const AuditEvent: AuditEventResolvers = {
  id: (event) => globalId("AuditEvent", event),
  details: ({ detail }) =>
    Object.entries(detail as Record<string, unknown>)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) })),
};

export const Job: JobResolvers = {
  id: ({ id }) => `gid://gokura/Job/${id}`,
  state: ({ state }) => NAMES_OF_STATES.get(state)!,
  payload: ({ data }) => JSON.stringify(data),
};

export const Upstream: UpstreamResolvers = {
  state: ({ health }) => health?.state ?? null,
  answered: ({ health }) => health?.answered ?? null,
  failed: ({ health }) => health?.failed ?? null,
  running: ({ health }) => health?.running ?? null,
  lastAnsweredAt: ({ health }) => health?.lastAnsweredAt ?? null,
  lastFailedAt: ({ health }) => health?.lastFailedAt ?? null,
  triedAgainAt: ({ health }) => health?.triedAgainAt ?? null,
};

export const VersionInQuarantine: VersionInQuarantineResolvers = {
  h1: ({ stored }) => stored.h1 ?? null,
  goModH1: ({ stored }) => stored.goModH1 ?? null,
  recordedH1: ({ h1 }) => h1,
  recordedGoModH1: ({ goModH1 }) => goModH1,
  recordId: ({ id }) => BigInt(id),
};

export const ModulePrefix: ModulePrefixResolvers = {
  prefix: ({ modulePrefix }) => modulePrefix!,
  project: (project) => project,
};

export const administrationMutations = {
  jobRetry: (_, { input }, context) =>
    payload(context, async () => ({
      job: await retryJob(context.registry, context.principal, input.id.replace(/^gid:\/\/gokura\/Job\//, "")),
    })),
} satisfies MutationResolvers;
