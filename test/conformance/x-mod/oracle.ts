// Builds the Go program beside this file and asks it in batches. A batch is one process, which has ended when the answers
// are there, so that no test leaves one behind.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Request = { op: string; args: unknown[] };

/** What a refusal of the oracle looks like. */
export type Refusal = { error: string };

export type Oracle = {
  /** The answers to the requests, in their order. */
  ask(requests: readonly Request[]): unknown[];
  remove(): void;
};

const ANSWER_BYTES = 512 * 1024 * 1024;

/** Builds the oracle into a directory of its own, which remove() deletes. */
export function buildOracle(): Oracle {
  const directory = mkdtempSync(join(tmpdir(), "gokura-oracle-"));
  const program = join(directory, "oracle");
  // Also where an older release of go is what is tested: that one is not the judge.
  const GOTOOLCHAIN = process.env.CONFORMANCE === undefined ? "local" : "auto";
  execFileSync("go", ["build", "-o", program, "."], {
    cwd: import.meta.dirname,
    env: { ...process.env, GOTOOLCHAIN, GOTELEMETRY: "off", GOWORK: "off", GOFLAGS: "" },
  });
  return {
    ask(requests) {
      const input = requests.map((request) => JSON.stringify(request)).join("\n");
      const output = execFileSync(program, { input, maxBuffer: ANSWER_BYTES, encoding: "utf8" });
      return output
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** The function's result, or its refusal as the oracle would tell it. */
export function orRefusal<T>(run: () => T): T | Refusal {
  try {
    return run();
  } catch (error) {
    return { error: (error as Error).message };
  }
}
