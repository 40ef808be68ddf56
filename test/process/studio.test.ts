// npm run studio: Prisma Studio beside a running server, or on the embedded PostgreSQL by itself.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { abandonEmbedded, baseEnvironment, type Ended, processesOf } from "../support/gokura-process.ts";
import { ask } from "../support/http.ts";
import { temporary } from "../support/temporary.ts";

interface Studio {
  readonly url: string;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly said: () => string;
}

/** Starts it and waits until it says where it is. */
async function studio(words: readonly string[], environment: Readonly<Record<string, string>>): Promise<Studio> {
  const child = spawn(process.execPath, ["scripts/studio.ts", ...words], {
    env: { ...baseEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
  atEnd(async () => {
    child.kill("SIGTERM");
    await ended;
    if (environment.GOKURA_DATA_DIR !== undefined) await abandonEmbedded(environment.GOKURA_DATA_DIR);
  });
  const running = /running at: (http:\/\/localhost:\d+)/;
  await Promise.race([
    eventually(
      async () => stdout,
      (text) => running.test(text),
      30_000,
    ),
    ended,
  ]);
  const url = running.exec(stdout)?.[1];
  if (url === undefined) throw new Error(`studio did not start: ${stdout}${stderr}`);
  return { url: url.replace("localhost", "127.0.0.1"), pid: child.pid!, ended, said: () => stdout + stderr };
}

async function takenPort(): Promise<{ port: number; free(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  return { port, free: () => new Promise((done) => server.close(() => done())) };
}

test("on DATABASE_URL: it answers at the port that is asked for, and no command line shows the password", async () => {
  const database = await testDatabase();
  const { port, free } = await takenPort();
  await free();
  const running = await studio(["--port", String(port)], { DATABASE_URL: database });
  expect(new URL(running.url).port).toBe(String(port));
  const page = await ask(running.url, "/");
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toMatch(/text\/html/);
  const { password } = new URL(database);
  expect(processesOf(password)).toEqual([]);
  expect(running.said()).not.toContain(password);
  process.kill(running.pid, "SIGINT");
  expect((await running.ended).code).toBe(0);
  await expect(ask(running.url, "/")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("on the embedded PostgreSQL, which it starts, brings up to date, and stops again", async () => {
  const data = join(temporary("studio"), "data");
  const running = await studio([], { GOKURA_DATA_DIR: data });
  expect((await ask(running.url, "/")).status).toBe(200);
  expect(processesOf(data)).not.toEqual([]);
  process.kill(running.pid, "SIGTERM");
  expect((await running.ended).code).toBe(0);
  expect(processesOf(data)).toEqual([]);
});

test("settings that are wrong are told in a sentence", async () => {
  await expect(studio([], { DATABASE_URL: "mysql://x", GOKURA_DATA_DIR: temporary("studio") })).rejects.toThrow(
    /studio: the settings cannot be used:\n {2}- DATABASE_URL: not a PostgreSQL URL/,
  );
});
