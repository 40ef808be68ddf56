// Whoever reads what is written may go away first: that ends neither a command nor a server, and shows nobody a stack. What
// cannot be written at all is not taken for success.
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { expect, test } from "vitest";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { baseEnvironment, gokura } from "../support/gokura-process.ts";
import { ask } from "../support/http.ts";
import { temporary } from "../support/temporary.ts";

const environment = { ...baseEnvironment(), DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: temporary("output") };
const shell = (line: string): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = spawn("sh", ["-c", `exec 3>&1; { { ${line}; echo "ended with $?" >&3; } 2>&3 | true; } >/dev/null`], {
      env: { ...environment, GOKURA: `${process.execPath} bin/gokura.js` },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.once("close", (code) => resolve({ code: code ?? -1, output }));
  });

test.concurrent.each(["--help", "version --json", "user list"])("gokura %s | true", async (words) => {
  expect((await shell(`$GOKURA ${words}`)).output).toBe("ended with 0\n");
});

test.concurrent("a full disk behind > is a failure, also of a token that nobody can see now", async () => {
  const full = (line: string) => shell(`$GOKURA ${line} > /dev/full`);
  expect((await full("--help")).output).toBe("ended with 1\n");
  expect((await full("user list")).output).toBe("ended with 1\n");
});

test.concurrent("a server whose log nobody reads any more goes on", async () => {
  const child = spawn(process.execPath, ["bin/gokura.js", "serve"], {
    env: { ...environment, GOKURA_LISTEN: "127.0.0.1:0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  atEnd(() => child.kill("SIGKILL"));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.resume();
  await eventually(
    async () => stdout,
    (text) => text.includes("Gokura is at"),
    20_000,
  );
  const url = /^Gokura is at (\S+)$/m.exec(stdout)![1]!;
  child.stdout.destroy();
  child.stderr.destroy();
  for (let n = 0; n < 5; n++) expect((await ask(url, "/-/health")).status).toBe(200); // each writes a line
  expect(child.exitCode).toBe(null);
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
});

test.concurrent("without a standard error at all, a refusal is still an exit code", async () => {
  const closed = openSync("/dev/null", "r"); // not open for writing
  const code = await new Promise((resolve) =>
    spawn(process.execPath, ["bin/gokura.js", "user", "block", "nobody"], {
      env: environment,
      stdio: ["ignore", "ignore", closed],
    }).once("exit", resolve),
  );
  expect(code).toBe(1);
  expect((await gokura(["user", "block", "nobody"], environment)).code).toBe(1);
});
