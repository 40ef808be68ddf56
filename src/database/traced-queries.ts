// Statements as spans (telemetry/tracing.ts): each that a traced request or job sends, with its text, in which `$1` stands where a
// value does, and never a value. Prisma and plain SQL share one pool, so here is one place for both.
import type pg from "pg";
import { inSpan, isTracing, isWithinSpan } from "../telemetry/tracing.ts";

/** As the pool calls a query: with what came, or what went wrong. */
type Callback = (error: unknown, result?: unknown) => void;

const MAX_TEXT = 2_000;

/** Has the statements of a connection of the pool traced. */
export function traceQueries(client: pg.PoolClient): void {
  if (!isTracing()) return;
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((...args: unknown[]): unknown => {
    const [first] = args as [string | { text?: string; submit?: unknown } | undefined];
    const text = typeof first === "string" ? first : first?.text;
    // What submits itself, such as a COPY, is no promise.
    if (text === undefined || (typeof first === "object" && first.submit !== undefined) || !isWithinSpan())
      return query(...args);
    const operation = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? "SQL";
    const attributes = () => ({
      "db.system.name": "postgresql",
      "db.operation.name": operation,
      "db.query.text": text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text,
    });
    const callback = typeof args.at(-1) === "function" ? (args.pop() as Callback) : undefined;
    const done = inSpan(operation, "client", attributes, async () => query(...args));
    if (!callback) return done;
    done.then((result) => callback(undefined, result), callback);
    return undefined;
  }) as pg.PoolClient["query"];
}
