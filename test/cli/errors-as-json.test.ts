// With --json what goes wrong is JSON too: one line on standard error, with the reason that docs/errors.md explains, so
// that a program need not read sentences.
import { expect, test } from "vitest";
import { cliOnDatabase } from "./cli.ts";

const cli = await cliOnDatabase();

test.each<[words: string[], code: number, error: object]>([
  [["project", "show", "acme/none"], 1, { reason: "not_found", message: "Project Not Found" }],
  [["user", "create", "a b"], 1, { reason: "invalid_request", fields: { username: expect.any(String) } }],
  [["user", "frobnicate"], 2, { reason: "wrong_usage", message: "unknown command 'frobnicate'" }],
  [["user", "create"], 2, { reason: "wrong_usage", message: "missing required argument 'name'" }],
  [["token", "list"], 2, { reason: "wrong_usage", message: "name one of --user, --project and --group." }],
  [["project", "delete", "a/b"], 2, { reason: "wrong_usage", message: expect.stringContaining("--yes") }],
  [["user"], 2, { reason: "wrong_usage" }],
])("gokura %j --json", async (words, code, error) => {
  const ended = await cli(...words, "--json");
  expect(ended).toMatchObject({ code, stdout: "" });
  expect(ended.stderr).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(ended.stderr)).toMatchObject({ error });
});

test("a control character of what was typed reaches no terminal", async () => {
  const { stderr } = await cli("user", "\u001b[2J\u009b", "--json");
  expect(stderr).not.toMatch(/[\u001b\u009b]/);
  expect(JSON.parse(stderr).error.reason).toBe("wrong_usage");
});

test("without --json it is a sentence as ever", async () => {
  expect((await cli("project", "show", "acme/none")).stderr).toBe("gokura: Project Not Found\n");
});
