import { invalid } from "../../errors.ts";
import { demandGroup } from "../../registry/forge/groups.ts";
import { hookOfDelivery, redeliver } from "../../registry/forge/hook-deliveries.ts";
import { HOOK_EVENTS, type HookEvent } from "../../registry/forge/hook-events.ts";
import { createHook, deleteHook, type HookChange, ownerOfHook, updateHook } from "../../registry/forge/hooks.ts";
import { demandProject } from "../../registry/forge/projects.ts";
import type { HookDeliveryResolvers, HookResolvers, MutationResolvers } from "../generated.ts";
import { globalId, numberIn } from "../global-id.ts";
import { given, payload } from "./payload.ts";

const DELIVERIES_DEFAULT = 20;

export const Hook: HookResolvers = {
  id: (hook) => globalId("Hook", hook),
  hasToken: ({ token }) => token !== null,
  deliveries: async (hook, { first }, { loaders }) =>
    (await loaders.deliveries.load(hook, first ?? DELIVERIES_DEFAULT)) ?? [],
};

export const HookDelivery: HookDeliveryResolvers = {
  id: (delivery) => globalId("HookDelivery", delivery),
};

export const hookMutations = {
  hookCreate: (_, { input: { projectPath, groupPath, ...input } }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      if ((projectPath == null) === (groupPath == null)) throw invalid("name either a project or a group");
      const owner =
        projectPath == null
          ? { group: await demandGroup(registry, principal, groupPath!) }
          : { project: await demandProject(registry, principal, projectPath) };
      const wanted = { ...changeOf(given(input)), url: input.url };
      const { hook, signingKey } = await createHook(registry, principal, owner, wanted);
      return { hook, signingToken: signingKey };
    }),

  hookUpdate: (_, { input: { id, ...input } }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      const number = numberIn("Hook", id);
      const owner = await ownerOfHook(registry, principal, number);
      return { hook: await updateHook(registry, principal, owner, number, changeOf(given(input))) };
    }),

  hookDelete: (_, { input }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      const number = numberIn("Hook", input.id);
      return { hook: await deleteHook(registry, principal, await ownerOfHook(registry, principal, number), number) };
    }),

  hookDeliveryResend: (_, { input }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      const number = numberIn("HookDelivery", input.id);
      const hook = await hookOfDelivery(registry, number);
      const owner = await ownerOfHook(registry, principal, hook);
      return { delivery: await redeliver(registry, principal, owner, hook, number) };
    }),
} satisfies MutationResolvers;

interface Asked {
  readonly url?: string;
  readonly name?: string;
  readonly description?: string;
  readonly events?: readonly string[];
  readonly token?: string;
  readonly signingToken?: string;
}

function changeOf({ events, signingToken, ...rest }: Asked): HookChange {
  return { ...rest, signingKey: signingToken, events: events?.map(eventNamed) };
}

function eventNamed(name: string): HookEvent {
  if (Object.hasOwn(HOOK_EVENTS, name)) return name as HookEvent;
  throw invalid(`there is no event ${name.slice(0, 60)}: choose from ${Object.keys(HOOK_EVENTS).join(", ")}`, "events");
}
