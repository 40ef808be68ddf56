// What a request to the REST API carries, as GitLab's clients send it (doc/api/rest): JSON, a form, or the query, with lists
// as `name[]=a&name[]=b`. python-gitlab says JSON even where there is nothing, and GitLab's Go client sends `null` for
// nothing: both are an empty body.
import type { Context } from "koa";
import { Failure, invalid } from "../../errors.ts";

const MAX_BODY_BYTES = 256 * 1024;
const BODY_PATIENCE_MS = 30_000;

/** Parameters by name, as they were sent. */
export type Given = Readonly<Record<string, unknown>>;

/** All parameters of the query and of the body, which wins. Throws invalid for a body that is neither JSON nor a form. */
export async function readGiven(ctx: Context): Promise<Given> {
  const body = parse(ctx, await readText(ctx));
  return Object.assign(Object.create(null), namesOf(ctx.querystring), body);
}

function parse(ctx: Context, text: string): Given {
  if (text.trim() === "") return {};
  if (ctx.is("application/x-www-form-urlencoded")) return namesOf(text);
  try {
    const value: unknown = JSON.parse(text);
    if (value === null) return {};
    if (typeof value === "object" && !Array.isArray(value)) return value as Given;
  } catch {
    // told below
  }
  throw invalid("the body is neither a JSON object nor a form");
}

function namesOf(encoded: string): Given {
  const given: Record<string, unknown> = Object.create(null);
  for (const [name, value] of new URLSearchParams(encoded)) {
    const of = name.endsWith("[]") ? name.slice(0, -2) : undefined;
    if (of === undefined) given[name] = value;
    else if (Array.isArray(given[of])) given[of].push(value);
    else given[of] = [value];
  }
  return given;
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
