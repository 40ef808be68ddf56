// Wrong usage ends with 2 and a sentence that says what is wrong, before anything is opened: no database is there, and no
// data directory appears.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gokura } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";
import { runHere } from "./run-here.ts";

const environment = {
  GOKURA_DATA_DIR: join(temporary("usage"), "data"),
  DATABASE_URL: "postgresql://127.0.0.1:1/none",
};

test.each<[words: string[], said: RegExp]>([
  [["frobnicate"], /^error: unknown command 'frobnicate'/],
  [["user", "frobnicate"], /^error: unknown command 'frobnicate'/],
  [["user", "create"], /^error: missing required argument 'name'/],
  [["user", "create", "alice", "bob"], /^error: too many arguments/],
  [["user", "create", "alice", "--role", "x"], /^error: unknown option '--role'/],
  [["user", "create", "alice", "--email"], /^error: option '--email <address>' argument missing/],
  [["token", "create", "--user", "a", "--scope", "api"], /^error: required option '--name <name>' not specified/],
  [["token", "create", "--name", "x", "--scope", "api"], /^error: name one of --user, --project and --group\./],
  [["token", "list"], /^error: name one of --user, --project and --group\./],
  [["token", "list", "--project", "a", "--group", "b"], /^error: name one of --user, --project and --group\./],
  [["token", "list", "--user", "a", "--project", "b"], /^error: name one of --user, --project and --group\./],
  [
    ["token", "revoke", "seven"],
    /^error: command-argument value 'seven' is invalid for argument 'id'. use a whole number/,
  ],
  [["token", "revoke", "-1"], /^error: command-argument value '-1' is invalid for argument 'id'. use a whole number/],
  [
    ["token", "create", "--user", "a", "--name", "x", "--scope", "api", "--expires", "2026-02-30"],
    /^error: option '--expires <YYYY-MM-DD>' argument '2026-02-30' is invalid. use a day as YYYY-MM-DD/,
  ],
  [
    ["token", "create", "--user", "a", "--name", "x", "--scope", "api", "--expires", "0000-01-01"],
    /^error: option '--expires <YYYY-MM-DD>' argument '0000-01-01' is invalid. use a day as YYYY-MM-DD/,
  ],
  [
    ["project", "create", "a/b", "--visibility", "secret"],
    /argument 'secret' is invalid. use private, internal or public/,
  ],
  [["project", "update", "a/b", "--packages", "maybe"], /argument 'maybe' is invalid. use on, off or members/],
  [["project", "create", "a/b", "--tag-scheme", "svn"], /argument 'svn' is invalid. use go or gitlab/],
  [["member", "add", "--user", "a"], /^error: name either --project or --group\./],
  [["member", "add", "--user", "a", "--project", "p", "--group", "g"], /^error: name either --project or --group\./],
  [["member", "remove", "--group", "g"], /^error: required option '--user <name>' not specified/],
  [
    ["member", "add", "--group", "g", "--user", "a", "--access-level", "king"],
    /argument 'king' is invalid. use one of guest, reporter, developer, maintainer, owner/,
  ],
  [["flag", "set", "go_proxy"], /^error: missing required argument 'on\|off'/],
  [["flag", "set", "go_proxy", "perhaps"], /value 'perhaps' is invalid for argument 'on\|off'. use on or off/],
  [
    ["flag", "set", "go_proxy", "on", "--project", "p", "--group", "g"],
    /^error: name --project or --group, not both\./,
  ],
  [["client-config", "--project", "p", "--group", "g"], /^error: name --project or --group, not both\./],
  [["serve", "--port", "80"], /^error: unknown option '--port'/],
  // escape sequences of what was typed do not reach the terminal
  [["\u001b[2J\u001b]0;x\u0007"], /^error: unknown command '\?\[2J\?\]0;x\?'/],
])("gokura %j", async (words, said) => {
  const { code, stdout, stderr } = await runHere(words, environment);
  expect(stderr).toMatch(said);
  expect(stderr).toMatch(/\n\(--help shows how it is used\)\n$/);
  expect(stderr).not.toMatch(/\n\s+at |\u001b/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(existsSync(environment.GOKURA_DATA_DIR)).toBe(false);
});

test.each([[[]], [["user"]], [["project"]]])("gokura %j alone shows what there is, and ends with 2", async (words) => {
  const { code, stdout, stderr } = await runHere(words, environment);
  expect(stderr).toMatch(/^Usage: gokura .*\n(.*\n)*Commands:\n/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
});

test.concurrent.each([
  ["frobnicate"],
  ["user create"],
  ["token create --user a --name x --scope"],
  ["member add --user a"],
])("a real process: gokura %s", async (line) => {
  const { code, stdout, stderr } = await gokura(line.split(" "), environment);
  expect(stderr).toMatch(/^error: [^\n]+\n\(--help shows how it is used\)\n$/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(existsSync(environment.GOKURA_DATA_DIR)).toBe(false);
});
