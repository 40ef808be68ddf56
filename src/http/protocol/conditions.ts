// What HTTP asks of a server beside the answer itself (RFC 9110, RFC 9112): that a request names one host, that a condition
// which cannot be met is not passed over, and what browsers are told about answers that are no pages.
import type { IncomingMessage, ServerResponse } from "node:http";

/** Headers of every answer that is no page: nothing in it runs, it stands in no frame, and tells nobody where it was. */
export const NO_PAGE: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
};

/** What browsers are told when we serve TLS ourselves: to come by TLS for a year (RFC 6797). */
export const STRICT_TRANSPORT_SECURITY = `max-age=${365 * 24 * 3600}`;

/** Whether a request names more than one host, so that two readers of it may take it for two requests (RFC 9112, 3.2). */
export function namesTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  return hosts > 1;
}

/**
 * Whether If-Match (RFC 9110, 13.1.1) asks for another state than the present one, whose strong entity tag is `etag`;
 * undefined: it has none, so that only `*` can be met.
 */
export function failsIfMatch(req: IncomingMessage, etag: string | undefined): boolean {
  const condition = req.headers["if-match"];
  if (condition === undefined || condition.trim() === "*") return false;
  return etag === undefined || !condition.split(",").some((one) => one.trim() === etag);
}

/** The answer to a condition that is not met. */
export function writeFailedCondition(res: ServerResponse): void {
  res.writeHead(412, {
    ...NO_PAGE,
    "Content-Type": "text/plain; charset=utf-8",
    "Gokura-Reason": "precondition_failed",
  });
  res.end("If-Match asks for another state than the present one: ask again without it\n");
}
