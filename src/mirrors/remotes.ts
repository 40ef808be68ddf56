// The way to the remotes of mirrors, which people with a project chose: no address is trusted that is not public, not even those
// that an administrator named as upstreams, unless GOKURA_ALLOW_PRIVATE_NETWORKS has it.
import type { Config } from "../config.ts";
import { secretOf } from "../registry/forge/credentials.ts";
import type { Registry } from "../registry/registry.ts";
import type { CredentialRow } from "../registry/rows.ts";
import { type GuardedHttp, openHttp } from "../upstream/guarded-http.ts";
import { type GitHubApps, openGitHubApps } from "./github-app.ts";
import { openRemoteRefs, type RemoteRefsReader } from "./remote-refs.ts";

export interface Remotes {
  readonly http: GuardedHttp;
  readonly remoteRefs: RemoteRefsReader;
  readonly gitHubApps: GitHubApps;
  close(): void;
}

/** Opens the way; a connection is made when somebody is asked. */
export function openRemotes(config: Pick<Config, "allowPrivateNetworks" | "upstreamCaFile">): Remotes {
  const { allowPrivateNetworks: allowNetworks, upstreamCaFile: caFile } = config;
  const http = openHttp({ allowNetworks, trustedHosts: new Set(), caFile });
  return {
    ...{ http, remoteRefs: openRemoteRefs(http), gitHubApps: openGitHubApps(http) },
    close: () => http.close(),
  };
}

/** The password or token that a credential is now: an app makes one. Throws unavailable when there is none to be had. */
export async function passwordOf(
  registry: Registry,
  { gitHubApps }: Pick<Remotes, "gitHubApps">,
  url: string,
  credential: CredentialRow,
  signal?: AbortSignal,
): Promise<string> {
  const { origin } = new URL(url);
  const secret = await secretOf(registry, origin, credential);
  const { kind, appId, installationId } = credential;
  if (kind !== "GITHUB_APP") return secret;
  return gitHubApps.token(origin, { appId: appId!, installationId: installationId!, privateKey: secret }, signal);
}
