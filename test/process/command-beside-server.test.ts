// The command line works beside a running server, on the same database, and what it changes is in force within a second.
import { beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { gokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

const MODULE = `${MODULE_HOST}/acme/lib`;
const LIST = `/api/v4/projects/acme%2Flib/packages/go/${MODULE}/@v/list`;

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});

/** Runs a command on the server's database and data directory; returns what it printed. */
async function command<T = Record<string, unknown>>(line: string): Promise<T> {
  const { code, stdout, stderr } = await gokura([...line.split(" "), "--json"], {
    DATABASE_URL: server.registry.database.url,
    GOKURA_DATA_DIR: server.dataDirectory,
    GOKURA_MODULE_HOST: MODULE_HOST,
  });
  expect({ code, stderr }, line).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

const statusOf = async (path: string, token?: string): Promise<number> =>
  (await ask(server.url, path, token === undefined ? {} : { headers: bearer(token) })).status;

const becomes = (status: number, path: string, token?: string): Promise<number> =>
  eventually(
    () => statusOf(path, token),
    (found) => found === status,
  );

test("an administrator's first day: everything by command, and git and the Go endpoint obey", async () => {
  await command("user create alice");
  await command("group create acme");
  await command("member add --group acme --user alice --access-level developer");
  const { id, token } = await command<{ id: number; token: string }>(
    "token create --user alice --name laptop --scope read_api,write_repository",
  );

  await pushRecipe(remoteOf(server.url, "acme/lib", token), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" }));
    r.tag("v1.1.0", r.commit({ "go.mod": `module ${MODULE}\n`, "b.go": "package lib\n" }));
    r.tag("v3.0.0", r.commit({ "go.mod": "module example.com/other\n" }));
  });
  expect(await becomes(200, LIST, token)).toBe(200);
  expect(await command("project show acme/lib")).toMatchObject({
    modules: [MODULE],
    rejectedTags: [{ tag: "v3.0.0" }],
  });
  expect(await command<object[]>("project explain acme/lib v1.0.0")).toMatchObject([
    { verdict: "version", module: MODULE },
  ]);
  expect(await command<object[]>("project explain acme/lib v3.0.0")).toMatchObject([{ verdict: "refused" }]);

  // flags
  await command("flag set go_proxy off");
  expect(await becomes(404, LIST, token)).toBe(404);
  await command("flag set go_proxy on --project acme/lib");
  expect(await becomes(200, LIST, token)).toBe(200);

  // visibility
  expect(await statusOf(LIST)).toBe(401);
  await command("group create open --visibility public");
  await command("project update acme/lib --packages off");
  expect(await becomes(403, LIST, token)).toBe(403);
  await command("project update acme/lib --packages on");
  expect(await becomes(200, LIST, token)).toBe(200);

  // a version is taken back for good
  const info = LIST.replace("list", "v1.1.0.info");
  expect(await becomes(200, info, token)).toBe(200);
  await command(`project unpublish ${MODULE} v1.1.0 --yes`);
  expect(await becomes(410, info, token)).toBe(410);

  // a user is blocked, and let in again
  await command("user block alice");
  expect(await becomes(401, LIST, token)).toBe(401);
  await command("user unblock alice");
  expect(await becomes(200, LIST, token)).toBe(200);

  // a token is revoked, on every door
  await command(`token revoke ${id}`);
  expect(await becomes(401, LIST, token)).toBe(401);
  const refused = await tryGit(["ls-remote", remoteOf(server.url, "acme/lib", token)]);
  expect(refused.status).not.toBe(0);

  // a project is deleted under the server's feet
  const other = (await command<{ token: string }>("token create --user alice --name new --scope read_api")).token;
  expect(await becomes(200, LIST, other)).toBe(200);
  await command("project delete acme/lib --yes");
  expect(await becomes(404, LIST, other)).toBe(404);
});

test("a module prefix by command: the server indexes the tags anew", async () => {
  const token = await server.token("bob");
  await pushRecipe(remoteOf(server.url, "bob/tool", token), (r) => {
    r.tag("v0.1.0", r.commit({ "go.mod": "module github.com/bob/tool\n", "a.go": "package tool\n" }));
  });
  const list = "/api/v4/projects/bob%2Ftool/packages/go/github.com/bob/tool/@v/list";
  await command("flag set go_proxy on");
  expect(await becomes(404, list, token)).toBe(404);
  await server.registry.database.pool.query("UPDATE ref SET updated_at = now() - interval '1 hour'");
  await command("project update bob/tool --module-prefix github.com/bob/tool");
  // indexing is a job: it may take a moment longer than a change of access
  const text = await eventually(
    async () => (await ask(server.url, list, { headers: bearer(token) })).text,
    (found) => found === "v0.1.0\n",
    3_000,
  );
  expect(text).toBe("v0.1.0\n");

  // the tags waited since the prefix is another, not since they were pushed
  const metrics = (await ask(server.url, "/-/metrics")).text;
  expect(Number(/^gokura_indexing_seconds_sum (.*)$/m.exec(metrics)?.[1])).toBeLessThan(600);
});
