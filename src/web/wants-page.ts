// Whether a client asks for a page: it says that it takes HTML. go, git, curl and clients of the APIs do not.
import type { Context } from "koa";

/** By the header Accept. */
export function wantsPage(ctx: Context): boolean {
  return /\btext\/html\b/.test(ctx.get("Accept"));
}
