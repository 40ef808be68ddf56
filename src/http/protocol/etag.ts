// Entity tags (RFC 9110, 8.8.3 and 13.1.2).

/** Whether If-None-Match, a list of tags or `*`, names the tag; compared weakly. */
export function matchesEtag(condition: string, etag: string): boolean {
  if (condition.trim() === "*") return true;
  return condition.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}
