// The command in this process: everything but the start of a process, in a tenth of the time. One at a time, because what
// is written is caught at the process's own streams.
import { vi } from "vitest";
import { run } from "../../src/cli/run.ts";
import type { Ended } from "../support/gokura-process.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

let last: Promise<unknown> = Promise.resolve();

/** Runs a command, after those that run already, and returns what it would have written. */
export function runHere(words: readonly string[], environment: Readonly<Record<string, string>>): Promise<Ended> {
  const ended = last.then(() => runAlone(words, environment));
  last = ended.catch(() => {});
  return ended;
}

async function runAlone(words: readonly string[], environment: Readonly<Record<string, string>>): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  const toStdout = (text: string | Uint8Array): boolean => {
    stdout += text;
    return true;
  };
  const toStderr = (text: string | Uint8Array): boolean => {
    stderr += text;
    return true;
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(toStdout),
    vi.spyOn(process.stderr, "write").mockImplementation(toStderr),
    vi.spyOn(console, "log").mockImplementation((text = "") => void toStdout(`${text}\n`)),
    vi.spyOn(console, "error").mockImplementation((text = "") => void toStderr(`${text}\n`)),
  ];
  const listeners = SIGNALS.map((signal) => process.listeners(signal));
  try {
    const code = await run(words);
    return { code, stdout, stderr };
  } finally {
    process.exitCode = undefined; // a command says so that it ends with 1; the next one has not
    for (const [n, signal] of SIGNALS.entries())
      for (const added of process.listeners(signal))
        if (!listeners[n]!.includes(added)) process.removeListener(signal, added);
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
}
