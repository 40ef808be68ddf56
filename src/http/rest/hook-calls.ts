// Hooks of projects, of groups and of the instance (doc/api/project_webhooks.md, group_webhooks.md, system_hooks.md). GitLab
// chooses events by fields of its own, such as push_events, of which none is what a Go registry tells: here `events` names
// them, and without it a hook is told of all. Deliveries are GitLab's "events of a hook".
import * as z from "zod";
import { deliveriesOf, redeliver, testHook } from "../../registry/forge/hook-deliveries.ts";
import { HOOK_EVENTS, type HookEvent } from "../../registry/forge/hook-events.ts";
import {
  createHook,
  deleteHook,
  findHook,
  findHooks,
  type HookChange,
  type HookOwner,
  updateHook,
} from "../../registry/forge/hooks.ts";
import type { HookDeliveryRow, HookRow } from "../../registry/rows.ts";
import { type Call, type CallRequest, call, listCall } from "./call.ts";
import { boolean, choice, idOrPath, list, numberOf, text } from "./parameter.ts";
import { projectOrGroup } from "./project-or-group.ts";

const EVENT_NAMES = Object.keys(HOOK_EVENTS) as [HookEvent, ...HookEvent[]];

const Hook = z
  .object({
    id: z.int(),
    project_id: z.int().optional(),
    group_id: z.int().optional(),
    url: z.string(),
    name: z.string(),
    description: z.string(),
    events: z.array(z.string()),
    token_present: z.boolean(),
    signing_token_present: z.boolean(),
    enable_ssl_verification: z.boolean(),
    alert_status: z.enum(["executable", "disabled"]).describe("Disabled: it said 410, or failed for five days"),
    disabled_until: z.null(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Hook" });

const NewHook = Hook.extend({
  signing_token: z.string().describe("The key of its signatures. Here and nowhere else"),
}).meta({ id: "NewHook" });

const Delivery = z
  .object({
    id: z.int(),
    url: z.string(),
    trigger: z.string().describe("The event"),
    message_id: z.string().describe("The header webhook-id of all its attempts"),
    request_data: z.record(z.string(), z.unknown()),
    attempts: z.int(),
    next_attempt_at: z.iso.datetime().nullable().describe("Null: it is over"),
    response_status: z.string().nullable(),
    response_body: z.string().nullable(),
    execution_duration: z.number().nullable().describe("Seconds"),
    error: z.string().nullable().describe("Why there was no answer"),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "HookDelivery" });

const FIELDS = {
  name: text().optional(),
  description: text().optional(),
  events: list(choice(EVENT_NAMES)).optional().describe("Which it is told of"),
  token: text().optional().describe("Sent as X-Gitlab-Token"),
  signing_token: text().optional().describe("whsec_ and base64 of 24 to 64 bytes, the key of its signatures"),
  enable_ssl_verification: boolean()
    .refine((on) => on)
    .optional()
    .describe("Certificates are always verified"),
};

const tag = "Hooks";
type Kind = "project" | "group" | "instance";
const ROOTS = { project: "/projects/:id/hooks", group: "/groups/:id/hooks", instance: "/hooks" } as const;
const WHO = { project: "Maintainers.", group: "Owners.", instance: "Administrators." };
const OF = { project: "a project", group: "a group and all below it", instance: "the instance" };

function callsOf(kind: Kind): Call[] {
  const id = kind === "instance" ? undefined : idOrPath(kind);
  const place = id === undefined ? {} : { id };
  const one = { ...place, hook_id: numberOf("hook") };
  const root = ROOTS[kind];
  const about = { tag, description: WHO[kind], failures: [404] } as const;
  const ownerOf = async (asked: CallRequest<object>): Promise<HookOwner> =>
    kind === "instance" ? "instance" : projectOrGroup(kind, asked as CallRequest<{ readonly id: number | string }>);
  return [
    listCall({
      ...about,
      path: root,
      summary: `The hooks of ${OF[kind]}`,
      scope: "api read",
      parameters: place,
      row: Hook,
      read: async (asked, numbered) => {
        const found = await findHooks(asked.registry, asked.principal, await ownerOf(asked), numbered);
        return { ...found, rows: found.rows.map(hookOf) };
      },
    }),
    call({
      ...about,
      method: "POST",
      path: root,
      summary: `Make a hook of ${OF[kind]}`,
      scope: "api write",
      parameters: { ...place, url: text(), ...FIELDS },
      status: 201,
      answer: NewHook,
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const wanted = { ...changeOf(parameters), url: parameters.url };
        const { hook, signingKey } = await createHook(registry, principal, await ownerOf(asked), wanted);
        return { ...hookOf(hook), signing_token: signingKey };
      },
    }),
    call({
      ...about,
      method: "GET",
      path: `${root}/:hook_id`,
      summary: `Show a hook of ${OF[kind]}`,
      scope: "api read",
      parameters: one,
      status: 200,
      answer: Hook,
      handle: async (asked) =>
        hookOf(await findHook(asked.registry, asked.principal, await ownerOf(asked), asked.parameters.hook_id)),
    }),
    call({
      ...about,
      method: "PUT",
      path: `${root}/:hook_id`,
      summary: `Change a hook of ${OF[kind]}, which switches it on again`,
      scope: "api write",
      parameters: { ...one, url: text().optional(), ...FIELDS },
      clearable: ["token"],
      status: 200,
      answer: Hook,
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const wanted = { ...changeOf(parameters), url: parameters.url };
        return hookOf(await updateHook(registry, principal, await ownerOf(asked), parameters.hook_id, wanted));
      },
    }),
    call({
      ...about,
      method: "DELETE",
      path: `${root}/:hook_id`,
      summary: `Delete a hook of ${OF[kind]}`,
      scope: "api write",
      parameters: one,
      status: 204,
      handle: async (asked) => {
        await deleteHook(asked.registry, asked.principal, await ownerOf(asked), asked.parameters.hook_id);
      },
    }),
    call({
      ...about,
      method: "POST",
      path: `${root}/:hook_id/test/:trigger`,
      failures: [404, 409],
      summary: "Tell a hook of an event that did not happen",
      scope: "api write",
      parameters: { ...one, trigger: choice(EVENT_NAMES) },
      status: 201,
      answer: Delivery,
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const owner = await ownerOf(asked);
        const hook = await findHook(registry, principal, owner, parameters.hook_id);
        return deliveryOf(hook, await testHook(registry, principal, owner, hook.id, parameters.trigger));
      },
    }),
    listCall({
      ...about,
      path: `${root}/:hook_id/events`,
      summary: "The deliveries of a hook: those that wait, and the last hundred, newest first",
      scope: "api read",
      parameters: one,
      row: Delivery,
      read: async (asked, numbered) => {
        const { registry, principal, parameters } = asked;
        const owner = await ownerOf(asked);
        const hook = await findHook(registry, principal, owner, parameters.hook_id);
        const found = await deliveriesOf(registry, principal, owner, hook.id, numbered);
        return { ...found, rows: found.rows.map((row) => deliveryOf(hook, row)) };
      },
    }),
    call({
      ...about,
      method: "POST",
      path: `${root}/:hook_id/events/:hook_event_id/resend`,
      failures: [404, 409],
      summary: "Have a delivery made once more",
      scope: "api write",
      parameters: { ...one, hook_event_id: numberOf("delivery") },
      status: 201,
      answer: Delivery,
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const owner = await ownerOf(asked);
        const hook = await findHook(registry, principal, owner, parameters.hook_id);
        return deliveryOf(hook, await redeliver(registry, principal, owner, hook.id, parameters.hook_event_id));
      },
    }),
  ];
}

export const hookCalls = [...callsOf("project"), ...callsOf("group"), ...callsOf("instance")];

function changeOf(asked: {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly events?: readonly HookEvent[] | undefined;
  readonly token?: string | undefined;
  readonly signing_token?: string | undefined;
}): HookChange {
  const { name, description, events, token, signing_token: signingKey } = asked;
  return { name, description, events, token, signingKey };
}

function hookOf(hook: HookRow): z.input<typeof Hook> {
  return {
    id: hook.id,
    ...(hook.projectId === null ? {} : { project_id: hook.projectId }),
    ...(hook.groupId === null ? {} : { group_id: hook.groupId }),
    url: hook.url,
    name: hook.name,
    description: hook.description,
    events: hook.events,
    token_present: hook.token !== null,
    signing_token_present: true,
    enable_ssl_verification: true,
    alert_status: hook.disabledAt === null ? "executable" : "disabled",
    disabled_until: null,
    created_at: hook.createdAt.toISOString(),
  };
}

function deliveryOf(hook: HookRow, row: HookDeliveryRow): z.input<typeof Delivery> {
  return {
    id: row.id,
    url: hook.url,
    trigger: row.event,
    message_id: row.messageId,
    request_data: JSON.parse(row.body),
    attempts: row.attempts,
    next_attempt_at: row.nextAttemptAt?.toISOString() ?? null,
    response_status: row.status === null ? null : String(row.status),
    response_body: row.response,
    execution_duration: row.durationMs === null ? null : row.durationMs / 1000,
    error: row.error,
    created_at: row.createdAt.toISOString(),
  };
}
