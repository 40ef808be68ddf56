// Addresses of repositories elsewhere, as people write them. Credentials may stand in them, as in GitLab's import_url; they are
// taken out at once, because an address is shown, logged and handed to git.
import { invalid } from "../../errors.ts";
import { isKeepable } from "../text.ts";

const MAX_URL = 1_000;
const MAX_CREDENTIAL = 1_000;

/** A user name and a password, or a token in the place of one. */
export interface RemoteCredential {
  readonly username: string;
  readonly password: string;
}

export interface RemoteAddress {
  /** https, without credentials, query and fragment, and without a slash at the end. */
  readonly url: string;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly credential: RemoteCredential | undefined;
}

/** Reads an address. Throws invalid, without what it was given, which may hold a password. */
export function parseRemoteUrl(text: string, field = "url"): RemoteAddress {
  const url = text.length <= MAX_URL && isKeepable(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" || url.search !== "" || url.hash !== "" || /^\/*$/.test(url.pathname))
    throw invalid("must be the https address of a git repository, such as https://git.example.com/acme/lib", field);
  const given = { username: decoded(url.username), password: decoded(url.password) };
  url.username = "";
  url.password = "";
  const credential =
    given.password === "" ? undefined : checkCredential({ ...given, username: given.username || "git" });
  return { url: url.href.replace(/\/+$/, ""), origin: url.origin, credential };
}

/** Checks a credential; a user name may not hold a colon, for which Basic authentication has no room (RFC 7617, 2). */
export function checkCredential(credential: RemoteCredential): RemoteCredential {
  const { username, password } = credential;
  for (const [field, value] of Object.entries({ username, password }))
    if (value === "" || value.length > MAX_CREDENTIAL || !isKeepable(value) || /[\x00-\x1f\x7f]/.test(value))
      throw invalid("must not be empty, nor hold control characters", field);
  if (username.includes(":")) throw invalid("must not hold a colon", "username");
  return credential;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("holds a % that begins no escape", "url");
  }
}
