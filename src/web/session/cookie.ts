// The cookie of a session. Over https its name begins with __Host- (RFC 6265bis, 4.1.3.2), so that no other host and no
// connection in the clear can set it; it is read by no script, and sent along when somebody comes here by a link, but with no
// form and no image of another site. It counts for pages and for nothing else: the API, git and the Go endpoint keep to tokens.

const SESSION = "gokura";
const MAX_LENGTH = 100;
/** What a browser keeps while it is at the provider of OpenID Connect, and how much that may be. */
const SIGN_IN = "gokura-sign-in";
const MAX_SIGN_IN_LENGTH = 3_900;

/** Whether browsers reach us by https, so that the cookie can be kept from all else. */
function isSecure(url: string): boolean {
  return url.startsWith("https:");
}

function nameFor(url: string, name: string): string {
  return isSecure(url) ? `__Host-${name}` : name;
}

function valueIn(header: string | undefined, url: string, name: string): string | undefined {
  const wanted = `${nameFor(url, name)}=`;
  return header
    ?.split(";")
    .map((one) => one.trim())
    .find((one) => one.startsWith(wanted))
    ?.slice(wanted.length);
}

/** The secret of the session that a Cookie header holds; undefined for none. `url`: our own address. */
export function sessionSecretIn(header: string | undefined, url: string): string | undefined {
  const secret = valueIn(header, url, SESSION);
  return secret !== undefined && secret.length <= MAX_LENGTH && /^[\w-]+$/.test(secret) ? secret : undefined;
}

/** The Set-Cookie of a new session. */
export function sessionCookie(url: string, secret: string, expiresAt: Date): string {
  return cookie(url, SESSION, secret, expiresAt);
}

/** The Set-Cookie that takes a session's cookie away. */
export function noSessionCookie(url: string): string {
  return cookie(url, SESSION, "", new Date(0));
}

/** What a browser was given when its sign-in by the provider began; undefined for nothing. */
export function pendingSignInIn(header: string | undefined, url: string): string | undefined {
  const sealed = valueIn(header, url, SIGN_IN);
  return sealed && sealed.length <= MAX_SIGN_IN_LENGTH ? sealed : undefined;
}

/** The Set-Cookie of a sign-in that begins: sealed, of letters, digits and `.-_` alone. */
export function pendingSignInCookie(url: string, sealed: string, expiresAt: Date): string {
  return cookie(url, SIGN_IN, sealed, expiresAt);
}

/** The Set-Cookie that ends a sign-in, however it went. */
export function noPendingSignInCookie(url: string): string {
  return cookie(url, SIGN_IN, "", new Date(0));
}

function cookie(url: string, name: string, value: string, expires: Date): string {
  const secure = isSecure(url) ? "; Secure" : "";
  return `${nameFor(url, name)}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}; Expires=${expires.toUTCString()}`;
}
