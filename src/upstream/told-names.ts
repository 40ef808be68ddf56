// A warning for administrators: whoever verifies tells a public checksum database the names of what is fetched. Where an
// upstream has modules of one's own, and one that takes credentials or stands in a private network probably has, these names
// leave the house unless GOKURA_UPSTREAM_NOSUMDB keeps them.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { UpstreamList } from "./policy.ts";
import { reachableAddresses } from "./reachable-address.ts";
import type { VerificationSettings } from "./upstream-verification.ts";

/** Sentences, one for each upstream that probably has private modules; none where patterns are set or nothing is verified. */
export async function toldNames(list: UpstreamList, { mode, noSumdb }: VerificationSettings): Promise<string[]> {
  if (mode === "off" || noSumdb !== "") return [];
  const warnings = await Promise.all(
    list.map(async (upstream) => {
      if (upstream.kind !== "proxy") return [];
      const why =
        upstream.authorization !== undefined
          ? "takes credentials"
          : (await isPrivate(new URL(upstream.url).hostname))
            ? "is in a private network"
            : undefined;
      if (why === undefined) return [];
      return [
        `the upstream ${upstream.name} ${why}, and the names of all modules from there are told to a checksum database, which is public unless you set GOKURA_SUMDB: name those of your own in GOKURA_UPSTREAM_NOSUMDB`,
      ];
    }),
  );
  return warnings.flat();
}

/** Whether a host has an address that the open internet has not. */
async function isPrivate(hostname: string): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, "");
  const isPublic = reachableAddresses([]);
  if (isIP(host) !== 0) return !isPublic(host);
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.some(({ address }) => !isPublic(address));
}
