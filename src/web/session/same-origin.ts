// Whether a form comes from a page of ours. Browsers say it themselves: Sec-Fetch-Site over https and on this machine, Origin
// with every form (net/http, CrossOriginProtection of Go 1.25). A form of a session carries a token beside that, made of the
// session's secret, which no other site can read.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { invalid } from "../../errors.ts";

/** What the forms of a session carry. */
export function formTokenOf(sessionSecret: string): string {
  return createHmac("sha256", sessionSecret).update("form").digest("base64url");
}

/**
 * Refuses a form that no page of ours sent. `url`: our own address; `expected`: the token of the session, undefined where
 * nobody is signed in.
 */
export function demandSameOrigin(
  headers: IncomingHttpHeaders,
  url: string,
  expected: string | undefined,
  sent: string | null,
): void {
  const refused = invalid(
    "this form comes from another site, or from before you signed in: open the page again and send it from there",
    undefined,
    "cross_site_request",
  );
  const site = headers["sec-fetch-site"];
  const { origin } = headers;
  if (site !== undefined) {
    if (site !== "same-origin" && site !== "none") throw refused;
  } else if (origin === undefined || !URL.canParse(origin) || new URL(origin).host !== new URL(url).host) throw refused;
  if (expected !== undefined && !isSame(expected, sent ?? "")) throw refused;
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
