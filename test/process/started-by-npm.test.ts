// `npm start` and `npx gokura serve`: npm stands between whoever says stop and the server. Whatever becomes of npm, the
// server and its database end with it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { atEnd } from "../support/at-end.ts";
import { eventually } from "../support/eventually.ts";
import { abandonEmbedded, baseEnvironment, processesOf } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

async function under(program: string, words: readonly string[], data: string): Promise<ChildProcess> {
  const child = spawn(program, words, {
    cwd: process.cwd(),
    // npm writes to its home
    env: { ...baseEnvironment(), HOME: temporary("home"), GOKURA_DATA_DIR: data, GOKURA_LISTEN: "127.0.0.1:0" },
    stdio: ["ignore", "pipe", "ignore"],
    detached: true, // a group of its own, so that a signal reaches npm alone, as that of a supervisor does
  });
  atEnd(async () => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // gone, as it should be
    }
    await abandonEmbedded(data);
  });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`it ended: ${said}`)));
    child.stdout!.on("data", (chunk) => {
      said += chunk;
      if (said.includes("Gokura is at")) resolve();
    });
  });
  return child;
}

const left = (data: string): Promise<string[]> =>
  eventually(
    async () => processesOf(data),
    (processes) => processes.length === 0,
    15_000,
  );

test.each([
  ["npm start", "npm", ["start"], "SIGTERM"],
  ["npx gokura serve", "npx", ["gokura", "serve"], "SIGTERM"],
  ["npx gokura serve, when npm is killed", "npx", ["gokura", "serve"], "SIGKILL"],
] as const)("%s: %s %s ends by %s", async (_, program, words, signal) => {
  const data = join(temporary("npm"), "data");
  const child = await under(program, words, data);
  expect(processesOf(data)).not.toEqual([]); // PostgreSQL has the directory in its words
  child.kill(signal);
  await once(child, "exit");
  expect(await left(data)).toEqual([]);
});

test("Ctrl-C in a terminal, which the server hears twice, stops it in good order", async () => {
  const data = join(temporary("terminal"), "data");
  const child = await under("npm", ["start"], data);
  process.kill(-child.pid!, "SIGINT");
  await once(child, "exit");
  expect(await left(data)).toEqual([]);
});
