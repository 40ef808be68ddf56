// Whose share of a server a request takes, where there is only so much at once or in a minute.
import { machineOf } from "../../network/ip-address.ts";
import type { Principal } from "../principal.ts";

/** Who signed in, or else the address; of IPv6 the network, all of whose addresses one machine may have. */
export function callerOf(principal: Principal, address: string): string {
  if (principal.kind === "user") return `user ${principal.userId}`;
  if (principal.kind === "deploy-token") return `token ${principal.tokenId}`;
  if (principal.kind === "workload") return `job ${principal.issuer} ${principal.subject}`;
  return machineOf(address);
}
