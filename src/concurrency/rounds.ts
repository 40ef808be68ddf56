// Work that comes round: once some time after the start, then again and again, until it is closed. There is one round at a
// time: while it lasts longer than the time between two, none begins.

export interface RoundsOptions {
  readonly firstAfterMs: number;
  readonly everyMs: number;
  /** Hears why a round came to nothing; the next one comes all the same. */
  readonly failed: (error: unknown) => void;
}

/** Begins the rounds. They keep no process alive. `over` turns true when it is closed; closing waits for a round under way. */
export function keepRounds(
  round: (over: () => boolean) => Promise<unknown>,
  { firstAfterMs, everyMs, failed }: RoundsOptions,
): { close(): Promise<void> } {
  let running: Promise<unknown> | undefined;
  let closed = false;
  const begin = (): void => {
    running ??= round(() => closed)
      .catch(failed)
      .finally(() => {
        running = undefined;
      });
  };
  const first = setTimeout(begin, firstAfterMs).unref();
  const timer = setInterval(begin, everyMs).unref();
  return {
    async close() {
      closed = true;
      clearTimeout(first);
      clearInterval(timer);
      await running;
    },
  };
}
