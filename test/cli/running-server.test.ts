// The first line of `gokura --help`: whether commands would talk to a running server.
import { join } from "node:path";
import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { gokura, serveGokura } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

const firstLine = async (environment: Readonly<Record<string, string>>): Promise<string> => {
  const { code, stdout, stderr } = await gokura(["--help"], environment);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^[^\n]+\n\nUsage: gokura /);
  return stdout.split("\n", 1)[0]!;
};

test("on an external database: a server, none, and a database that is away", async () => {
  const environment = { DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: join(temporary("help"), "data") };
  expect(await firstLine(environment)).toMatch(
    /^No server runs on the database \S+ at 127\.0\.0\.1:\d+: commands work/,
  );
  const server = await serveGokura(environment);
  expect(await firstLine(environment)).toMatch(/^A server runs on the database \S+ at 127\.0\.0\.1:\d+: what commands/);
  await server.stop();
  expect(await firstLine({ DATABASE_URL: "postgresql://u:secret@127.0.0.1:1/none" })).toMatch(
    /^Commands would use the database none at 127\.0\.0\.1:1, which does not answer: (?!.*secret)/,
  );
});

test("on the embedded one: nothing yet, a server, none", { timeout: 120_000 }, async () => {
  const data = join(temporary("help-embedded"), "data");
  const environment = { GOKURA_DATA_DIR: data };
  expect(await firstLine(environment)).toBe(
    `There is nothing in ${data} yet: the first command makes a database there.`,
  );
  const server = await serveGokura(environment);
  expect(await firstLine(environment)).toBe(
    `A server runs on ${data}: what commands change takes effect in it within a second.`,
  );
  await server.stop();
  expect(await firstLine(environment)).toBe(
    `No server runs on ${data}: commands start its PostgreSQL for as long as they take.`,
  );
});

test("settings that are wrong are told", async () => {
  expect(await firstLine({ GOKURA_LISTEN: "nowhere" })).toMatch(/^The settings are wrong, and no command will run: /);
});
