// Tokens on the command line: the secret is printed by the command that makes it, and by nothing else for ever.
import pg from "pg";
import { expect, test } from "vitest";
import { digestOf } from "../../src/registry/access/token-format.ts";
import { cliOnDatabase } from "./cli.ts";

const cli = await cliOnDatabase();
await cli.json("user", "create", "alice");
await cli.json("group", "create", "acme");
await cli.json("project", "create", "acme/lib");

interface Token {
  readonly id: number;
  readonly token: string;
  readonly username?: string;
}

const personal = ["token", "create", "--user", "alice", "--name"];

test("a personal token: everything about it as JSON, with the secret", async () => {
  const made = await cli.json<Token>(
    ...personal,
    "laptop",
    "--scope",
    "read_api, write_repository",
    "--expires",
    "2099-12-31",
  );
  expect(made).toEqual({
    id: expect.any(Number),
    kind: "personal",
    name: "laptop",
    scopes: ["read_api", "write_repository"],
    active: true,
    expires: "2099-12-31T00:00:00.000Z",
    revoked: null,
    used: null,
    token: expect.stringMatching(/^gkpt_[0-9A-Za-z]{36}$/),
  });
});

test("a deploy token has the user name that goes with it", async () => {
  const made = await cli.json<Token>(
    ...["token", "create", "--project", "acme/lib", "--name", "ci", "--scope", "read_package_registry"],
  );
  expect(made).toMatchObject({
    kind: "deploy",
    scopes: ["read_package_registry"],
    token: expect.stringMatching(/^gkdt_/),
  });
  expect(made.username).toMatch(/^gokura\+deploy-token-/);
  const lines = await cli.lines("token", "list", "--project", "acme/lib");
  expect(lines.join("\n")).toContain(made.username);
  expect(lines.join("\n")).not.toContain(made.token);
});

test("a deploy token of a group is listed with the group, and not with its projects", async () => {
  const made = await cli.json<Token>(
    ...["token", "create", "--group", "acme", "--name", "all", "--scope", "read_package_registry,read_repository"],
  );
  expect(made).toMatchObject({
    kind: "deploy",
    scopes: ["read_repository", "read_package_registry"],
    token: expect.stringMatching(/^gkdt_/),
    username: expect.stringMatching(/^gokura\+deploy-token-/),
  });
  const ids = async (...words: string[]) => (await cli.json<Token[]>("token", "list", ...words)).map(({ id }) => id);
  expect(await ids("--group", "acme")).toEqual([made.id]);
  expect(await ids("--project", "acme/lib")).not.toContain(made.id);
  expect(await cli.json("token", "revoke", String(made.id))).toMatchObject({ id: made.id, active: false });
});

test("for people, the secret once and with a word about it; the database has only its digest", async () => {
  const lines = await cli.lines(...personal, "once", "--scope", "api");
  const secret = lines.find((line) => line.startsWith("token"))!.replace(/^token\s+/, "");
  expect(secret).toMatch(/^gkpt_[0-9A-Za-z]{36}$/);
  expect(lines.join("\n").split(secret)).toHaveLength(2);
  expect(lines.at(-1)).toBe("The token is shown this once: keep it where you keep secrets.");

  const client = new pg.Client(cli.environment.DATABASE_URL);
  await client.connect();
  try {
    const { rows } = await client.query("select row_to_json(t)::text as row from token t where name = 'once'");
    expect(rows[0].row).toContain(digestOf(secret));
    expect(rows[0].row).not.toContain(secret);
    const audited = await client.query("select row_to_json(a)::text as row from audit_event a");
    expect(audited.rows.map(({ row }) => row).join("")).not.toContain(secret.slice(5, 20));
  } finally {
    await client.end();
  }
});

test("the list tells which are expired, which revoked and which good, and never a secret", async () => {
  const old = await cli.json<Token>(...personal, "old", "--scope", "api", "--expires", "2020-01-01");
  const revoked = await cli.json<Token>(...personal, "bad", "--scope", "api");
  expect(old).toMatchObject({ active: false, expires: "2020-01-01T00:00:00.000Z" });
  const shown = await cli.json("token", "revoke", String(revoked.id));
  expect(shown).toMatchObject({ id: revoked.id, active: false, revoked: expect.stringMatching(/^20/) });
  expect(shown).not.toHaveProperty("token");
  // again changes nothing, not even the time
  expect(await cli.json("token", "revoke", String(revoked.id))).toEqual(shown);

  const table = await cli.lines("token", "list", "--user", "alice");
  const rows = await cli.json<Token[]>("token", "list", "--user", "alice");
  const found = (name: string) => rows.find((row) => (row as unknown as { name: string }).name === name);
  expect(found("old")).toMatchObject({ active: false, revoked: null });
  expect(found("bad")).toMatchObject({ active: false, revoked: expect.any(String) });
  expect(found("laptop")).toMatchObject({ active: true, revoked: null });
  expect(table[0]).toMatch(/^ID +KIND +NAME +SCOPES +ACTIVE +EXPIRES +REVOKED +USED$/);
  for (const { token } of [old, revoked]) expect(table.join("") + JSON.stringify(rows)).not.toContain(token);
  expect(table.join("") + JSON.stringify(rows)).not.toMatch(/gk[pd]t_/);
});

test.each([
  [
    ["token", "create", "--user", "nobody", "--name", "x", "--scope", "api"],
    "there is no user nobody; make one with gokura user create",
  ],
  [
    [...personal, "x", "--scope", "api,root"],
    "root cannot be a scope of a personal access token: choose from api, read_api, read_user, read_repository, write_repository, read_checksum_log",
  ],
  [
    ["token", "create", "--project", "acme/lib", "--name", "x", "--scope", "api"],
    "api cannot be a scope of a deploy token: choose from read_repository, read_package_registry, write_package_registry",
  ],
  [
    [...personal, "x", "--scope", ","],
    "a personal access token needs a scope: choose from api, read_api, read_user, read_repository, write_repository, read_checksum_log",
  ],
  [[...personal, " ", "--scope", "api"], "a token needs a name"],
  [["token", "list", "--user", "nobody"], "there is no user nobody"],
  [["token", "list", "--project", "no/ne"], "Project Not Found"],
  [["token", "list", "--group", "none"], "Group Not Found"],
  [["token", "create", "--group", "none", "--name", "x", "--scope", "read_repository"], "Group Not Found"],
  [
    ["token", "create", "--group", "alice", "--name", "x", "--scope", "read_repository"],
    "alice is the namespace of a user, and no group: make a deploy token of a project in it, or a personal access token",
  ],
  [["token", "revoke", "999999"], "there is no token 999999"],
])("refused: %j", async (words, said) => {
  expect(await cli(...words)).toEqual({ code: 1, stdout: "", stderr: `gokura: ${said}\n` });
});
