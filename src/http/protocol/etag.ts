// Entity tags (RFC 9110, 8.8.3 and 13.1.2), and the answer to whoever has what they name already.
import type { ServerResponse } from "node:http";

/** Whether If-None-Match, a list of tags or `*`, names the tag; compared weakly. */
export function matchesEtag(condition: string, etag: string): boolean {
  if (condition.trim() === "*") return true;
  return condition.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}

/**
 * Answers that the client has it already: with what caches must be told again, and nothing of the rest (RFC 9110, 15.4.5).
 * `headers`: those of the whole answer, name, value, name, value…
 */
export function writeNotModified(res: ServerResponse, etag: string, headers: readonly string[]): void {
  const at = headers.indexOf("Cache-Control");
  res.writeHead(304, ["ETag", etag, ...(at < 0 ? [] : headers.slice(at, at + 2))]);
  res.end();
}
