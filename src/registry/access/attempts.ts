// How often an address may come with credentials that are not good. Tokens are random and long, so this is not what keeps them
// from being guessed; it keeps doors that anybody may knock at from asking the database, and from verifying signatures,
// without end. What counts is how many different ones were wrong: a machine that sends the same old token with every request
// is not refused anything else than that.
import { LRUCache } from "lru-cache";
import { Failure, type Reason } from "../../errors.ts";
import { machineOf } from "../../network/ip-address.ts";
import type { Registry } from "../registry.ts";
import { digestOf } from "./token-format.ts";

/** So many failures an address has within the window at the page where people sign in; then it waits until that is over. */
const MAX_SIGN_INS = 10;
/** So many different wrong credentials an address has within the window at all other doors, where machines ask. */
const MAX_WRONG = 60;
const WINDOW_MS = 60_000;
/** Addresses that are remembered; beyond that the one is forgotten that was seen longest ago. */
const MAX_ADDRESSES = 10_000;

/** Credentials that were good once, or are of a door of their own, are no guesses. */
const NO_GUESSES: ReadonlySet<Reason> = new Set([
  ...["token_required", "token_revoked", "token_expired", "token_of_another", "user_blocked", "id_token_expired"],
  ...["deploy_token_username_wrong", "hook_unproved", "provider_answer_wrong"],
] as const);

export interface Attempts {
  /** Refuses an address whose sign-ins failed too often a moment ago. */
  checkSignIn(address: string): void;
  /** Notes that a sign-in failed. */
  signInFailed(address: string): void;
  /** Refuses an address that came with too many wrong credentials a moment ago, unless these are known to be good. */
  check(address: string, secret: string): void;
  /** Notes that credentials were refused, if they may have been guessed. */
  refused(address: string, secret: string, reason: Reason): void;
}

const counted = new WeakMap<Registry, Attempts>();

/** The attempts at a server, counted since the first of them. */
export function attemptsAt(registry: Registry): Attempts {
  const known = counted.get(registry) ?? countAttempts(registry);
  counted.set(registry, known);
  return known;
}

function countAttempts({ memory }: Registry): Attempts {
  const kept = { max: MAX_ADDRESSES, ttl: WINDOW_MS };
  const signIns = new LRUCache<string, number>(kept);
  const wrong = new LRUCache<string, Set<string>>(kept);
  return {
    checkSignIn(address) {
      if ((signIns.get(machineOf(address)) ?? 0) < MAX_SIGN_INS) return;
      throw tooMany("tokens that were not good: wait a minute and try again");
    },
    signInFailed(address) {
      const machine = machineOf(address);
      signIns.set(machine, (signIns.get(machine) ?? 0) + 1, { noUpdateTTL: true });
    },
    check(address, secret) {
      const seen = wrong.get(machineOf(address));
      if (seen === undefined || seen.size < MAX_WRONG) return;
      const digest = digestOf(secret);
      if (seen.has(digest) || memory.principals.get(digest) !== undefined) return;
      throw tooMany("different wrong credentials came from your address: wait a minute");
    },
    refused(address, secret, reason) {
      if (NO_GUESSES.has(reason)) return;
      const machine = machineOf(address);
      const seen = wrong.get(machine);
      if (seen === undefined) wrong.set(machine, new Set([digestOf(secret)]));
      else seen.add(digestOf(secret)); // at most as many as are looked at
    },
  };
}

function tooMany(what: string): Failure {
  return new Failure("unavailable", `too many ${what}`, { reason: "too_many_wrong_credentials" });
}
