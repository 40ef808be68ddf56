// The cookie of a session. Over https its name begins with __Host- (RFC 6265bis, 4.1.3.2), so that no other host and no
// connection in the clear can set it; it is read by no script, and sent along when somebody comes here by a link, but with no
// form and no image of another site. It counts for pages and for nothing else: the API, git and the Go endpoint keep to tokens.

const NAME = "gokura";
const MAX_LENGTH = 100;

/** Whether browsers reach us by https, so that the cookie can be kept from all else. */
function isSecure(url: string): boolean {
  return url.startsWith("https:");
}

function nameFor(url: string): string {
  return isSecure(url) ? `__Host-${NAME}` : NAME;
}

/** The secret of the session that a Cookie header holds; undefined for none. `url`: our own address. */
export function sessionSecretIn(header: string | undefined, url: string): string | undefined {
  const wanted = `${nameFor(url)}=`;
  const found = header
    ?.split(";")
    .map((one) => one.trim())
    .find((one) => one.startsWith(wanted));
  const secret = found?.slice(wanted.length);
  return secret !== undefined && secret.length <= MAX_LENGTH && /^[\w-]+$/.test(secret) ? secret : undefined;
}

/** The Set-Cookie of a new session. */
export function sessionCookie(url: string, secret: string, expiresAt: Date): string {
  return cookie(url, secret, expiresAt);
}

/** The Set-Cookie that takes a session's cookie away. */
export function noSessionCookie(url: string): string {
  return cookie(url, "", new Date(0));
}

function cookie(url: string, value: string, expires: Date): string {
  const secure = isSecure(url) ? "; Secure" : "";
  return `${nameFor(url)}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}; Expires=${expires.toUTCString()}`;
}
