// Structured logs: one JSON object a line on standard error. ERROR means that a person must act now; WARN that something
// will become one; INFO is what an operator wants to read the next day. Nothing that opens a door is ever logged: callers
// do not pass headers or bodies, and what looks like one of our tokens is struck out on the way, whoever passed it.
import { type DestinationStream, type Logger, pino } from "pino";
import type { Config } from "../config.ts";
import { traceFields } from "./tracing.ts";

export type Log = Logger;

/** Our tokens (see registry/access/token-format.ts) and credentials inside URLs. */
const SECRETS = /gk[pd]t_[A-Za-z0-9]{20,}|(?<=:\/\/)[^\s/@"]+(?=@)/g;

/** A logger for this process. `destination` is for tests; standard error otherwise. `base` is in every line. */
export function createLog(
  level: Config["logLevel"],
  destination: DestinationStream = process.stderr,
  base: Readonly<Record<string, unknown>> | null = null,
): Log {
  return pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: traceFields,
      serializers: { err: told },
      redact: ["*.authorization", "*.password", "*.token", "token", "password", "authorization"],
    },
    { write: (line) => void destination.write(line.replace(SECRETS, "[secret]")) },
  );
}

/**
 * What is said of an error: its words, its place and its causes. Not what else hangs on it: a database error carries its
 * whole connection, others the request that they failed for.
 */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message, stack, cause } = error;
  const { code, table, constraint } = error as { code?: unknown; table?: unknown; constraint?: unknown };
  const causes = error instanceof AggregateError ? error.errors.map(told) : undefined;
  return { type: error.constructor.name, message, code, table, constraint, stack, cause: told(cause), causes };
}
