import { setTimeout as delay } from "node:timers/promises";

/** Waits until a check holds; after `withinMs` its last answer is returned for the assertion to judge. */
export async function eventually<T>(
  check: () => Promise<T>,
  holds: (value: T) => boolean,
  withinMs = 1_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await check();
    if (holds(value) || Date.now() >= end) return value;
    await delay(20);
  }
}
