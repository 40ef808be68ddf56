// Which claims of an ID token a trust asks for. Each has a pattern: the very value, or one with stars. `*` stands for any text
// without `/` and `:`, `**` for any text: the elements of a claim such as repo:acme/lib:ref:refs/heads/main are parted by
// these two, and a star that ran over them would let somebody choose a branch's or a repository's name so that it fits.
// A claim fits by its text: numbers and booleans as JSON writes them; of a list one of its elements must fit.
import { invalid } from "../../errors.ts";
import { isKeepable } from "../text.ts";

/** Patterns by the name of the claim. */
export type ClaimPatterns = Readonly<Record<string, string>>;

/** Claims of an ID token, as JSON. */
export type Claims = Readonly<Record<string, unknown>>;

/** A claim that does not fit: what is asked for, and what the token says; undefined: it has no such claim. */
export interface ClaimMismatch {
  readonly claim: string;
  readonly pattern: string;
  readonly value: string | undefined;
}

const MAX_CLAIMS = 20;
const MAX_PATTERN = 500;

/** Issuers by which everybody can have tokens: a claim must say whose they are. */
const SHARED_ISSUERS: readonly RegExp[] = [
  /^https:\/\/token\.actions\.githubusercontent\.com$/,
  /^https:\/\/gitlab\.com$/,
  /^https:\/\/api\.bitbucket\.org\//,
  /^https:\/\/agent\.buildkite\.com$/,
  /^https:\/\/oidc\.circleci\.com\//,
  /^https:\/\/accounts\.google\.com$/,
];

/**
 * The claims that say whose a token of such an issuer is, and what a pattern must begin with before its first star: an owner
 * and what ends its name, or anything at all where the whole claim is one number or name.
 */
const OWNER_CLAIMS: Readonly<Record<string, RegExp>> = {
  sub: /^[^*]+[/:][^*]*[/:]/,
  repository: /^[^*/]+\//,
  project_path: /^[^*/]+\//,
  namespace_path: /^[^*/]+(\/|$)/,
  job_workflow_ref: /^[^*/]+\/[^*/]+\//,
};
const OWNER_IDS: readonly string[] = [
  "repository_owner",
  "repository_owner_id",
  "repository_id",
  "namespace_id",
  "project_id",
  "workspaceUuid",
  "repositoryUuid",
  "organization_id",
  "organization_slug",
  "email",
];

/** Checks what a trust asks for. Throws invalid when it would let in whom nobody means. */
export function checkPatterns(issuer: string, patterns: ClaimPatterns): void {
  const entries = Object.entries(patterns);
  if (entries.length === 0 || entries.every(([, pattern]) => /^\**$/.test(pattern)))
    throw invalid(
      "name at least one claim that must match, such as repository=acme/lib: else every token of the issuer would do",
      "claims",
    );
  if (entries.length > MAX_CLAIMS) throw invalid(`at most ${MAX_CLAIMS} claims can be asked for`, "claims");
  for (const [claim, pattern] of entries) {
    if (claim === "" || pattern === "" || pattern.length > MAX_PATTERN || claim.length > MAX_PATTERN)
      throw invalid(`a claim has a name and a pattern of 1 to ${MAX_PATTERN} characters`, "claims");
    // A key that objects of JavaScript, and so what writes JSON, do not take for one of their own.
    if (claim === "__proto__") throw invalid("__proto__ is no name of a claim", "claims");
    if (!isKeepable(claim + pattern)) throw invalid("claims and patterns are Unicode, without NUL", "claims");
    if (["iss", "aud", "exp", "nbf", "iat", "jti"].includes(claim))
      throw invalid(
        `${claim} is looked at anyway: the issuer and the audience have fields of their own, times are kept`,
        "claims",
      );
  }
  if (SHARED_ISSUERS.some((shared) => shared.test(issuer)) && !entries.some(namesOwner))
    throw invalid(
      `everybody can have a token of ${issuer}: ask for a claim that names the owner, such as repository=acme/lib, repository=acme/*, repository_owner=acme, or project_path=acme/lib`,
      "claims",
    );
}

function namesOwner([claim, pattern]: readonly [string, string]): boolean {
  if (OWNER_IDS.includes(claim)) return !pattern.includes("*");
  const owner = OWNER_CLAIMS[claim];
  if (owner === undefined) return false;
  return !pattern.includes("*") || owner.test(pattern);
}

/** The claims that do not fit; none: the token is one of those that are meant. */
export function mismatches(patterns: ClaimPatterns, claims: Claims): ClaimMismatch[] {
  return Object.entries(patterns).flatMap(([claim, pattern]): ClaimMismatch[] => {
    const values = textsOf(Object.hasOwn(claims, claim) ? claims[claim] : undefined);
    if (values.some((value) => fits(pattern, value))) return [];
    return [{ claim, pattern, value: values.length === 0 ? undefined : values.join(", ") }];
  });
}

function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => (Array.isArray(one) ? [] : textsOf(one)));
  if (typeof value === "string") return [value];
  return typeof value === "number" || typeof value === "boolean" ? [String(value)] : [];
}

/**
 * Whether a text fits a pattern, in time that grows with the product of their lengths: the positions of the text that the
 * pattern can have come to are followed, and none is tried twice.
 */
export function fits(pattern: string, text: string): boolean {
  if (!pattern.includes("*")) return pattern === text;
  let reached = new Set([0]);
  for (const piece of pattern.match(/\*+|[^*]+/g) ?? []) {
    const next = new Set<number>();
    for (const at of reached) {
      if (!piece.startsWith("*")) {
        if (text.startsWith(piece, at)) next.add(at + piece.length);
        continue;
      }
      for (let end = at; ; end++) {
        if (next.has(end)) break; // from here on another way has gone already
        next.add(end);
        if (end >= text.length || (piece === "*" && "/:".includes(text[end]!))) break;
      }
    }
    reached = next;
  }
  return reached.has(text.length);
}
