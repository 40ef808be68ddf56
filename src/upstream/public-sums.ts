// The sums of modules that are nobody's here, as a checksum database of others says them, and nothing of what it says is
// believed before it was proved: the signature, that its head continues the one that was seen before, the record's place, and
// the lines in the proved text (sumdb/proved-log.ts). One head is held for all who ask. A database that has signed two
// histories, or a bad signature, is not believed any more: who asks is told that it cannot be known now, never that there is
// no such version.
import { Failure } from "../errors.ts";
import { escapePath, escapeVersion, type ModulePath } from "../gomod/module-path.ts";
import type { SumDatabase } from "../sumdb/database-name.ts";
import { LogFault } from "../sumdb/log-fault.ts";
import { parseVerifierKey } from "../sumdb/note.ts";
import { followed, type ProvedLog, provedLookup, unknownLog } from "../sumdb/proved-log.ts";
import type { VersionSums } from "../sumdb/record.ts";
import type { Log } from "../telemetry/log.ts";
import type { SumdbProxy } from "./sumdb-proxy.ts";
import type { Absence } from "./upstream-client.ts";

/** What was proved of a version. */
export interface ProvedSums extends VersionSums {
  readonly kind: "proved";
  /** The number of its record. */
  readonly id: number;
}

export interface PublicSums {
  /**
   * The proved sums of a version, or the database's word that it has none. Throws not-found for what nobody outside may hear
   * of, unavailable when the database cannot be asked or is not to be believed.
   */
  find(modulePath: ModulePath, version: string): Promise<ProvedSums | Absence>;
}

/** The first of the databases that are proxied; undefined: there is none to ask. */
export function createPublicSums(
  databases: readonly SumDatabase[],
  sumDatabases: SumdbProxy,
  log: Log,
): PublicSums | undefined {
  const [database] = databases;
  if (!database) return undefined;
  const { name, verifierKey } = database;
  let known: ProvedLog = unknownLog(parseVerifierKey(verifierKey), {
    async read({ path }) {
      const answer = await sumDatabases.serve(`${name}/${path}`);
      return answer.kind === "found" ? answer.bytes : undefined;
    },
  });
  /** What was learned of heads is taken over one by one, each compared with all before. */
  let learning: Promise<unknown> = Promise.resolve();
  let distrusted: string | undefined;

  const learn = (note: Buffer): Promise<void> => {
    const next = learning.then(async () => {
      known = await followed(known, note);
    });
    learning = next.catch(() => {});
    return next;
  };

  const told = (error: unknown): unknown => {
    if (!(error instanceof LogFault)) return error;
    if (error.kind === "fork" || error.kind === "signature") {
      distrusted = error.message;
      const { older, newer, found } = error.evidence ?? {};
      log.fatal(
        { database: name, reason: error.message, older: older?.toString(), newer: newer?.toString(), found },
        "a checksum database is not believed any more",
      );
    }
    return new Failure("unavailable", `what ${name} says could not be proved: ${error.message}`, { cause: error });
  };

  return {
    async find(modulePath, version) {
      if (distrusted !== undefined)
        throw new Failure(
          "unavailable",
          `${name} is not believed any more (${distrusted}); the administrator must look`,
        );
      const answer = await sumDatabases.serve(`${name}/lookup/${escapePath(modulePath)}@${escapeVersion(version)}`);
      if (answer.kind === "absent") return answer;
      try {
        const { id, sums, log: seen } = await provedLookup(known, answer.bytes, modulePath, version);
        await learn(seen.head!.note);
        return { kind: "proved", id, ...sums };
      } catch (error) {
        throw told(error);
      }
    },
  };
}
