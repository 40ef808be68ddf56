import { addMirror } from "../../mirrors/add-mirror.ts";
import { wantLook } from "../../registry/forge/mirror-looks.ts";
import { deleteMirror, demandMirror } from "../../registry/forge/mirrors.ts";
import type { MirrorResolvers, MutationResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { payload } from "./payload.ts";

export const Mirror: MirrorResolvers = {
  id: (mirror) => globalId("Mirror", mirror),
  username: ({ credential }) => credential?.username ?? null,
  hookUrl: ({ id }, _, { urls }) => `${urls.instance}/-/hooks/${id}`,
};

export const mirrorMutations = {
  mirrorCreate: (_, { input: { projectPath, url, username, password, modulePrefix, intervalSeconds } }, context) =>
    payload(context, async () => {
      const { registry, principal, remotes } = context;
      const added = await addMirror(registry, remotes, principal, projectPath, {
        url,
        credential: password == null ? undefined : { username: username ?? "git", password },
        modulePrefix: modulePrefix ?? undefined,
        intervalSeconds: intervalSeconds ?? undefined,
      });
      const { mirror, hookSecret, withoutPrefix } = added;
      return { mirror, hookSecret, withoutPrefix: withoutPrefix ?? null };
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
