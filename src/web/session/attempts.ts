// How often an address may try to sign in. Tokens are random and long, so this is not what keeps them from being guessed; it
// keeps a page that anybody may ask from being one that asks the database without end.
import { LRUCache } from "lru-cache";
import { Failure } from "../../errors.ts";
import { machineOf } from "../../network/ip-address.ts";
import type { Registry } from "../../registry/registry.ts";

/** So many failures an address has within the window; then it waits until the window is over. */
const MAX_FAILURES = 10;
const WINDOW_MS = 60_000;
/** Addresses that are remembered; beyond that the one is forgotten that was seen longest ago. */
const MAX_ADDRESSES = 10_000;

interface SignInAttempts {
  /** Refuses an address that failed too often a moment ago. */
  check(address: string): void;
  /** Notes that an address failed. */
  failed(address: string): void;
}

const counted = new WeakMap<Registry, SignInAttempts>();

/** The attempts at a server, counted since the first of them. */
export function attemptsAt(registry: Registry): SignInAttempts {
  const known = counted.get(registry) ?? countAttempts();
  counted.set(registry, known);
  return known;
}

function countAttempts(): SignInAttempts {
  const failures = new LRUCache<string, number>({ max: MAX_ADDRESSES, ttl: WINDOW_MS });
  return {
    check(address) {
      if ((failures.get(machineOf(address)) ?? 0) >= MAX_FAILURES)
        throw new Failure("unavailable", "too many tokens that were not good: wait a minute and try again", {
          reason: "server_busy",
        });
    },
    failed(address) {
      const machine = machineOf(address);
      failures.set(machine, (failures.get(machine) ?? 0) + 1, { noUpdateTTL: true });
    },
  };
}
