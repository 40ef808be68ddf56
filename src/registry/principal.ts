// Who is asking. A door turns the credentials of a request into one of these, once, and everything below the doors is told
// nothing else about the request.
import type { TokenScope } from "../database/generated/client.ts";

/** A user's access levels, by the id of the group or project of which the user is a direct member. */
export interface Memberships {
  readonly groups: ReadonlyMap<number, number>;
  readonly projects: ReadonlyMap<number, number>;
  /** Groups that contain something of which the user is a member: they may be seen. */
  readonly containing: ReadonlySet<number>;
}

export interface UserPrincipal {
  readonly kind: "user";
  readonly userId: number;
  readonly username: string;
  readonly admin: boolean;
  /** undefined: no token, but the provider of OpenID Connect vouches for the user, on pages. */
  readonly tokenId: number | undefined;
  readonly scopes: readonly TokenScope[];
  readonly memberships: Memberships;
  /** Milliseconds since 1970: when the token or one of the memberships expires; Infinity for never. */
  readonly validUntil: number;
}

/** What a deploy token or a trust opens: one project, or all projects at or below a group. */
export type Opened = { readonly projectId: number } | { readonly groupId: number };

/** A deploy token: it belongs to a project or a group and is nobody. */
export interface DeployPrincipal {
  readonly kind: "deploy-token";
  readonly tokenId: number;
  readonly name: string;
  /** The user name that Basic authentication must carry. */
  readonly username: string;
  readonly opens: Opened;
  /** The groups around its project, or its group and those above. They may be seen. */
  readonly groupIds: readonly number[];
  readonly scopes: readonly TokenScope[];
  readonly validUntil: number;
}

/** What one trust lets a job do. */
export interface Grant {
  readonly opens: Opened;
  /** The groups around its project, or its group and those above. They may be seen. */
  readonly groupIds: readonly number[];
  readonly scopes: readonly TokenScope[];
}

/**
 * A job of a CI system, or anything else that has no secret: an issuer that is trusted here says by an ID token who it is. It
 * is no user, and may what the trusts say that its token fits.
 */
export interface WorkloadPrincipal {
  readonly kind: "workload";
  /** The claims `iss` and `sub` of its token. */
  readonly issuer: string;
  readonly subject: string;
  /** One for each trust; at least one. */
  readonly grants: readonly Grant[];
  /** Those of all grants: what the ways in ask for. What may be done in one place its grants say. */
  readonly scopes: readonly TokenScope[];
  /** When its token, or the first of the trusts, expires. */
  readonly validUntil: number;
}

export interface AnonymousPrincipal {
  readonly kind: "anonymous";
}

/** The person at the machine: the CLI. May do everything. */
export interface OperatorPrincipal {
  readonly kind: "operator";
}

export type Principal = UserPrincipal | DeployPrincipal | WorkloadPrincipal | AnonymousPrincipal | OperatorPrincipal;

export const ANONYMOUS: AnonymousPrincipal = Object.freeze({ kind: "anonymous" });
export const OPERATOR: OperatorPrincipal = Object.freeze({ kind: "operator" });

/** How logs and the audit trail call a principal. */
export function nameOfPrincipal(principal: Principal): string {
  if (principal.kind === "user") return principal.username;
  if (principal.kind === "deploy-token") return `deploy token ${principal.name}`;
  if (principal.kind === "workload") return `job ${principal.subject} of ${principal.issuer}`;
  return principal.kind === "operator" ? "cli" : "anonymous";
}

/** By what somebody was let in, as the audit trail and statements of provenance tell it: which token, or which identity. */
export function credentialOf(principal: Principal): Readonly<Record<string, string | number>> {
  if (principal.kind === "user") return principal.tokenId === undefined ? {} : { tokenId: principal.tokenId };
  if (principal.kind === "deploy-token") return { deployTokenId: principal.tokenId };
  return principal.kind === "workload" ? { issuer: principal.issuer, subject: principal.subject } : {};
}
