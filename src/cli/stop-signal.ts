// SIGTERM and SIGINT, heard from the first moment on: a process that starts the embedded PostgreSQL must not end without
// having stopped it, however early it is told to.

/** Aborted by the first SIGTERM or SIGINT, with `Stopped` as the reason; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort(new Stopped(signal));
    });
  return controller.signal;
}

/** Why something was not finished: we were told to stop. */
export class Stopped extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
    this.name = "Stopped";
    this.signal = signal;
  }
}
