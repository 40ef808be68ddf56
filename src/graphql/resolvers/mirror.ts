import { invalid } from "../../errors.ts";
import { addMirror } from "../../mirrors/add-mirror.ts";
import { fingerprintOf } from "../../registry/forge/deploy-key.ts";
import { wantLook } from "../../registry/forge/mirror-looks.ts";
import { deleteMirror, demandMirror, updateMirror } from "../../registry/forge/mirrors.ts";
import type { GitHubApp, RemoteCredential } from "../../registry/forge/remote-url.ts";
import type { MirrorResolvers, MirrorUpdateInput, MutationResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { payload } from "./payload.ts";

export const Mirror: MirrorResolvers = {
  id: (mirror) => globalId("Mirror", mirror),
  username: ({ credential }) => credential?.username ?? null,
  gitHubApp: ({ credential }) => credential?.appId ?? null,
  deployKey: ({ credential }) => credential?.publicKey ?? null,
  hostKeyFingerprint: ({ credential }) => (credential?.hostKey ? fingerprintOf(credential.hostKey) : null),
  hookUrl: ({ id }, _, { urls }) => `${urls.instance}/-/hooks/${id}`,
};

/** The credential of an input; undefined: nothing is said of one. */
function credentialIn(
  input: Pick<MirrorUpdateInput, "username" | "password" | "gitHubApp">,
): RemoteCredential | GitHubApp | undefined {
  const { username, password, gitHubApp } = input;
  if (gitHubApp != null && password != null) throw invalid("goes without a password", "gitHubApp");
  if (gitHubApp != null) return gitHubApp;
  return password == null ? undefined : { username: username ?? "git", password };
}

export const mirrorMutations = {
  mirrorCreate: (_, { input }, context) =>
    payload(context, async () => {
      const { registry, principal, remotes } = context;
      const { projectPath, url, modulePrefix, intervalSeconds } = input;
      const added = await addMirror(registry, remotes, principal, projectPath, {
        url,
        credential: credentialIn(input),
        modulePrefix: modulePrefix ?? undefined,
        intervalSeconds: intervalSeconds ?? undefined,
      });
      const { mirror, hookSecret, withoutPrefix } = added;
      return { mirror, hookSecret, withoutPrefix: withoutPrefix ?? null };
    }),

  mirrorUpdate: (_, { input }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      const { projectPath, url, enabled, intervalSeconds, password, gitHubApp, forgetHostKey } = input;
      const isTakenAway = password === "" && gitHubApp == null;
      const mirror = await updateMirror(registry, principal, projectPath, {
        url: url ?? undefined,
        credential: isTakenAway ? null : credentialIn(input),
        enabled: enabled ?? undefined,
        intervalSeconds,
        forgetHostKey: forgetHostKey ?? false,
      });
      return { mirror };
    }),

  mirrorSync: (_, { input: { projectPath } }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      const { projectId } = await demandMirror(registry, principal, projectPath, "mirror.sync");
      await wantLook(registry, projectId, 0);
      return { mirror: await demandMirror(registry, principal, projectPath) };
    }),

  mirrorDelete: (_, { input: { projectPath } }, context) =>
    payload(context, async () => ({
      mirror: await deleteMirror(context.registry, context.principal, projectPath),
    })),
} satisfies MutationResolvers;
