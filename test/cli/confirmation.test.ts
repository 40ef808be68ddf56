// What cannot be taken back is asked about: on a terminal by a question, elsewhere by refusing without --yes. The terminal
// is a real one, which script(1) makes.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { baseEnvironment } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";
import { cliOnDatabase } from "./cli.ts";

const hasTerminal = spawnSync("script", ["--version"]).status === 0;

/** Runs the command on a terminal of its own, types an answer when it asks, and tells how it ended. */
async function onTerminal(words: string, environment: Readonly<Record<string, string>>, answer = "") {
  const command = `${process.execPath} ${join(process.cwd(), "bin/gokura.js")} ${words}`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { ...baseEnvironment(), TERM: "xterm", ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    if (text.includes("[y/N]")) child.stdin.write(`${answer}\n`);
  });
  const [code] = await once(child, "close");
  return { code, screen };
}

const cli = await cliOnDatabase();

test.each([
  ["project", "delete", "acme/lib"],
  ["project", "unpublish", "go.example.com/acme/lib", "v1.0.0"],
  ["user", "delete", "alice"],
])("where nobody can be asked, `gokura %s %s` without --yes is refused before anything is opened", async (...words) => {
  const { code, stdout, stderr } = await cli(...words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^error: this cannot be taken back: say --yes, or run it on a terminal/);
});

test.skipIf(!hasTerminal)("on a terminal only a yes deletes", { timeout: 120_000 }, async () => {
  await cli.lines("user", "create", "alice");
  const refused = await onTerminal("user delete alice", cli.environment, "n");
  expect(refused.screen).toContain("Delete the user alice with all projects of the own namespace, for good? [y/N]");
  expect(refused.screen).toContain("gokura: nothing was changed");
  expect(refused.code).toBe(1);
  expect((await onTerminal("user delete alice", cli.environment, "")).code).toBe(1);
  expect(await cli.json("user", "list")).toMatchObject([{ username: "alice" }]);

  expect((await onTerminal("user delete alice", cli.environment, "y")).code).toBe(0);
  expect(await cli.json("user", "list")).toEqual([]);
});

test.skipIf(!hasTerminal)("a terminal is told what takes long", { timeout: 120_000 }, async () => {
  const environment = { GOKURA_DATA_DIR: join(temporary("long"), "data") }; // the first start makes the cluster
  const { code, screen } = await onTerminal("user list", environment);
  expect(code).toBe(0);
  expect(screen).toMatch(/opening the database … \d+ s/);
  expect(screen).toMatch(/\r\u001b\[K.*no users yet/s);
});
