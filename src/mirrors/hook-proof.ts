// What proves that a hook comes from the repository's forge: a signature over the raw body, or, with GitLab's plain token, the
// secret itself. Which forge it is its headers say, and the later ones imitate the earlier: Forgejo sends Gitea's headers too,
// and both send GitHub's. An empty or missing proof is none, never "no secret was set" (Gitea without a secret sends an empty
// signature). Bitbucket puts SHA-256 where GitHub once had SHA-1.
//
// The body is hashed as it comes and kept nowhere, because nothing in it counts: what a hook says is only that the remote may
// have something new.
//
// Sources: GitHub, "Validating webhook deliveries"; Gitea and Forgejo, "Webhooks"; GitLab, "Webhooks" (secret token, signing
// token); Bitbucket, "Secure webhooks"; Standard Webhooks (id.timestamp.body, whsec_, five minutes).
import { createHash, createHmac, type Hmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** How old a hook may be that says when it was sent, in seconds. */
const TOLERANCE_SECONDS = 300;
const STANDARD_PREFIX = "whsec_";

/** A proof that is being checked. */
export interface HookProof {
  /** The next piece of the body. */
  update(chunk: Buffer): void;
  /** After the last piece. */
  isGood(): boolean;
}

const NONE: HookProof = { update() {}, isGood: () => false };

/** The proof that a hook brings, to be checked against a mirror's secret. `now`: seconds since 1970. */
export function hookProof(headers: IncomingHttpHeaders, secret: string, now: number = Date.now() / 1000): HookProof {
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const hex = (signature: string | undefined): HookProof =>
    /^[0-9a-f]{64}$/.test(signature ?? "")
      ? signed(createHmac("sha256", secret), [Buffer.from(signature!, "hex")])
      : NONE;
  const named = (signature: string | undefined): HookProof =>
    signature?.startsWith("sha256=") ? hex(signature.slice("sha256=".length)) : NONE;

  if (header("x-forgejo-event")) return hex(header("x-forgejo-signature"));
  if (header("x-gitea-event")) return hex(header("x-gitea-signature"));
  const signature = header("webhook-signature");
  if (signature) return standard(signature, header("webhook-id"), header("webhook-timestamp"), secret, now);
  if (header("x-gitlab-event")) return plain(header("x-gitlab-token"), secret);
  if (header("x-event-key")) return named(header("x-hub-signature"));
  return named(header("x-hub-signature-256"));
}

function signed(hmac: Hmac, good: readonly Buffer[]): HookProof {
  return {
    update: (chunk) => void hmac.update(chunk),
    isGood() {
      const digest = hmac.digest();
      return good.filter((one) => one.length === digest.length && timingSafeEqual(one, digest)).length > 0;
    },
  };
}

/** Standard Webhooks: any of the signatures in the header will do, so that secrets can be rotated. */
function standard(
  signatures: string,
  id: string | undefined,
  timestamp: string | undefined,
  secret: string,
  now: number,
): HookProof {
  const age = now - Number(timestamp);
  if (id === undefined || !/^\d{1,12}$/.test(timestamp ?? "") || Math.abs(age) > TOLERANCE_SECONDS) return NONE;
  const key = secret.startsWith(STANDARD_PREFIX)
    ? Buffer.from(secret.slice(STANDARD_PREFIX.length), "base64")
    : Buffer.from(secret);
  const good = signatures
    .split(" ")
    .filter((one) => one.startsWith("v1,"))
    .map((one) => Buffer.from(one.slice("v1,".length), "base64"));
  return signed(createHmac("sha256", key).update(`${id}.${timestamp}.`), good);
}

/** Two texts of any length are compared in the same time by their digests. */
function plain(token: string | undefined, secret: string): HookProof {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const good = token !== undefined && timingSafeEqual(digest(token), digest(secret));
  return { update() {}, isGood: () => good };
}
