// The parameters of a write to the REST API, as GitLab's clients send them (doc/api/rest): JSON, a form, or the query. An
// empty body, `null`, empty strings and nulls all mean "not given"; python-gitlab says JSON even where there is nothing.
import type { Context } from "koa";
import { Failure, invalid } from "../errors.ts";

const MAX_BODY_BYTES = 256 * 1024;
const BODY_PATIENCE_MS = 30_000;

export type Parameters = Readonly<Record<string, unknown>>;

/** All parameters of a request that were given; those of the body win over those of the query. */
export async function readParameters(ctx: Context): Promise<Parameters> {
  const text = await readText(ctx);
  const given: Record<string, unknown> = { ...ctx.query, ...parse(ctx, text) };
  for (const name of Object.keys(given)) if (given[name] === "" || given[name] == null) delete given[name];
  return given;
}

function parse(ctx: Context, text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  if (ctx.is("application/x-www-form-urlencoded")) return Object.fromEntries(new URLSearchParams(text));
  try {
    const value: unknown = JSON.parse(text);
    if (value === null) return {};
    if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw invalid("the body is neither a JSON object nor a form");
}

async function readText(ctx: Context): Promise<string> {
  const timer = setTimeout(() => ctx.req.destroy(), BODY_PATIENCE_MS);
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) {
        ctx.set("Connection", "close");
        throw new Failure("too-large", `a request body may have ${MAX_BODY_BYTES} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    clearTimeout(timer);
  }
}
