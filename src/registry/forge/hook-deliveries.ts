// Deliveries of hooks: which are due, what came of an attempt, and what can be read of them afterwards. A delivery that was not
// accepted is tried again over most of a day; 410 says that nobody wants any more, and a hook that has accepted nothing for
// five days is switched off, with a line for whoever looks after the server. Several servers share the work: who takes a
// delivery moves its time on, so that no other takes it, and a crash leaves it to be taken again.
// Source: Standard Webhooks, "Deliverability and reliability"; GitLab, "Webhooks", "Auto-disabled webhooks".
import { Failure, notFound } from "../../errors.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import { checkPageSize, isId } from "../lists/keyset-page.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { HookDeliveryRow, HookRow } from "../rows.ts";
import { HOOK_EVENTS, type HookEvent } from "./hook-events.ts";
import { findHook, type HookOwner } from "./hooks.ts";

/** Seconds after which an attempt is followed by the next: those that Standard Webhooks recommends. */
const RETRY_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000];
/** An attempt of which nothing was heard for so long is lost: longer than all that one look takes of one hook may last. */
const LEASE_SECONDS = 150;
const GIVE_UP_MS = 5 * 24 * 3600_000;
/** Deliveries that are over and kept of a hook. */
const KEPT = 100;

/** A delivery that is to be made now. */
export interface DueDelivery {
  readonly id: number;
  readonly hookId: number;
  readonly messageId: string;
  readonly event: string;
  readonly body: string;
  readonly attempts: number;
  readonly url: string;
  readonly token: string | null;
  readonly signingKey: string;
}

/** What came of an attempt. */
export interface AttemptOutcome {
  /** Undefined: no answer, and then `error` says why. */
  readonly status?: number | undefined;
  readonly response?: string | undefined;
  readonly error?: string | undefined;
  readonly durationMs: number;
}

/** Takes deliveries that are due, of other hooks than those named, oldest first: nobody else gets them meanwhile. */
export async function takeDue(
  registry: Registry,
  most: number,
  busyHooks: readonly number[],
  now = new Date(),
): Promise<DueDelivery[]> {
  const { rows } = await registry.database.pool.query<DueDelivery>({
    name: "take-due-deliveries",
    text: `WITH due AS (
        SELECT d.id FROM hook_delivery d WHERE d.next_attempt_at <= $3 AND d.hook_id <> ALL($2::int[])
        ORDER BY d.next_attempt_at, d.id LIMIT $1 FOR UPDATE SKIP LOCKED)
      UPDATE hook_delivery d SET next_attempt_at = $3::timestamptz + make_interval(secs => ${LEASE_SECONDS}), attempts = attempts + 1
      FROM due, hook h WHERE d.id = due.id AND h.id = d.hook_id
      RETURNING d.id, d.hook_id AS "hookId", d.message_id AS "messageId", d.event, d.body, d.attempts, h.url, h.token,
        h.signing_key AS "signingKey"`,
    values: [most, [...busyHooks], now],
  });
  return rows;
}

/** Gives back deliveries that were taken and not attempted: they are due as before, for whoever looks next. */
export async function giveBackDue({ database }: Registry, deliveries: readonly DueDelivery[]): Promise<void> {
  await database.pool.query(
    "UPDATE hook_delivery SET next_attempt_at = now(), attempts = attempts - 1 WHERE id = ANY($1)",
    [deliveries.map(({ id }) => id)],
  );
}

/** When the next delivery is due, of other hooks than those named, in milliseconds since 1970; undefined: none waits. */
export async function nextDueAt(registry: Registry, busyHooks: readonly number[]): Promise<number | undefined> {
  const { rows } = await registry.database.pool.query<{ at: Date | null }>({
    name: "next-due-delivery",
    text: "SELECT min(next_attempt_at) AS at FROM hook_delivery WHERE hook_id <> ALL($1::int[])",
    values: [[...busyHooks]],
  });
  return rows[0]?.at?.getTime();
}

/** Writes down what came of an attempt, and when there is to be another. */
export async function recordAttempt(
  registry: Registry,
  delivery: Pick<DueDelivery, "id" | "hookId" | "attempts">,
  outcome: AttemptOutcome,
  now = new Date(),
): Promise<void> {
  const { status = null, durationMs } = outcome;
  const isAccepted = status !== null && status >= 200 && status < 300;
  const wait = RETRY_SECONDS[delivery.attempts - 1];
  await registry.prisma.$transaction(async (tx) => {
    const hook = await tx.hook.findUnique({ where: { id: delivery.hookId } });
    if (!hook) return; // it was deleted meanwhile, and its deliveries with it
    const isOver = isAccepted || status === 410 || wait === undefined || hook.disabledAt !== null;
    await tx.hookDelivery.updateMany({
      where: { id: delivery.id },
      data: {
        nextAttemptAt: isOver ? null : new Date(now.getTime() + wait * 1000),
        attemptedAt: now,
        ...{ status, durationMs, response: outcome.response ?? null, error: outcome.error ?? null },
      },
    });
    const where = { id: delivery.hookId, disabledAt: null };
    if (isAccepted)
      await tx.hook.updateMany({ where: { ...where, failingSince: { not: null } }, data: { failingSince: null } });
    else {
      await tx.hook.updateMany({ where: { ...where, failingSince: null }, data: { failingSince: now } });
      const failed = status === 410 ? where : { ...where, failingSince: { lt: new Date(now.getTime() - GIVE_UP_MS) } };
      const { count } = await tx.hook.updateMany({ where: failed, data: { disabledAt: now } });
      if (count > 0) {
        await tx.hookDelivery.updateMany({
          where: { hookId: delivery.hookId, nextAttemptAt: { not: null } },
          data: { nextAttemptAt: null, error: "the hook was switched off" },
        });
        registry.log.warn(
          { hook: delivery.hookId, status },
          "a hook was switched off: it said 410, or accepted nothing for five days; changing it switches it on",
        );
      }
    }
    if (isOver)
      await tx.$executeRaw`DELETE FROM hook_delivery WHERE hook_id = ${delivery.hookId} AND next_attempt_at IS NULL AND id <= (
        SELECT id FROM hook_delivery WHERE hook_id = ${delivery.hookId} AND next_attempt_at IS NULL
        ORDER BY id DESC OFFSET ${KEPT} LIMIT 1)`;
  });
}

/** The deliveries of a hook, newest first: those that wait, and the last hundred that are over. */
export async function deliveriesOf(
  registry: Registry,
  principal: Principal,
  owner: HookOwner,
  hookId: number,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<HookDeliveryRow>> {
  const where = { hookId: (await findHook(registry, principal, owner, hookId)).id };
  return readNumberedPage(numbered, {
    read: (skip, take) => registry.prisma.hookDelivery.findMany({ where, orderBy: { id: "desc" }, skip, take }),
    count: (take) => registry.prisma.hookDelivery.count({ where, take }),
  });
}

/** The newest deliveries of hooks, by the hook's number; the caller has asked whether the hooks may be seen. */
export async function deliveriesOfHooks(
  registry: Registry,
  hooks: readonly HookRow[],
  take: number,
): Promise<Map<number, HookDeliveryRow[]>> {
  const ids = hooks.map(({ id }) => id);
  const lists = { table: "hook_delivery", list: "hook_id", key: "id" } as const;
  const first = await firstOfEach(registry, lists, ids, {}, "desc", checkPageSize(take));
  const rows = await registry.prisma.hookDelivery.findMany({ where: { id: { in: first } }, orderBy: { id: "desc" } });
  const found = Map.groupBy(rows, (row) => row.hookId);
  return new Map(ids.map((id) => [id, found.get(id) ?? []]));
}

/** The hook of a delivery. Throws not-found. */
export async function hookOfDelivery(registry: Registry, id: number): Promise<number> {
  const delivery = isId(id) && (await registry.prisma.hookDelivery.findUnique({ where: { id } }));
  if (!delivery) throw notFound("Not Found");
  return delivery.hookId;
}

/** Has a delivery made once more, at once, as what it was: the same message. Throws not-found. */
export async function redeliver(
  registry: Registry,
  principal: Principal,
  owner: HookOwner,
  hookId: number,
  id: number,
): Promise<HookDeliveryRow> {
  const hook = await findHook(registry, principal, owner, hookId);
  if (hook.disabledAt) throw switchedOff();
  const before = isId(id) && (await registry.prisma.hookDelivery.findFirst({ where: { id, hookId } }));
  if (!before) throw notFound("Not Found");
  const { messageId, event, body } = before;
  return registry.prisma.hookDelivery.create({ data: { hookId, messageId, event, body } });
}

/** Tells a hook of an event that did not happen, so that one sees what arrives. Its list is empty. */
export async function testHook(
  registry: Registry,
  principal: Principal,
  owner: HookOwner,
  hookId: number,
  event: HookEvent,
): Promise<HookDeliveryRow> {
  const hook = await findHook(registry, principal, owner, hookId);
  if (hook.disabledAt) throw switchedOff();
  const body = JSON.stringify({
    type: event,
    timestamp: new Date().toISOString(),
    data: { test: true, [HOOK_EVENTS[event]]: [] },
  });
  return registry.prisma.hookDelivery.create({ data: { hookId, event, body } });
}

function switchedOff(): Failure {
  return new Failure(
    "conflict",
    "the hook is switched off, because it failed for days: change it first, which switches it on",
  );
}
