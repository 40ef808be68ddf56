// ID tokens -> principal. A job of a CI system has no secret of ours: it shows the token by which its own system says, signed,
// which job it is (OpenID Connect). Whoever trusts that system (forge/trusts.ts) has said which claims the token must have,
// and what it may then do. A token may fit several trusts, and then has what each of them gives, where that one opens.
// Nobody's keys are fetched for a token whose issuer nobody trusts: strangers cannot have us ask addresses.
// Sources: OpenID Connect Core 1.0, 2 and 3.1.3.7; RFC 7519; GitHub, "OpenID Connect"; GitLab, "ID tokens".
import type { Trust } from "../../database/generated/client.ts";
import { Failure, type ReasonOf } from "../../errors.ts";
import type { Grant, WorkloadPrincipal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { type ClaimPatterns, type Claims, mismatches } from "./claim-patterns.ts";

/** Longer texts are no ID tokens: those of the forges have 1 to 2 KB. */
const MAX_ID_TOKEN = 12_000;

/** Whether a secret has the form of an ID token (a JWS in compact form); says nothing about whether it is any good. */
export function isIdToken(secret: string): boolean {
  return secret.startsWith("eyJ") && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(secret);
}

/** A trust with what access depends on. */
export type TrustWithGroups = Trust & { readonly groupIds: readonly number[] };

/** Who shows an ID token. Throws unauthenticated with what is wrong with it, or unavailable while its keys cannot be had. */
export async function workloadOf(registry: Registry, token: string): Promise<WorkloadPrincipal> {
  const issuer = issuerOf(token);
  const trusts = await trustsIn(registry, issuer);
  if (trusts.length === 0)
    throw refusedIdToken(
      "id_token_issuer_untrusted",
      `nothing here trusts the issuer ${shown(issuer)}: a Maintainer of the project, or an Owner of the group, can (gokura trust add)`,
    );
  const claims = await registry.idTokens.verify(token, issuer);
  const forUs = trusts.filter(({ audience }) => audiencesOf(claims).includes(audience));
  if (forUs.length === 0)
    throw refusedIdToken(
      "id_token_audience_wrong",
      `the ID token is for the audience ${shown(audiencesOf(claims).join(", "))}, and nothing that trusts its issuer takes that one: ask for a token with the audience that was named to gokura trust add, usually the URL of this server`,
    );
  const fitting = forUs.filter((trust) => mismatches(patternsOf(trust), claims).length === 0);
  if (fitting.length === 0)
    throw refusedIdToken(
      "id_token_claims_mismatch",
      `the ID token of ${shown(String(claims.sub))} is good, but its claims fit none of what trusts its issuer here: gokura trust check says which differ`,
    );
  return {
    kind: "workload",
    issuer,
    subject: String(claims.sub),
    grants: fitting.map(grantOf),
    scopes: [...new Set(fitting.flatMap(({ scopes }) => scopes))],
    validUntil: Math.min(
      Number(claims.exp) * 1000,
      ...fitting.map(({ expiresAt }) => expiresAt?.getTime() ?? Number.POSITIVE_INFINITY),
    ),
  };
}

/** The issuer that a token names, not verified. Throws unauthenticated when it cannot be read. */
export function issuerOf(token: string): string {
  const issuer = token.length > MAX_ID_TOKEN ? undefined : unverifiedClaims(token)?.iss;
  if (typeof issuer === "string" && issuer !== "") return issuer;
  throw refusedIdToken(
    "id_token_unreadable",
    "the token looks like an ID token (a JWT), but cannot be read as one that names its issuer: send it whole, as the CI system gave it",
  );
}

/** What a token says, not verified; undefined: that cannot be read. */
export function unverifiedClaims(token: string): Claims | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? (claims as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** The trusts in an issuer that count now, oldest first. */
export async function trustsIn(registry: Registry, issuer: string): Promise<TrustWithGroups[]> {
  const { rows } = await registry.database.pool.query<TrustWithGroups>({
    name: "trusts-in-issuer",
    text: `SELECT t.id, t.project_id AS "projectId", t.group_id AS "groupId", t.issuer, t.audience, t.claims,
        t.scopes::text[] AS scopes, t.expires_at AS "expiresAt", t.created_at AS "createdAt", g.traversal_ids AS "groupIds"
      FROM trust t LEFT JOIN project p ON p.id = t.project_id JOIN "group" g ON g.id = COALESCE(t.group_id, p.group_id)
      WHERE t.issuer = $1 AND (t.expires_at IS NULL OR t.expires_at > now()) ORDER BY t.id`,
    values: [issuer],
  });
  return rows;
}

/** The claims that a trust asks for. */
export function patternsOf({ claims }: Pick<Trust, "claims">): ClaimPatterns {
  return claims as ClaimPatterns;
}

/** Whom a token is for: one audience or several. */
export function audiencesOf({ aud }: Claims): string[] {
  return (Array.isArray(aud) ? aud : [aud]).filter((one): one is string => typeof one === "string");
}

function grantOf({ projectId, groupId, groupIds, scopes }: TrustWithGroups): Grant {
  return { opens: groupId === null ? { projectId: projectId! } : { groupId }, groupIds, scopes };
}

/** What to say of an ID token that is not taken. */
export function refusedIdToken(reason: ReasonOf<"unauthenticated">, message: string, cause?: unknown): Failure {
  return new Failure("unauthenticated", message, { reason, cause });
}

/** A text that others wrote, short enough for a sentence. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
