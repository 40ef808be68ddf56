// What administrators are told of checksum databases of others: which of them were caught lying, and what is stored and is not
// what one was proved to say. Nobody is served that; to decide is for the command line (gokura sumdb trust and quarantine),
// where the proof can be looked at.
import { demandAdministrator } from "../access/access.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { type QuarantinedVersion, quarantinedVersions } from "./proved-sums.ts";
import { listMisbehaviours, type Misbehaviour } from "./trusted-heads.ts";

/** All databases that were caught, the latest first, also those that are believed again. Administrators. */
export async function listCaughtDatabases(registry: Registry, principal: Principal): Promise<Misbehaviour[]> {
  demandAdministrator(principal);
  return listMisbehaviours(registry);
}

/** All versions from upstream that are in quarantine, by module path. Administrators. */
export async function listQuarantine(registry: Registry, principal: Principal): Promise<QuarantinedVersion[]> {
  demandAdministrator(principal);
  return quarantinedVersions(registry);
}
