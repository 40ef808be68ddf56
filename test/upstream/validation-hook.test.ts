// The validation hook, in Athens' form: what it is asked, how often, and what its answers do; also those that are none.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createHook, deleteHook } from "../../src/registry/forge/hooks.ts";
import { createPolicy, deletePolicy } from "../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { runHere } from "../cli/run-here.ts";
import { testDatabase } from "../support/database.ts";
import { type FakeUpstream, fakeUpstream, type Handler } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";
import { h1OfZip } from "../support/zip-sum.ts";

const SECRET = "whsec_bm9ib2R5IGd1ZXNzZXMgdGhlc2UgdGhpcnR5IGJ5dGVz";
let upstream: FakeUpstream;
let server: TestServer;
let lenient: TestServer;
let now = Date.parse("2026-11-29T12:00:00Z");
let modules = 0;
let answer: Handler;
let questions: { Module: string; Version: string; [more: string]: unknown }[] = [];
let wrongSignatures = 0;
let database: string;
let hooked: Record<string, string>;

const environment = (): Record<string, string> => ({
  ...{ ...hooked, DATABASE_URL: database, GOKURA_DATA_DIR: server.dataDirectory },
  ...{ GOKURA_SUMDB: "off", GOKURA_UPSTREAM_VERIFY: "off" },
});

const get = (path: string, at: TestServer = server): Promise<Answer> =>
  ask(at.url, `/api/v4/packages/go/${path}`, { headers: bearer(ADMIN_TOKEN) });
const statuses = async (path: string, at?: TestServer): Promise<number[]> => {
  const found: number[] = [];
  for (const file of ["info", "mod", "zip"]) found.push((await get(`${path}/@v/v1.0.0.${file}`, at)).status);
  return found;
};
async function freshModule(): Promise<string> {
  const path = `example.com/validated${++modules}`;
  await upstream.version(path, "v1.0.0");
  return path;
}

beforeAll(async () => {
  upstream = await fakeUpstream();
  const hook = await fakeUpstream((req, res) => {
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      const body = Buffer.concat(parts).toString("utf8");
      try {
        new Webhook(SECRET).verify(body, req.headers as Record<string, string>);
      } catch {
        wrongSignatures++;
      }
      questions.push(JSON.parse(body));
      answer(req, res);
    });
  });
  hooked = {
    ...{ GOKURA_UPSTREAM: upstream.url, GOKURA_UPSTREAM_TTL: "0", GOKURA_VALIDATION_HOOK: `${hook.url}/check` },
    GOKURA_VALIDATION_HOOK_SECRET: SECRET,
  };
  database = await testDatabase();
  server = await testServer({ environment: { ...hooked, DATABASE_URL: database }, now: () => now });
  lenient = await testServer({ environment: { ...hooked, GOKURA_VALIDATION_HOOK_FAILURE: "allow" } });
});

beforeEach(() => {
  questions = [];
  answer = (_, res) => res.writeHead(200).end();
});

describe("a version", () => {
  test("is asked about once, by its two fields and what else is known, signed; lists and @latest are not", async () => {
    const path = await freshModule();
    expect([(await get(`${path}/@v/list`)).status, (await get(`${path}/@latest`)).status]).toEqual([200, 200]);
    expect(questions).toEqual([]);
    for (let round = 0; round < 2; round++) expect(await statuses(path)).toEqual([200, 200, 200]);
    expect(questions).toEqual([{ Module: path, Version: "v1.0.0", Vulnerabilities: [] }]);
    expect(wrongSignatures).toBe(0);
  });

  test("is asked about again when the rules have changed, and once by many who want it", async () => {
    const path = await freshModule();
    await Promise.all(Array.from({ length: 20 }, () => get(`${path}/@v/v1.0.0.info`)));
    expect(await statuses(path)).toEqual([200, 200, 200]);
    expect(questions).toHaveLength(1);
    const { id } = await createPolicy(server.registry, OPERATOR, { pattern: "example.com/other", action: "DENY" });
    expect(await statuses(path)).toEqual([200, 200, 200]);
    const sum = expect.stringMatching(/^h1:/);
    expect(questions.slice(1)).toEqual([
      {
        ...{ Module: path, Version: "v1.0.0", Sum: sum, GoModSum: sum, Time: "2021-02-03T02:05:06.000Z" },
        ...{ Licenses: ["NONE"], Vulnerabilities: [] },
      },
    ]);
    await deletePolicy(server.registry, OPERATOR, id);
  });

  test("is 403 with the first kilobyte of the hook's words, on one line, and comes back when the hook thinks better", async () => {
    const path = await freshModule();
    const { hook } = await createHook(server.registry, OPERATOR, "instance", { url: "https://hooks.invalid" });
    answer = (_, res) =>
      res.writeHead(403, { "cache-control": "max-age=60" }).end(`not\n\u0007 ours ${"x".repeat(5_000)}`);
    expect(await statuses(path)).toEqual([403, 403, 403]);
    const { text, headers } = await get(`${path}/@v/v1.0.0.zip`);
    expect([headers["content-type"], headers["gokura-reason"], text.length < 1_200]).toEqual([
      ...["text/plain; charset=utf-8", "validation_refused", true],
    ]);
    expect(text).toMatch(/^example\.com\/validated\d+@v1\.0\.0 is not valid: not ours x+; ask an administrator/);
    expect(questions).toHaveLength(1);
    // Whoever has a hook of ours hears of it.
    const told = async () =>
      (await server.registry.prisma.hookDelivery.findMany({ where: { hookId: hook.id } })).map(({ body }) =>
        JSON.parse(body),
      );
    await expect.poll(told).toMatchObject([
      {
        type: "module.refused",
        data: {
          actor: "root",
          modules: [
            { path, version: "v1.0.0", rule: "validation", reason: expect.stringContaining("is not valid: not ours") },
          ],
        },
      },
    ]);
    await deleteHook(server.registry, OPERATOR, "instance", hook.id);
    now += 61_000;
    answer = (_, res) => res.writeHead(200, { "cache-control": "no-store" }).end();
    expect(await statuses(path)).toEqual([200, 200, 200]);
    expect(questions).toHaveLength(4);
  });

  test("that a rule refuses is not asked about, nor a toolchain", async () => {
    const path = await freshModule();
    const { id } = await createPolicy(server.registry, OPERATOR, { pattern: path, action: "DENY" });
    expect(await statuses(path)).toEqual([403, 403, 403]);
    await deletePolicy(server.registry, OPERATOR, id);
    const toolchain = "golang.org/toolchain/@v/v0.0.1-go1.26.0.linux-amd64";
    upstream.on(`${toolchain}.info`, '{"Version":"v0.0.1-go1.26.0.linux-amd64"}');
    expect((await get(`${toolchain}.info`)).status).toBe(200);
    expect(questions).toEqual([]);
  });
});

describe("who else asks it", () => {
  const explained = async (path: string): Promise<object> =>
    JSON.parse((await ask(server.url, `/api/v4/policy_verdict?module=${path}&version=v1.0.0`)).text);

  test("whoever wonders what policies say reads what the hook says, or that it says nothing", async () => {
    const [refused, valid, unanswered] = [await freshModule(), await freshModule(), await freshModule()];
    answer = (_, res) => res.writeHead(403).end("not ours");
    expect(await explained(refused)).toMatchObject({
      ...{ action: "deny", policy: null, told: expect.stringContaining("is not valid: not ours") },
      change: expect.stringContaining("another answer of the validation hook"),
    });
    answer = (_, res) => res.writeHead(200).end();
    expect(await explained(valid)).toMatchObject({ action: "allow", told: null });
    answer = (_, res) => res.writeHead(500).end();
    expect(await explained(unanswered)).toMatchObject({
      told: expect.stringContaining("could not be validated"),
    });
    const { code, stdout } = await runHere(["policy", "explain", `${refused}@v1.0.0`, "--json"], environment());
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ verdict: "deny" })]);
  });

  test("commands that bring versions in bring in what it lets through, and tell why not the rest", async () => {
    const [refused, valid] = [await freshModule(), await freshModule()];
    const list = join(temporary("list"), "list");
    writeFileSync(list, `${refused}@v1.0.0\n${valid}@v1.0.0\n`);
    answer = (req, res) => res.writeHead(questions.at(-1)!.Module === refused ? 403 : 200).end(`${req.method} no`);
    const run = ["import", "modules", upstream.url, "--list", list, "--json"];
    const { code, stdout } = await runHere(run, environment());
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      expect.objectContaining({
        new: 1,
        refused: [{ module: refused, version: "v1.0.0", reason: expect.stringContaining("is not valid: POST no") }],
      }),
    ]);
    const stored = await server.registry.prisma.module.findMany({ where: { path: { in: [refused, valid] } } });
    expect(stored.map(({ path }) => path)).toEqual([valid]);
  });
});

test("what is fetched ahead is asked about as well, and is not there where it is not valid", async () => {
  const [refused, valid] = [await freshModule(), await freshModule()];
  answer = (req, res) => res.writeHead(questions.at(-1)!.Module === refused ? 403 : 200).end(`${req.method} no`);
  const file = join(temporary("ahead"), "go.sum");
  const sumOf = async (path: string) =>
    h1OfZip(`${path}@v1.0.0`, (await ask(upstream.url, `/${path}/@v/v1.0.0.zip`)).bytes);
  const [one, other] = [await sumOf(refused), await sumOf(valid)];
  writeFileSync(file, `${refused} v1.0.0 ${one}\n${valid} v1.0.0 ${other}\n`);
  const { code, stdout, stderr } = await runHere(["prefetch", "--go-sum", file, "--json"], environment());
  expect([code, stdout + stderr]).toEqual([1, expect.stringContaining("is not valid: POST no")]);
  expect(questions.map(({ Module }) => Module).toSorted()).toEqual([refused, valid].toSorted());
  const stored = await server.registry.prisma.module.findMany({ where: { path: { in: [refused, valid] } } });
  expect(stored.map(({ path }) => path)).toEqual([valid]);
});

describe("a hook that gives no answer", () => {
  test.each<[string, () => Handler]>([
    ["says 500", () => (_, res) => void res.writeHead(500).end("oops")],
    ["sends elsewhere", () => (_, res) => void res.writeHead(302, { location: "http://127.0.0.1:1/" }).end()],
    ["breaks off", () => (_, res) => void res.destroy()],
    ["speaks no HTTP", () => (_, res) => void res.socket!.end("I am fine\r\n\r\n")],
    ["hangs", () => () => {}],
  ])("%s: 503 that stops the go command, or let through, as was set", async (_, how) => {
    const path = await freshModule();
    answer = how();
    const [strict, lax] = await Promise.all([get(`${path}/@v/v1.0.0.info`), get(`${path}/@v/v1.0.0.info`, lenient)]);
    expect([strict.status, strict.headers["gokura-reason"], lax.status]).toEqual([503, "validation_unavailable", 200]);
    // Nothing of that is kept.
    answer = (_req, res) => res.writeHead(200).end();
    expect(await statuses(path)).toEqual([200, 200, 200]);
  });

  test("and one whose answer has no end says enough with its first kilobyte", async () => {
    const path = await freshModule();
    let sent = 0;
    const over = Promise.withResolvers<void>();
    answer = (_, res) => {
      res.writeHead(403);
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(64 * 1024, 0x61))) sent += 64 * 1024;
      };
      res.on("drain", more).on("close", over.resolve);
      more();
    };
    expect((await get(`${path}/@v/v1.0.0.info`)).status).toBe(403);
    await over.promise;
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  test("the real go command stops at both, although the next proxy has the version", async () => {
    const path = await freshModule();
    const GOPROXY = `${server.url}/api/v4/packages/go,${upstream.url}`;
    const go = goCommand({ GOPROXY, GONOSUMDB: "*", GOFLAGS: "-mod=mod -modcacherw" });
    answer = (_, res) => res.writeHead(500).end();
    const failed = await go.run("get", `${path}@v1.0.0`);
    expect([failed.status === 0, failed.output]).toEqual([false, expect.stringContaining("could not be validated")]);
    answer = (_, res) => res.writeHead(403).end("we have a better one");
    const refused = await go.run("get", `${path}@v1.0.0`);
    expect([refused.status === 0, refused.output]).toEqual([false, expect.stringContaining("we have a better one")]);
  });
});
