// Several processes of one server on one port (GOKURA_WORKERS), with the embedded database, as a user starts them: whichever
// answers, it is one server. Each request has a connection of its own, which the kernel deals out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";
import { beforeAll, expect, test } from "vitest";
import { countConnectedServers } from "../../src/database/connected-servers.ts";
import { isAlive } from "../../src/database/postmaster-pid.ts";
import { runningDatabaseUrl } from "../../src/database/running-database.ts";
import { eventually } from "../support/eventually.ts";
import { embeddedPid, type ServingProcess, serveGokura } from "../support/gokura-process.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { type PushedRepository, pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";
import { temporary } from "../support/temporary.ts";

const MODULE = "gokura.test/root/lib";
const GO = `/api/v4/projects/root%2Flib/packages/go/${MODULE}/@v`;
/** So many connections that each of three processes gets one, but for one time in three million. */
const MANY = 40;

const data = join(temporary("workers"), "data");
const settings = {
  GOKURA_DATA_DIR: data,
  GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
  GOKURA_MODULE_HOST: "gokura.test",
  GOKURA_UPSTREAM: "off",
  GOKURA_LIMITS: "off", // this is one client
  GOKURA_SECRET_KEY: "k".repeat(43),
  GOKURA_WORKERS: "2",
};
let server: ServingProcess;
let pushed: PushedRepository;

const get = (path: string, token = ADMIN_TOKEN): Promise<Answer> => ask(server.url, path, { headers: bearer(token) });
/** The different answers to one question, asked on many connections. */
async function answers(question: () => Promise<Answer>): Promise<string[]> {
  const all = await Promise.all(Array.from({ length: MANY }, question));
  return [...new Set(all.map(({ status, text }) => `${status} ${text}`))];
}
const post = async (path: string, body: object): Promise<Answer> =>
  ask(server.url, path, {
    method: "POST",
    headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
interface Line {
  readonly msg: string;
  readonly worker?: number;
  readonly path?: string;
}
const lines = (): Line[] =>
  server
    .stderr()
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as Line);
/** The processes that share the port of the first (proc(5), /proc/PID/task/TID/children). */
function workersOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, "utf8").includes("src/worker.ts"));
}
const upTimes = (): number => lines().filter(({ msg, worker }) => msg === "gokura is up" && worker).length;
const allUp = (times: number): Promise<number> =>
  eventually(
    async () => upTimes(),
    (up) => up >= times,
    30_000,
  );

beforeAll(async () => {
  server = await serveGokura(settings);
  expect(await allUp(2)).toBe(2);
  pushed = await pushRecipe(remoteOf(server.url, "root/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" }));
  });
});

test("all processes answer on one port, and none of them with anything else", async () => {
  await expect.poll(() => answers(() => get(`${GO}/list`))).toEqual(["200 v1.0.0\n"]);
  expect(await answers(() => get(`${GO}/list`))).toEqual(["200 v1.0.0\n"]);
  const asked = lines().filter(({ path }) => path === `${GO}/list`);
  expect(new Set(asked.map(({ worker }) => worker))).toEqual(new Set([undefined, 1, 2]));
  expect(await countConnectedServers(runningDatabaseUrl(data)!)).toBe(1); // it is one server for commands
});

test("what needs git, and what changes something, is done whichever process is asked", async () => {
  const branches = await answers(() => get("/api/v4/projects/root%2Flib/repository/branches"));
  expect(branches.map((text) => text.slice(0, 3))).toEqual(["200"]);
  expect(branches).toHaveLength(1);
  const made = await Promise.all(
    Array.from({ length: 12 }, (_, n) => post("/api/v4/projects", { name: `p${n}`, visibility: "public" })),
  );
  expect(made.map(({ status }) => status)).toEqual(made.map(() => 201));
});

test("a push is seen by all processes, and what was taken away is refused by all", async () => {
  pushed.change((r) => r.tag("v1.1.0", r.commit({ "b.go": "package lib\n" })));
  await pushed.push("refs/tags/v1.1.0");
  await expect.poll(() => answers(() => get(`${GO}/list`))).toEqual(["200 v1.0.0\nv1.1.0\n"]);
  const { token, id } = JSON.parse(
    (await post("/api/v4/users/1/personal_access_tokens", { name: "reader", scopes: ["read_api"] })).text,
  );
  expect(await answers(() => get(`${GO}/list`, token))).toEqual(["200 v1.0.0\nv1.1.0\n"]);
  await ask(server.url, `/api/v4/personal_access_tokens/${id}`, { method: "DELETE", headers: bearer(ADMIN_TOKEN) });
  const statuses = async (): Promise<string[]> => [
    ...new Set((await answers(() => get(`${GO}/list`, token))).map((text) => text.slice(0, 3))),
  ];
  await expect.poll(statuses).toEqual(["401"]);
});

test("what other servers pass on to the leader reaches it through any of its processes", async () => {
  const reader = await testServer({
    environment: {
      DATABASE_URL: runningDatabaseUrl(data)!,
      GOKURA_DATA_DIR: sharingBlobs(data),
      GOKURA_ROLE: "read",
      GOKURA_SUMDB_KEY: readFileSync(join(data, "sumdb/keys"), "utf8").trim(),
      GOKURA_SECRET_KEY: settings.GOKURA_SECRET_KEY,
    },
  });
  const branches = `/api/v4/projects/root%2Flib/repository/branches`;
  const found = await answers(() => ask(reader.url, branches, { headers: bearer(ADMIN_TOKEN) }));
  expect(found.map((text) => text.slice(0, 3))).toEqual(["200"]);
  // Whoever only says that a request was passed on has no key to say it with.
  const said = Buffer.from(JSON.stringify([Date.now(), "203.0.113.9", "https://evil.example"])).toString("base64url");
  const forged = { ...bearer(ADMIN_TOKEN), "gokura-passed-on": `${said}.${"A".repeat(43)}` };
  const refused = await answers(() => ask(server.url, branches, { headers: forged }));
  expect(refused.filter((text) => !/^(?:200|503) /.test(text) || text.includes("evil.example"))).toEqual([]);
  await reader.stop();
});

/** What Go clients were answered, from memory or not, as one of the processes says it. */
async function counted(): Promise<number> {
  const { text } = await ask(server.url, "/-/metrics");
  const counts = text.matchAll(/^gokura_(?:hot_hits_total|http_requests_total\{door="go",status="200"\}) (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

test("every process tells what all have counted", async () => {
  const before = await counted();
  await answers(() => get(`${GO}/v1.0.0.info`));
  const told = async (): Promise<number[]> => [
    ...new Set(await Promise.all(Array.from({ length: MANY / 2 }, counted))),
  ];
  await expect.poll(told).toEqual([before + MANY]);
});

test("a process that was killed comes back, nobody hears anything wrong meanwhile, and what it had counted stays", async () => {
  const before = await counted();
  const [victim, other] = workersOf(server.child.pid!);
  let ended = false;
  const heard = new Map<string, number>();
  const asking = (async () => {
    while (!ended) {
      const answer = await get(`${GO}/list`).then(
        ({ status, text }) => `${status} ${text}`,
        ({ code }) => code as string,
      );
      heard.set(answer, (heard.get(answer) ?? 0) + 1);
    }
  })();
  process.kill(victim!, "SIGKILL");
  expect(await allUp(3)).toBe(3);
  ended = true;
  await asking;
  // A connection that was the dead one's may break off.
  expect([...heard.keys()].filter((text) => text !== "ECONNRESET")).toEqual(["200 v1.0.0\nv1.1.0\n"]);
  expect(workersOf(server.child.pid!)).toHaveLength(2);
  expect(workersOf(server.child.pid!)).toContain(other);
  expect(lines().some(({ msg }) => msg === "a worker has ended; it is started again")).toBe(true);
  await expect.poll(counted).toBeGreaterThanOrEqual(before + heard.get("200 v1.0.0\nv1.1.0\n")!);
});

test("when the first process is killed the others end", async () => {
  const workers = workersOf(server.child.pid!);
  await server.stop("SIGKILL");
  await expect.poll(() => workers.filter(isAlive), { timeout: 20_000 }).toEqual([]);
});

test("SIGTERM, over TLS: what has begun at any process is answered, then all end and nothing remains", async ({
  task,
}) => {
  if (isAlive(server.child.pid!)) {
    server.child.kill("SIGKILL"); // this test is tried once more
    await server.ended;
  }
  const name = (n: number): string => `late-${task.result?.retryCount ?? 0}-${n}`;
  server = await serveGokura({
    ...settings,
    ...{ GOKURA_LISTEN: `127.0.0.1:${server.port}`, GOKURA_TLS: "self-signed", GOKURA_WORKERS: "1" },
  });
  expect(await allUp(1)).toBe(1);
  const workers = workersOf(server.child.pid!);
  // A change: what comes to a worker is read there, and passed on when the first process takes nothing new from outside.
  const bodyOf = (n: number): string =>
    JSON.stringify({ query: `mutation { groupCreate(input: {fullPath: "${name(n)}"}) { group { fullPath } } }` });
  const headOf = (body: string): string =>
    `POST /api/graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`;
  const begun = await Promise.all(
    Array.from({ length: 24 }, async (_, n) => {
      let heard = "";
      const socket = tls.connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
      socket.setEncoding("utf8").on("data", (text) => {
        heard += text;
      });
      socket.write(headOf(bodyOf(n)));
      await eventually(
        async () => heard,
        (text) => text.includes("100 Continue"),
        20_000,
      );
      return { socket, heard: () => heard, closed: new Promise((done) => socket.once("close", done)) };
    }),
  );
  server.child.kill("SIGTERM");
  const refused = (): Promise<string> =>
    ask(server.url, "/-/health").then(
      () => "answered",
      ({ code }) => code as string,
    );
  expect(await eventually(refused, (how) => how === "ECONNREFUSED", 10_000)).toBe("ECONNREFUSED");
  for (const [n, { socket }] of begun.entries()) socket.write(bodyOf(n));
  await Promise.all(begun.map(({ closed }) => closed));
  for (const [n, { heard }] of begun.entries()) expect(heard()).toContain(`"fullPath":"${name(n)}"`);
  expect((await server.ended).code).toBe(0);
  expect(workers.filter(isAlive)).toEqual([]);
  expect(embeddedPid(data)).toBeUndefined();
});
