// The way to the remotes of mirrors, which people with a project chose: no address is trusted that is not public, not even those
// that an administrator named as upstreams, unless GOKURA_ALLOW_PRIVATE_NETWORKS has it.
import type { Config } from "../config.ts";
import { type GuardedHttp, openHttp } from "../upstream/guarded-http.ts";
import { openRemoteRefs, type RemoteRefsReader } from "./remote-refs.ts";

export interface Remotes {
  readonly http: GuardedHttp;
  readonly remoteRefs: RemoteRefsReader;
  close(): void;
}

/** Opens the way; a connection is made when somebody is asked. */
export function openRemotes(config: Pick<Config, "allowPrivateNetworks" | "upstreamCaFile">): Remotes {
  const { allowPrivateNetworks: allowNetworks, upstreamCaFile: caFile } = config;
  const http = openHttp({ allowNetworks, trustedHosts: new Set(), caFile });
  return { http, remoteRefs: openRemoteRefs(http), close: () => http.close() };
}
