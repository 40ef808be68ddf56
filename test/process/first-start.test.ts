// `npm start` on a machine that has nothing: the embedded PostgreSQL in the data directory, the administrator with a token
// that is shown once, and nothing left when it stops. One data directory for the whole file; the tests follow each other.
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { embeddedPid, gokura, processesOf, serveGokura, spawnGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { temporary } from "../support/temporary.ts";

const data = join(temporary("start"), "data");
const environment = { GOKURA_DATA_DIR: data, GOKURA_LOG_LEVEL: "warn" };
const FLAGS = "/api/v4/features";

let root = "";

test("a first start that cannot listen says so, stops its database, and does not waste the token", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as { port: number };
  try {
    const { code, stdout, stderr } = await gokura(["serve"], { ...environment, GOKURA_LISTEN: `127.0.0.1:${port}` });
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: `gokura: cannot listen on 127.0.0.1:${port}: another program listens there already; set GOKURA_LISTEN\n`,
    });
    expect(processesOf(data)).toEqual([]);
  } finally {
    await new Promise((done) => other.close(done));
  }
});

test("the first start says what it made and where it is; SIGTERM ends it and its database", async () => {
  const server = await serveGokura(environment);
  const lines = server.stdout().trimEnd().split("\n");
  expect(lines).toEqual([
    "First start: made the administrator root, and switched the Go proxy (flag go_proxy) on for everybody.",
    expect.stringMatching(/^Its token, shown this once: gkpt_\w+$/),
    `Gokura is at ${server.url}`,
  ]);
  root = lines[1]!.replace(/^.*: /, "");
  expect(root).toMatch(/^gkpt_[0-9A-Za-z]{36}$/);
  const flags = await ask(server.url, FLAGS, { headers: bearer(root) });
  expect(JSON.parse(flags.text)).toMatchObject([{ name: "go_proxy", state: "on" }]);
  expect(embeddedPid(data)).toBeDefined();

  const { code, stdout, stderr } = await server.stop("SIGTERM");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.split(root)).toHaveLength(2);
  expect(processesOf(data)).toEqual([]);
});

test("a later start says only where it is; the token is still good; SIGINT ends it as well", async () => {
  const server = await serveGokura({ ...environment, GOKURA_ADMIN_TOKEN: "too-late-for-a-given-token" });
  expect(server.stdout()).toBe(`Gokura is at ${server.url}\n`);
  expect((await ask(server.url, FLAGS, { headers: bearer(root) })).status).toBe(200);
  expect((await ask(server.url, FLAGS, { headers: bearer("too-late-for-a-given-token") })).status).toBe(401);
  expect((await server.stop("SIGINT")).code).toBe(0);
  expect(processesOf(data)).toEqual([]);
});

test("a command without a server starts the database for the moment, and leaves nothing running", async () => {
  const { code, stdout } = await gokura(["user", "list"], environment);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/\broot\b/)]);
  expect(processesOf(data)).toEqual([]);
});

test("commands beside the server share its database, whoever ends first", async () => {
  const server = await serveGokura(environment);
  const pid = embeddedPid(data);
  const made = await Promise.all(["alice", "bob"].map((name) => gokura(["user", "create", name], environment)));
  expect(made.map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, ""],
    [0, ""],
  ]);
  expect(embeddedPid(data)).toBe(pid);
  expect((await ask(server.url, "/-/readiness")).status).toBe(200);
  expect((await server.stop()).code).toBe(0);
  expect(processesOf(data)).toEqual([]);
});

test("told to stop while it is still starting, it ends cleanly and its database with it", async () => {
  const running = spawnGokura(["serve"], { ...environment, GOKURA_LISTEN: "127.0.0.1:0" });
  await eventually(
    async () => embeddedPid(data),
    (pid) => pid !== undefined,
    20_000,
  );
  running.child.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
  expect(processesOf(data)).toEqual([]);
});

test("so does a command", async () => {
  const running = spawnGokura(["user", "list"], environment);
  await eventually(
    async () => embeddedPid(data),
    (pid) => pid !== undefined,
    20_000,
  );
  running.child.kill("SIGINT");
  const { code, stderr } = await running.ended;
  expect([0, 130]).toContain(code); // it may have been through already
  expect(stderr).toBe("");
  expect(processesOf(data)).toEqual([]);
});

afterAll(() => {
  expect(processesOf(data)).toEqual([]);
});
