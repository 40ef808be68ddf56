// Hooks: addresses that are told what happens (hook-events.ts), of a project, of a group and all below it, or of the instance;
// in GitLab's words (doc/api/project_webhooks.md, group_webhooks.md, system_hooks.md). A hook that reaches nobody is switched
// off in the end (hook-deliveries.ts), and on again by changing it. What is sent along as X-Gitlab-Token goes to the address
// that it was given for: a hook that is pointed at another server loses it.
import { randomBytes } from "node:crypto";
import { invalid, notFound } from "../../errors.ts";
import {
  demandAct,
  demandAdministrator,
  demandGroupAct,
  isAdministrator,
  mayAct,
  mayGroupAct,
} from "../access/access.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { isId } from "../lists/keyset-page.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow, HookRow, ProjectRow } from "../rows.ts";
import { checkDescription, checkName, isKeepable } from "../text.ts";
import { HOOK_EVENTS, type HookEvent } from "./hook-events.ts";

/** Whose hooks. */
export type HookOwner = { readonly project: ProjectRow } | { readonly group: GroupRow } | "instance";

/** What of a hook can be said; what is not given stays as it is, or is as usual. */
export interface HookChange {
  readonly url?: string | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** All of them, if not given when it is made. */
  readonly events?: readonly HookEvent[] | undefined;
  /** Sent as X-Gitlab-Token; "": none. */
  readonly token?: string | undefined;
  /** The key of its signatures, whsec_ and base64 of 24 to 64 bytes; made up when it is made. */
  readonly signingKey?: string | undefined;
}

/** A hook that was made, with the key of its signatures, which cannot be had again. */
export interface MadeHook {
  readonly hook: HookRow;
  readonly signingKey: string;
}

const MAX_HOOKS = 100;
const MAX_URL = 2_000;
const MAX_TOKEN = 500;
const SIGNING_KEY_PURPOSE = "signing key of a hook";
const WITH_OWNER = { project: { include: { group: true } }, group: true } as const;

/** Makes a hook: Maintainers of the project, Owners of the group, administrators. */
export async function createHook(
  registry: Registry,
  principal: Principal,
  owner: HookOwner,
  input: HookChange & { readonly url: string },
): Promise<MadeHook> {
  const { of, fullPath } = demandFor(principal, owner, "hook.create");
  check(input);
  const { url, name = "", description = "", token } = input;
  const events = [...new Set(input.events ?? (Object.keys(HOOK_EVENTS) as HookEvent[]))];
  const signingKey = input.signingKey || `whsec_${randomBytes(32).toString("base64")}`;
  const box = await registry.secrets();
  const sealed = {
    token: token ? box.seal(token, tokenPurpose(url)) : null,
    signingKey: box.seal(signingKey, SIGNING_KEY_PURPOSE),
  };
  return change(registry, "", async (tx) => {
    if ((await tx.hook.count({ where: of })) >= MAX_HOOKS)
      throw invalid(`there can be ${MAX_HOOKS} hooks in one place`);
    const data = { ...of, url, name, description, events, ...sealed };
    const hook = await tx.hook.create({ data, include: WITH_OWNER });
    await audit(tx, principal, "hook.create", fullPath, { hook: hook.id, origin: new URL(url).origin, events });
    return { hook, signingKey };
  });
}

/** Changes a hook, and switches it on again if it was switched off. */
export async function updateHook(
  registry: Registry,
  principal: Principal,
  owner: HookOwner,
  id: number,
  input: HookChange,
): Promise<HookRow> {
  const { fullPath } = demandFor(principal, owner, "hook.update");
  const before = await findHook(registry, principal, owner, id);
  check(input);
  const { url = before.url, token, signingKey, ...rest } = input;
  const box = await registry.secrets();
  const moved = new URL(url).origin !== new URL(before.url).origin;
  const tokenNow = token ? box.seal(token, tokenPurpose(url)) : token === "" || moved ? null : before.token;
  return change(registry, "", async (tx) => {
    const data = {
      ...given({ name: rest.name, description: rest.description }),
      ...(rest.events ? { events: [...new Set(rest.events)] } : {}),
      url,
      token: tokenNow,
      ...(signingKey ? { signingKey: box.seal(signingKey, SIGNING_KEY_PURPOSE) } : {}),
      failingSince: null,
      disabledAt: null,
    };
    const hook = await tx.hook.update({ where: { id }, data, include: WITH_OWNER });
    await audit(tx, principal, "hook.update", fullPath, { hook: id, origin: new URL(url).origin });
    return hook;
  });
}

/** Deletes a hook with its deliveries; what waits is told to nobody. */
export async function deleteHook(
  registry: Registry,
  principal: Principal,
  owner: HookOwner,
  id: number,
): Promise<HookRow> {
  const { fullPath } = demandFor(principal, owner, "hook.delete");
  const hook = await findHook(registry, principal, owner, id);
  return change(registry, "", async (tx) => {
    await tx.hook.delete({ where: { id } });
    await audit(tx, principal, "hook.delete", fullPath, { hook: id });
    return hook;
  });
}

/** The hooks of a project, of a group itself, or of the instance, by number. */
export async function findHooks(
  registry: Registry,
  principal: Principal,
  owner: HookOwner,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<HookRow>> {
  const where = demandFor(principal, owner, "hook.list").of;
  return readNumberedPage(numbered, {
    read: (skip, take) =>
      registry.prisma.hook.findMany({ where, include: WITH_OWNER, orderBy: { id: "asc" }, skip, take }),
    count: (take) => registry.prisma.hook.count({ where, take }),
  });
}

/** The hooks of projects, by the project's number; only of those of which one is Maintainer. */
export function hooksOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
): Promise<Map<number, HookRow[]>> {
  const seen = projects.filter((project) => mayAct(principal, "hook.list", project));
  return hooksOf(registry, "projectId", seen);
}

/** The hooks of groups themselves, by the group's number; only of those of which one is Owner. */
export function hooksOfGroups(
  registry: Registry,
  principal: Principal,
  groups: readonly GroupRow[],
): Promise<Map<number, HookRow[]>> {
  const seen = groups.filter((group) => mayGroupAct(principal, "hook.list", group));
  return hooksOf(registry, "groupId", seen);
}

async function hooksOf(
  registry: Registry,
  column: "projectId" | "groupId",
  owners: readonly { readonly id: number }[],
): Promise<Map<number, HookRow[]>> {
  const ids = owners.map(({ id }) => id);
  const where = { [column]: { in: ids } };
  const rows = await registry.prisma.hook.findMany({ where, include: WITH_OWNER, orderBy: { id: "asc" } });
  const found = Map.groupBy(rows, (row) => row[column]);
  return new Map(ids.map((id) => [id, found.get(id) ?? []]));
}

/** Whose a hook is. Throws not-found for one that the principal may not see. */
export async function ownerOfHook(registry: Registry, principal: Principal, id: number): Promise<HookOwner> {
  const hook = await registry.prisma.hook.findUnique({ where: { id }, include: WITH_OWNER });
  const seen =
    hook &&
    (hook.project
      ? mayAct(principal, "hook.list", hook.project)
      : hook.group
        ? mayGroupAct(principal, "hook.list", hook.group)
        : isAdministrator(principal));
  if (!seen) throw notFound("Not Found");
  return hook.project ? { project: hook.project } : hook.group ? { group: hook.group } : "instance";
}

/** One of them. Throws not-found. */
export async function findHook(
  registry: Registry,
  principal: Principal,
  owner: HookOwner,
  id: number,
): Promise<HookRow> {
  const { of } = demandFor(principal, owner, "hook.list");
  const hook = isId(id) && (await registry.prisma.hook.findFirst({ where: { ...of, id }, include: WITH_OWNER }));
  if (!hook) throw notFound("Not Found");
  return hook;
}

/** What is sent along with deliveries of a hook. */
export interface HookSecrets {
  readonly token: string | undefined;
  /** The bytes of the key. */
  readonly signingKey: Buffer;
}

/** Opens what of a hook is sealed. */
export async function secretsOf(
  registry: Registry,
  hook: { readonly url: string; readonly token: string | null; readonly signingKey: string },
): Promise<HookSecrets> {
  const box = await registry.secrets();
  const key = box.open(hook.signingKey, SIGNING_KEY_PURPOSE);
  return {
    token: hook.token === null ? undefined : box.open(hook.token, tokenPurpose(hook.url)),
    signingKey: Buffer.from(key.slice("whsec_".length), "base64"),
  };
}

function tokenPurpose(url: string): string {
  return `token of a hook to ${new URL(url).origin}`;
}

/** Refuses whoever may not do this to the hooks of an owner. */
function demandFor(
  principal: Principal,
  owner: HookOwner,
  act: "hook.list" | "hook.create" | "hook.update" | "hook.delete",
): { readonly of: { readonly projectId: number | null; readonly groupId: number | null }; readonly fullPath: string } {
  if (owner === "instance") {
    demandAdministrator(principal);
    return { of: { projectId: null, groupId: null }, fullPath: "" };
  }
  if ("project" in owner) {
    demandAct(principal, act, owner.project);
    return { of: { projectId: owner.project.id, groupId: null }, fullPath: owner.project.fullPath };
  }
  demandGroupAct(principal, act, owner.group);
  return { of: { projectId: null, groupId: owner.group.id }, fullPath: owner.group.fullPath };
}

function check({ url, name, description, events, token, signingKey }: HookChange): void {
  if (url !== undefined) checkUrl(url);
  checkName(name);
  checkDescription(description);
  if (events?.length === 0) throw invalid("name at least one event", "events");
  if (token !== undefined && (token.length > MAX_TOKEN || !/^[\x20-\x7e]*$/.test(token)))
    throw invalid(`the token has at most ${MAX_TOKEN} printable ASCII characters: it is sent in a header`, "token");
  if (signingKey) {
    const bytes = /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(signingKey)
      ? Buffer.from(signingKey.slice("whsec_".length), "base64").length
      : 0;
    if (bytes < 24 || bytes > 64)
      throw invalid("the signing token is whsec_ and the base64 of 24 to 64 random bytes", "signing_token");
  }
}

function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || text.length > MAX_URL || !isKeepable(text))
    throw invalid("must be a URL with http or https", "url");
  if (url.username !== "" || url.password !== "")
    throw invalid("must hold no user name and password: give a token instead, which is kept sealed", "url");
}

function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
