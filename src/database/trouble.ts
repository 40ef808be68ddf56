// What keeps a database from doing what it is asked, told from an error of pg, of Prisma or of the network. None of it is a
// defect of ours: a database that is away, starts, or has more to do than connections gets better by itself; a full disk
// waits for a person. PostgreSQL says so by SQLSTATE (documentation, appendix A), Prisma by codes of its own around it, and
// pg by sentences, where the connection itself is what failed.
import { Failure } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { logSeldom } from "../telemetry/seldom.ts";

export type DatabaseTrouble = "away" | "disk full";

/** SQLSTATE disk_full; and what the file system says itself. */
const DISK_FULL = /^(?:53100|ENOSPC|EDQUOT)$/;
/** SQLSTATE classes 08 and 53, operator intervention, a server that takes no writes; the network; Prisma: no connection, no transaction to be had. */
const AWAY = /^(?:08...|53...|57P..|25006|ECONN\w+|EHOST\w+|ENET\w+|ETIMEDOUT|EAI_AGAIN|P1\d{3}|P2024|P2028|P2037)$/;
const CONNECTION_LOST =
  /^Connection terminated|^timeout exceeded when trying to connect|is not queryable$|^timeout expired$/;
const DEEPEST_CAUSE = 6;

/** Which trouble an error tells of; undefined: none that we know of. */
export function databaseTrouble(error: unknown): DatabaseTrouble | undefined {
  let away = false;
  for (const { codes, message } of told(error)) {
    if (codes.some((code) => DISK_FULL.test(code))) return "disk full";
    away ||= codes.some((code) => AWAY.test(code)) || CONNECTION_LOST.test(message);
  }
  return away ? "away" : undefined;
}

/** The Failure to tell of a database in trouble, which is logged, seldom and without a stack; undefined: it is none. */
export function databaseFailure(error: unknown, log: Log): Failure | undefined {
  const trouble = databaseTrouble(error);
  if (trouble === undefined) return undefined;
  const cause = error instanceof Error ? error.message : String(error);
  if (trouble === "disk full") {
    logSeldom(log, "error", "the disk is full: nothing can be stored until there is space", {
      reason: "disk_full",
      cause,
    });
    return new Failure("unavailable", "the server's disk is full: nothing was stored; ask its administrator", {
      reason: "disk_full",
    });
  }
  logSeldom(log, "error", "the database does not answer", { reason: "database_unavailable", cause });
  return new Failure("unavailable", "the server's database does not answer; try again in a moment", {
    reason: "database_unavailable",
  });
}

interface Told {
  readonly codes: readonly string[];
  readonly message: string;
}

/** What an error says, and what it says of its causes. Prisma keeps the database's error in `meta`, pg-boss in `cause`. */
function* told(error: unknown): Generator<Told> {
  let next: unknown[] = [error];
  for (let depth = 0; depth < DEEPEST_CAUSE && next.length > 0; depth++) {
    const causes: unknown[] = [];
    for (const one of next) {
      if (typeof one !== "object" || one === null) continue;
      const { code, originalCode, message, cause, meta, errors } = one as Record<string, unknown>;
      yield {
        codes: [code, originalCode].filter((each) => typeof each === "string"),
        message: typeof message === "string" ? message : "",
      };
      causes.push(cause, (meta as { driverAdapterError?: unknown } | undefined)?.driverAdapterError);
      if (Array.isArray(errors)) causes.push(...errors);
    }
    next = causes;
  }
}
