// How often an address may come with credentials that are not good. Tokens are random and long, so this is not what keeps them
// from being guessed; it keeps doors that anybody may knock at from asking the database, and from verifying signatures,
// without end. What counts is how many different ones were wrong: a machine that sends the same old token with every request
// is not refused anything else than that. Good ones never count.
import type { Reason } from "../../errors.ts";
import { machineOf } from "../../network/ip-address.ts";
import type { Registry } from "../registry.ts";
import { digestOf } from "./token-format.ts";

/** Credentials that were good once, or are of a door of their own, are no guesses. */
const NO_GUESSES: ReadonlySet<Reason> = new Set([
  ...["token_required", "token_revoked", "token_expired", "token_of_another", "user_blocked", "id_token_expired"],
  ...["deploy_token_username_wrong", "hook_unproved", "provider_answer_wrong"],
] as const);

/** Refuses an address whose sign-ins failed too often within the minute. */
export async function checkSignIn({ limits }: Registry, address: string): Promise<void> {
  await limits.check("sign_ins", machineOf(address));
}

/** Notes that a sign-in failed. */
export async function signInFailed({ limits }: Registry, address: string): Promise<void> {
  await limits.note("sign_ins", machineOf(address));
}

/** Refuses an address that came with too many wrong credentials within the minute, unless these were good once, or wrong a moment ago. */
export async function checkCredentials({ limits, memory }: Registry, address: string, secret: string): Promise<void> {
  const [machine, digest] = [machineOf(address), digestOf(secret)];
  if (memory.onceGood.has(digest)) return;
  if (!(await limits.wasNoted("wrong_credentials", machine, digest))) await limits.check("wrong_credentials", machine);
}

/** Notes that credentials were refused, if they may have been guessed. */
export async function credentialsRefused(
  { limits }: Registry,
  address: string,
  secret: string,
  reason: Reason,
): Promise<void> {
  if (!NO_GUESSES.has(reason)) await limits.note("wrong_credentials", machineOf(address), digestOf(secret));
}
