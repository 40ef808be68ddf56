// The credentials of a request, on every door the same: `Authorization: Basic` (RFC 7617; the password is the token),
// `Authorization: Bearer` (RFC 6750) and GitLab's `PRIVATE-TOKEN`. Not in the query: URLs end up in logs.
import type { IncomingHttpHeaders } from "node:http";
import { Failure } from "../../errors.ts";
import type { Credentials } from "../../registry/access/authentication.ts";

/** The secret that the headers carry, in whatever form; what cannot be read is one too. */
export function secretIn(headers: IncomingHttpHeaders): string | undefined {
  try {
    return credentialsOf(headers)?.secret;
  } catch {
    return headers.authorization;
  }
}

/** What the headers carry; undefined for nothing. Throws unauthenticated for an Authorization that cannot be read. */
export function credentialsOf(headers: IncomingHttpHeaders): Credentials | undefined {
  const privateToken = headers["private-token"];
  if (typeof privateToken === "string" && privateToken !== "") return { secret: privateToken };
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  const space = authorization.indexOf(" ");
  const scheme = authorization.slice(0, space).toLowerCase();
  const value = authorization.slice(space + 1).trim();
  if (scheme === "bearer" && value !== "") return { secret: value };
  if (scheme === "basic") {
    const text = Buffer.from(value, "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon >= 0 && colon < text.length - 1) return { secret: text.slice(colon + 1), username: text.slice(0, colon) };
  }
  throw new Failure(
    "unauthenticated",
    "the credentials cannot be read: send a token as the password of Basic authentication, as Bearer, or as PRIVATE-TOKEN",
    { reason: "credentials_unreadable" },
  );
}
