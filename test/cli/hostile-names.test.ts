// Names that mean something to SQL, to a shell, to a file system or to a terminal: refused in a sentence that can be
// printed, or kept as plain text; never more than that.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { cliOnDatabase } from "./cli.ts";

const cli = await cliOnDatabase();
const dataDirectory = cli.environment.GOKURA_DATA_DIR!;
await cli.json("group", "create", "acme");

const HOSTILE = [
  "'; DROP TABLE project; --",
  "../../etc/passwd",
  "/etc/passwd",
  "..",
  ".",
  "a\nb",
  "a\u001b[31mred",
  "a\u009b2Jb",
  "a\u007f",
  "$(touch pwned)",
  "`touch pwned`",
  "%2e%2e%2f",
  "a b",
  "ünïcode",
  "x".repeat(300),
];

/** One sentence for a person, in which nothing moves a cursor. */
const SENTENCE = /^gokura: [^\p{Cc}]+\n$/u;

test("as a path of a user, a group or a project: refused, and nothing is made of it", async () => {
  for (const name of HOSTILE)
    for (const words of [
      ["user", "create", name],
      ["group", "create", name],
      ["project", "create", `acme/${name}`],
    ]) {
      const { code, stdout, stderr } = await cli(...words);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(SENTENCE);
      expect(stderr.length).toBeLessThan(300);
    }
  expect(await cli.json("project", "list")).toEqual([]);
  expect(await cli.json("user", "list")).toEqual([]);
  expect(existsSync("pwned")).toBe(false);
  expect(readdirSync(join(dataDirectory, "repositories"))).toEqual([]);
});

test("as the name of something that is asked for: not found, and echoed harmlessly", async () => {
  const names = ["a\u001b]0;owned\u0007b", "' OR '1'='1", "../../x"];
  for (const name of names)
    for (const words of [
      ["user", "block", name],
      ["project", "show", name],
      ["flag", "set", "go_proxy", "on", "--group", name],
    ]) {
      const { code, stdout, stderr } = await cli(...words);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(SENTENCE);
    }
});

test("in a real process too", async () => {
  const [refused, unknown] = await Promise.all([
    cli.process("user", "create", 'a\u001b[31m\'; DROP TABLE "user"; --'),
    cli.process("user", "block", "a\u001b]0;owned\u0007b"),
  ]);
  for (const { code, stdout, stderr } of [refused, unknown]) {
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(SENTENCE);
  }
});

test("as what people call a thing: control characters are refused, everything else is only text", async () => {
  const names = ['\'; DROP TABLE "user"; --', "../..", "$(id)", "<script>alert(1)</script>", "ünï ✓"];
  for (const [n, name] of names.entries())
    await cli.json("project", "create", `acme/p${n}`, "--name", name, "--description", `${name}\nsecond line`);
  for (const control of ["a\u001b[2J", "a\nb", "a\u009bb"]) {
    const { code, stderr } = await cli("project", "update", "acme/p0", "--name", control);
    expect([code, stderr]).toEqual([1, "gokura: a name must not contain control characters\n"]);
  }
});

test("what other hands put into the database cannot move the cursor of who reads a table", async () => {
  await cli.json("user", "create", "alice");
  const client = new pg.Client(cli.environment.DATABASE_URL);
  await client.connect();
  await client.query(`update "user" set name = E'Al\\x1b[2Jice\\nroot  \\u009b31madmin'`);
  await client.end();
  const table = (await cli.lines("user", "list")).join("\n");
  expect(table).toMatch(/Al\?\[2Jice\?root {2}\?31madmin/);
  expect(table.split("\n")).toHaveLength(2);
  // programs get what is there, in JSON's own escapes
  const text = (await cli("user", "list", "--json")).stdout;
  expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  expect(JSON.parse(text)[0].name).toBe("Al\u001b[2Jice\nroot  \u009b31madmin");
});
