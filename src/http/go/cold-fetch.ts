// What the anonymous may have fetched from upstream in a minute (GOKURA_LIMIT_COLD_FETCHES). The point is taken before anybody
// knows whether upstream must be asked, so that many requests at once are counted one by one, and given back where it was not.
// Whoever has none left is served what is stored, as with Disable-Module-Fetch; only what is not is refused.
import { type Failure, isFailure } from "../../errors.ts";
import { machineOf } from "../../network/ip-address.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";

export interface ColdFetch {
  /** Why upstream may not be asked; undefined: it may. */
  readonly refused: Failure | undefined;
  /** To be called when upstream was not asked. */
  answeredFromStore(): Promise<void>;
}

const FREE: ColdFetch = { refused: undefined, answeredFromStore: async () => {} };

/** Takes the point for one request; those who send a token, and whoever wants only what is stored, need none. */
export async function beginColdFetch(
  { limits }: Registry,
  principal: Principal,
  address: string,
  storedOnly: boolean,
): Promise<ColdFetch> {
  if (principal.kind !== "anonymous" || storedOnly) return FREE;
  const machine = machineOf(address);
  try {
    await limits.take("cold_fetches", machine);
    return { refused: undefined, answeredFromStore: () => limits.giveBack("cold_fetches", machine) };
  } catch (error) {
    if (!isFailure(error, "too-many")) throw error;
    return { refused: error, answeredFromStore: async () => {} };
  }
}
