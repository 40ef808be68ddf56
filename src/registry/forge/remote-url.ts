// Addresses of repositories elsewhere, as people write them. Credentials may stand in them, as in GitLab's import_url; they are
// taken out at once, because an address is shown, logged and handed to git. By ssh an address names a user, who is no secret,
// and may be written as scp does, `git@git.example.com:acme/lib.git`.
import { invalid } from "../../errors.ts";
import { isKeepable } from "../text.ts";

const MAX_URL = 1_000;
const MAX_CREDENTIAL = 1_000;
const MAX_PRIVATE_KEY = 20_000;
const DEFAULT_SSH_PORT = "22";

/** A user name and a password, or a token in the place of one. */
export interface RemoteCredential {
  readonly username: string;
  readonly password: string;
}

/** A GitHub App and one of its installations: it makes tokens for an hour, and belongs to no person. */
export interface GitHubApp {
  /** Its number, or its client ID. */
  readonly appId: string;
  readonly installationId: string;
  /** PEM, as GitHub hands it out. */
  readonly privateKey: string;
}

export interface RemoteAddress {
  /** https or ssh, without credentials, query and fragment, and without a slash at the end. */
  readonly url: string;
  /** Scheme, host and port. */
  readonly origin: string;
  readonly credential: RemoteCredential | undefined;
}

/** Reads an address. Throws invalid, without what it was given, which may hold a password. */
export function parseRemoteUrl(text: string, field = "url"): RemoteAddress {
  const written = asUrl(text);
  const url = text.length <= MAX_URL && isKeepable(text) && URL.canParse(written) ? new URL(written) : undefined;
  if (url?.protocol === "ssh:") return parseSshUrl(url, field);
  if (url?.protocol !== "https:" || url.search !== "" || url.hash !== "" || /^\/*$/.test(url.pathname))
    throw invalid(
      "must be the https or ssh address of a git repository, such as https://git.example.com/acme/lib",
      field,
    );
  const given = { username: decoded(url.username), password: decoded(url.password) };
  url.username = "";
  url.password = "";
  const credential =
    given.password === "" ? undefined : checkCredential({ ...given, username: given.username || "git" });
  return { url: url.href.replace(/\/+$/, ""), origin: url.origin, credential };
}

/** What scp writes, as a URL. Forges take the path from their root. */
function asUrl(text: string): string {
  const scp = /^([\w.-]+)@([\w.-]+):\/?(.+)$/.exec(text);
  return scp ? `ssh://${scp[1]}@${scp[2]}/${scp[3]}` : text;
}

/** ssh, for which there is no password; every part is such that no program takes it for an option or for words of a shell. */
function parseSshUrl(url: URL, field: string): RemoteAddress {
  const user = url.username || "git";
  const host = url.hostname.toLowerCase();
  const isHost = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/.test(host);
  const isPath = /^\/[\w.~+/@-]+$/.test(url.pathname) && !/^\/*$/.test(url.pathname);
  if (!isHost || !isPath || !/^\w[\w.-]*$/.test(user) || url.search !== "" || url.hash !== "")
    throw invalid("must be the ssh address of a git repository, such as git@git.example.com:acme/lib.git", field);
  if (url.password !== "") throw invalid("has a password, and by ssh there is none: a deploy key is made", field);
  const port = url.port === "" || url.port === DEFAULT_SSH_PORT ? "" : `:${url.port}`;
  const path = url.pathname.replace(/\/+$/, "");
  return { url: `ssh://${user}@${host}${port}${path}`, origin: `ssh://${host}${port}`, credential: undefined };
}

/** Whether a remote is asked by ssh. */
export function isSsh(url: string): boolean {
  return url.startsWith("ssh:");
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

/** Checks what can be checked of an app without asking GitHub. */
export function checkGitHubApp(app: GitHubApp): GitHubApp {
  if (!/^[\w.-]{1,100}$/.test(app.appId)) throw invalid("must be the number or the client ID of an app", "app_id");
  if (!/^\d{1,20}$/.test(app.installationId)) throw invalid("must be the number of an installation", "installation_id");
  if (app.privateKey.length > MAX_PRIVATE_KEY || !/-----BEGIN (?:RSA )?PRIVATE KEY-----/.test(app.privateKey))
    throw invalid("must be the private key of the app, a PEM file that GitHub made", "private_key");
  return app;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("holds a % that begins no escape", "url");
  }
}
