// SIGTERM and SIGINT, heard from the first moment on: a process that starts the embedded PostgreSQL must not end without
// having stopped it, however early it is told to. Under npm there is one more way to be told: npm, or the shell that it
// starts a command with, may end without handing the signal on; then nobody is left who could.
import { readFileSync } from "node:fs";

/** Of one Ctrl-C a process hears twice under npm, the same signal: from the terminal, and from npm, which hands it on. */
const SAME_SIGNAL_MS = 1_000;
const PARENT_LOOK_MS = 500;

/**
 * Aborted by the first SIGTERM or SIGINT, with `Stopped` as the reason; a later one ends the process at once. `underNpm`:
 * also when the process that started us is gone.
 */
export function stopSignal(underNpm = false): AbortSignal {
  const controller = new AbortController();
  let first: { readonly why: string; readonly at: number } | undefined;
  const stop = (why: NodeJS.Signals | "the end of npm"): void => {
    if (first === undefined) {
      first = { why, at: Date.now() };
      controller.abort(new Stopped(why));
      return;
    }
    const again = why !== first.why || Date.now() - first.at > SAME_SIGNAL_MS;
    if (again && why !== "the end of npm") process.exit(1);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));
  if (underNpm) {
    const before = startedBy();
    setInterval(() => startedBy() !== before && stop("the end of npm"), PARENT_LOOK_MS).unref();
  }
  return controller.signal;
}

/** The process that started us and, where that is npm's shell, the one that started it, which outlives npm as we do. */
function startedBy(): string {
  try {
    // proc(5): number (name) state parent …
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${process.ppid}/stat`, "utf8")) ?? [];
    return /^(?:ba|da|a)?sh$/.test(name ?? "") ? `${process.ppid} ${parent}` : String(process.ppid);
  } catch {
    return String(process.ppid); // no Linux, or it ended just now
  }
}

/** Why something was not finished: we were told to stop. */
export class Stopped extends Error {
  readonly by: NodeJS.Signals | "the end of npm";

  constructor(by: NodeJS.Signals | "the end of npm") {
    super(`stopped by ${by}`);
    this.name = "Stopped";
    this.by = by;
  }
}
