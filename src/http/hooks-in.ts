// POST /-/hooks/ID: a forge says that something changed in the repository of a mirror. Proved (mirrors/hook-proof.ts), it is
// answered with 202, whatever the event, and the mirror looks; what is new only the remote can tell. So a hook that is repeated,
// and a thousand of them, cost one look. Unproved, for a mirror that is not there too, it is 401.
import type { Context } from "koa";
import { Failure } from "../errors.ts";
import { hookProof } from "../mirrors/hook-proof.ts";
import { wantLook } from "../registry/forge/mirror-looks.ts";
import { mirrorOfHook } from "../registry/forge/mirrors.ts";
import type { Registry } from "../registry/registry.ts";

/** GitHub's hooks are no larger. */
const MAX_HOOK_BYTES = 25 * 1024 * 1024;
const BODY_PATIENCE_MS = 30_000;
/** Looks that hooks want are at least so far apart. */
const HOOK_GAP_MS = 2_000;
/** Proves nothing; an unknown mirror takes as long as a known one. */
const NOBODYS_SECRET = "whsec_";

/** Answers a hook. Throws too-large, and unauthenticated for one that proves nothing. */
export async function serveHook(registry: Registry, ctx: Context): Promise<void> {
  ctx.set("Cache-Control", "no-store");
  if (ctx.method !== "POST") {
    ctx.set("Allow", "POST");
    ctx.status = 405;
    ctx.body = { message: "405 Not Allowed", reason: "method_not_allowed" };
    return;
  }
  const length = Number(ctx.get("content-length") || 0);
  if (length > MAX_HOOK_BYTES) throw tooLarge(ctx);
  const id = /^[1-9]\d{0,8}$/.test(ctx.params.id ?? "") ? Number(ctx.params.id) : 0;
  const mirror = await mirrorOfHook(registry, id);
  const proof = hookProof(ctx.headers, mirror?.secret ?? NOBODYS_SECRET);
  const timer = setTimeout(() => ctx.req.destroy(), BODY_PATIENCE_MS);
  try {
    let size = 0;
    for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_HOOK_BYTES) throw tooLarge(ctx);
      proof.update(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
  if (!proof.isGood() || !mirror)
    throw new Failure(
      "unauthenticated",
      "this hook proves nothing: give the repository's hook the secret of the mirror (gokura mirror show PROJECT --new-secret), and JSON as its content type",
      { reason: "hook_unproved" },
    );
  await wantLook(registry, mirror.projectId, HOOK_GAP_MS);
  ctx.status = 202;
  ctx.body = { message: "202 Accepted" };
}

function tooLarge(ctx: Context): Failure {
  ctx.set("Connection", "close");
  return new Failure("too-large", `a hook has at most ${MAX_HOOK_BYTES} bytes`);
}
