// GOKURA_OIDC_*: the provider of OpenID Connect that signs people in to the pages. The issuer and the client's name there make
// it; everything else has a default.

/** How the provider is reached, and what we ask it. */
export interface ProviderSettings {
  /** As the claim `iss` and the discovery document say it, character by character. */
  readonly issuer: string;
  readonly clientId: string;
  /** undefined: a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  /** What the button says: "Sign in with NAME". */
  readonly name: string;
  /** With blanks between them. */
  readonly scopes: string;
  /** Whether tokens sign nobody in to the pages. */
  readonly only: boolean;
}

/** The provider that the settings name; undefined: none. Adds to the mistakes. */
export function providerOf(
  get: (name: string) => string | undefined,
  only: boolean,
  mistakes: string[],
): ProviderSettings | undefined {
  const issuer = get("GOKURA_OIDC_ISSUER");
  const clientId = get("GOKURA_OIDC_CLIENT_ID");
  if (issuer === undefined && clientId === undefined) {
    if (only) mistakes.push("GOKURA_OIDC_ONLY: no provider is set (GOKURA_OIDC_ISSUER): nobody could sign in");
    return undefined;
  }
  if (issuer === undefined || clientId === undefined) {
    mistakes.push("GOKURA_OIDC_ISSUER and GOKURA_OIDC_CLIENT_ID go together: set both");
    return undefined;
  }
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (!url || !isProtected(url) || url.username !== "" || url.search !== "" || url.hash !== "") {
    mistakes.push(
      `GOKURA_OIDC_ISSUER: "${issuer}" is not the https URL of an issuer, such as https://id.example.com/realms/main`,
    );
    return undefined;
  }
  return {
    ...{ issuer, clientId, clientSecret: get("GOKURA_OIDC_CLIENT_SECRET"), only },
    name: get("GOKURA_OIDC_NAME") ?? url.host,
    scopes: get("GOKURA_OIDC_SCOPES") ?? "openid profile email",
  };
}

/** Nobody reads or changes what goes there: https, or this machine. */
function isProtected({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname));
}

/** Names with commas between them. Throws for none at all. */
export function parseNames(text: string): readonly string[] {
  const names = text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  if (names.length === 0) throw new Error("it names nothing");
  return names;
}

/** The name of a claim. Throws for what is none. */
export function parseClaim(text: string): string {
  if (!/^[\x21-\x7e]{1,200}$/.test(text)) throw new Error(`"${text}" is no name of a claim, such as groups`);
  return text;
}
