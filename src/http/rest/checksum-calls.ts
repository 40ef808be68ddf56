// The checksum log for programs: what it is, what it says of a package, and a feed of its records. GitLab has nothing of the
// kind; names are its style, and words those of docs/checksums.md.
//
// The feed has a row for each record. Who may not read a module gets, in place of its names and sums, the hash of the record:
// each row can be compared with the hash tiles that everybody has, so nobody can be shown another log, and nobody learns a name.
import * as z from "zod";
import { notFound } from "../../errors.ts";
import { mayReadRecords, mayReadUpstream } from "../../registry/access/access.ts";
import { recordsFrom } from "../../registry/checksums/log-records.ts";
import type { LoggedRecord } from "../../registry/checksums/logged-record.ts";
import { describeLog, provedRecordOf } from "../../registry/checksums/record-proof.ts";
import { isOwned } from "../../registry/forge/module-owner.ts";
import { readableVersions, versionName } from "../../registry/modules/readable-by-name.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import { leafHash } from "../../sumdb/tree-hash.ts";
import { call } from "./call.ts";
import { demandPackage, ONE } from "./package-calls.ts";
import { integer } from "./parameter.ts";

const tag = "Checksums";
/** Records of one answer. */
const MAX_RECORDS = 256;

const Database = z
  .object({
    name: z.string(),
    verifier_key: z.string().describe("What GOSUMDB is set to"),
    size: z.int(),
    head: z.string().describe("The newest head, as a signed note"),
  })
  .meta({ id: "ChecksumDatabase" });

const ProvedRecord = z
  .object({
    id: z.int().describe("Its place in the log, from 0"),
    tree_size: z.int(),
    proof: z.string().describe("c2sp.org/tlog-proof: checked offline, by the key of the log alone"),
  })
  .meta({ id: "ChecksumRecord" });

const FeedRecord = z
  .object({
    id: z.int(),
    leaf_hash: z.string().describe("The hash of the record in the tree, in base64"),
    module: z.string().nullable(),
    version: z.string().nullable(),
    h1: z.string().nullable(),
    go_mod_h1: z.string().nullable(),
  })
  .meta({ id: "LoggedRecord" });

export const checksumCalls = [
  call({
    method: "GET",
    path: "/checksum_database",
    tag,
    summary: "The checksum database of this registry",
    scope: "api read",
    anonymous: true,
    parameters: {},
    status: 200,
    answer: Database,
    failures: [],
    handle: async ({ parts }) => {
      const { name, verifierKey, size, head } = await describeLog(parts.checksums);
      return { name, verifier_key: verifierKey, size, head };
    },
  }),
  call({
    method: "GET",
    path: "/checksum_database/records",
    tag,
    summary: "Records of the checksum log, in their order",
    description: `At most ${MAX_RECORDS}. Of modules that you may not read there is the hash alone.`,
    scope: "api read",
    anonymous: true,
    parameters: { since: integer(0).default(0).describe("The number of the first record") },
    status: 200,
    answer: z.array(FeedRecord),
    failures: [],
    handle: async ({ registry, principal, parameters }) => {
      const records = await recordsFrom(registry, parameters.since, MAX_RECORDS);
      const readable = await readableRecords(registry, principal, records);
      return records.map((record) => {
        const { id, modulePath: module, version, h1, goModH1, text } = record;
        const leaf_hash = leafHash(text).toString("base64");
        return readable.has(record)
          ? { id, leaf_hash, module, version, h1, go_mod_h1: goModH1 }
          : { id, leaf_hash, module: null, version: null, h1: null, go_mod_h1: null };
      });
    },
  }),
  call({
    method: "GET",
    path: "/projects/:id/packages/:package_id/checksum_record",
    tag,
    summary: "What the checksum log says of a package, with the proof",
    scope: "api read",
    anonymous: true,
    parameters: ONE,
    status: 200,
    answer: ProvedRecord,
    failures: [404],
    handle: async ({ parts, registry, principal, parameters }) => {
      const { row } = await demandPackage(registry, principal, parameters);
      const found = await provedRecordOf(parts.checksums, row.packageName, row.version);
      if (!found) throw notFound("the package is not logged yet: its zip was not made, or made a moment ago");
      return { id: found.id, tree_size: found.treeSize, proof: found.proof };
    },
  }),
];

/** The records whose names and sums somebody may hear of. */
async function readableRecords(
  registry: Registry,
  principal: Principal,
  records: readonly LoggedRecord[],
): Promise<Set<LoggedRecord>> {
  if (mayReadRecords(principal)) return new Set(records);
  const names = records.map(({ modulePath, version }) => ({ path: modulePath, version }));
  const stored = await readableVersions(registry, principal, names);
  const isPublic = async ({ modulePath, basis }: LoggedRecord): Promise<boolean> =>
    basis === "PUBLIC" &&
    mayReadUpstream(principal, registry) &&
    !registry.privateModules.covers(modulePath) &&
    !(await isOwned(registry, modulePath));
  const readable = await Promise.all(
    records.map(async (record, n) => stored.has(versionName(names[n]!)) || (await isPublic(record))),
  );
  return new Set(records.filter((_, n) => readable[n]));
}
