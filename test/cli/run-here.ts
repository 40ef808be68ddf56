// The command in this process, for what is only text: a tenth of the time that a process of its own takes.
import { vi } from "vitest";
import { run } from "../../src/cli/run.ts";
import type { Ended } from "../support/gokura-process.ts";

/** Runs a command and returns what it would have written. */
export async function runHere(...words: string[]): Promise<Ended> {
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
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(toStdout),
    vi.spyOn(process.stderr, "write").mockImplementation(toStderr),
    vi.spyOn(console, "log").mockImplementation((text) => void toStdout(`${text}\n`)),
    vi.spyOn(console, "error").mockImplementation((text) => void toStderr(`${text}\n`)),
  ];
  try {
    const code = await run(words);
    return { code, stdout, stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
