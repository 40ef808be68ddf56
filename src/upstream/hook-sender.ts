// Hooks told: every delivery that is due is posted, signed by Standard Webhooks, through the guarded client, which reaches no
// private network unless that is allowed and follows no redirect. A server looks when the database says that something waits,
// when the next attempt is due, and now and then all the same. A receiver that hangs holds one attempt, and no other hook.
// Sources: Standard Webhooks, spec/standard-webhooks.md ("Webhook headers"); GitLab, "Webhook events".
import { isFailure } from "../errors.ts";
import {
  type AttemptOutcome,
  type DueDelivery,
  giveBackDue,
  nextDueAt,
  recordAttempt,
  takeDue,
} from "../registry/forge/hook-deliveries.ts";
import { secretsOf } from "../registry/forge/hooks.ts";
import type { Registry } from "../registry/registry.ts";
import { keepable } from "../registry/text.ts";
import { firstBytesOf } from "./bounded-body.ts";
import type { GuardedHttp } from "./guarded-http.ts";
import { signatureOf } from "./webhook-signature.ts";

/** Attempts under way at once. */
const MOST_AT_ONCE = 8;
/** How long a receiver may take, in all; it shall take the message and work on it later. */
const TIMEOUT_MS = 10_000;
/** Of an answer so much is read, and kept. */
const RESPONSE_BYTES = 8 * 1024;
/** A look without any reason: notices may be missed. */
const LOOK_EVERY_MS = 30_000;

export interface HookSender {
  /** Something waits, perhaps. */
  wake(): void;
  /** Begins no attempt any more, and waits for those under way. */
  close(): Promise<void>;
}

/** Begins to deliver. */
export function startHookSender(registry: Registry, http: GuardedHttp): HookSender {
  const underWay = new Map<number, Promise<void>>();
  let closed = false;
  let looking: Promise<void> | undefined;
  let again = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    do {
      again = false;
      const due = await takeDue(registry, MOST_AT_ONCE - underWay.size, [...underWay.keys()]);
      for (const [hookId, deliveries] of Map.groupBy(due, (one) => one.hookId)) {
        const sent = sendAll(deliveries).finally(() => {
          underWay.delete(hookId);
          wake();
        });
        underWay.set(hookId, sent);
      }
    } while (again && !closed && underWay.size < MOST_AT_ONCE);
    const next = await nextDueAt(registry, [...underWay.keys()]);
    const wait = next === undefined ? LOOK_EVERY_MS : Math.min(LOOK_EVERY_MS, Math.max(250, next - Date.now()));
    clearTimeout(timer);
    if (!closed) timer = setTimeout(wake, wait).unref();
  };
  /** Of one hook one after the other, in the order of what happened. */
  const sendAll = async (deliveries: readonly DueDelivery[]): Promise<void> => {
    const inOrder = deliveries.toSorted((a, b) => a.id - b.id);
    for (const [n, delivery] of inOrder.entries()) {
      if (closed)
        return giveBackDue(registry, inOrder.slice(n)).catch((error: unknown) =>
          registry.log.warn({ err: error, hook: delivery.hookId }, "a hook is told later of what waits for it"),
        );
      await recordAttempt(registry, delivery, await attempt(registry, http, delivery)).catch((error: unknown) =>
        registry.log.warn(
          { err: error, hook: delivery.hookId },
          "what came of a hook could not be written down; it is told again",
        ),
      );
    }
  };
  function wake(): void {
    if (closed || underWay.size >= MOST_AT_ONCE) return;
    if (looking !== undefined) {
      again = true;
      return;
    }
    looking = look()
      .catch((error: unknown) => {
        registry.log.warn({ err: error }, "could not look which hooks are to be told; the next look will");
        clearTimeout(timer);
        if (!closed) timer = setTimeout(wake, LOOK_EVERY_MS).unref();
      })
      .finally(() => {
        looking = undefined;
        if (again) wake();
      });
  }
  wake();
  return {
    wake,
    async close() {
      closed = true;
      clearTimeout(timer);
      await looking;
      await Promise.all(underWay.values());
    },
  };
}

/** Posts one delivery once. */
async function attempt(registry: Registry, http: GuardedHttp, delivery: DueDelivery): Promise<AttemptOutcome> {
  const begun = performance.now();
  const took = (): number => Math.round(performance.now() - begun);
  try {
    const body = Buffer.from(delivery.body);
    const answer = await http.post(delivery.url, body, {
      headers: await headersOf(registry, delivery, body),
      maxBytes: Number.MAX_SAFE_INTEGER,
      connectTimeoutMs: TIMEOUT_MS,
      firstByteTimeoutMs: TIMEOUT_MS,
      totalTimeoutMs: TIMEOUT_MS,
    });
    // The status counts; an answer that is too long or breaks off is none of our business.
    const response = keepable((await firstBytesOf(answer.body, RESPONSE_BYTES)).toString("utf8"));
    return { status: answer.status, response, durationMs: took() };
  } catch (error) {
    if (isFailure(error)) return { error: error.message, durationMs: took() };
    registry.log.error({ err: error, hook: delivery.hookId }, "a hook could not be told for a defect of ours");
    return { error: "it could not be sent, for a reason that is in the server's log", durationMs: took() };
  }
}

async function headersOf(registry: Registry, delivery: DueDelivery, body: Buffer): Promise<Record<string, string>> {
  const { token, signingKey } = await secretsOf(registry, delivery);
  const timestamp = String(Math.floor(Date.now() / 1000));
  return {
    "content-type": "application/json",
    "webhook-id": delivery.messageId,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatureOf(signingKey, delivery.messageId, timestamp, body),
    "idempotency-key": delivery.messageId,
    "gokura-event": delivery.event,
    ...(token === undefined ? {} : { "x-gitlab-token": token }),
  };
}
