// Versions must have an age before lists show them, and that age is not what their authors say. The clock is the test's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { replaceDatabase } from "../../src/registry/advisories/vulnerability-database.ts";
import { setFlag } from "../../src/registry/forge/feature-flags.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { explainPolicies } from "../../src/registry/policies/explain.ts";
import { createPolicy, deletePolicy } from "../../src/registry/policies/rules.ts";
import { knownSince, seeHead } from "../../src/registry/policies/version-ages.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeLog, fakeLog } from "../support/fake-log.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { type Answer, ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

const DAY = 86_400_000;
const START = Date.parse("2026-03-01T00:00:00Z");
const INSTANCE = "packages/go";

let now = START;
let upstream: FakeUpstream;
let log: FakeLog;
let soft: TestServer;
let strict: TestServer;

const get = (server: TestServer, path: string, view = INSTANCE): Promise<Answer> =>
  ask(server.url, `/api/v4/${view}/${path}`);
const listed = async (server: TestServer, path: string, view = INSTANCE): Promise<string> =>
  (await get(server, `${path}/@v/list`, view)).text.trim().split("\n").join(" ");
const latest = async (server: TestServer, path: string, view = INSTANCE): Promise<string | number> => {
  const { status, text } = await get(server, `${path}/@latest`, view);
  return status === 200 ? JSON.parse(text).Version : status;
};
const statusOf = async (server: TestServer, path: string, view = INSTANCE): Promise<number> =>
  (await get(server, path, view)).status;
/** A version appears at upstream and in the log. */
const released = async (path: string, version: string, files?: Record<string, string>): Promise<void> => {
  await upstream.version(path, version, files);
  log.log.record(path, version);
};

beforeAll(async () => {
  upstream = await fakeUpstream();
  log = await fakeLog(5);
  await released("example.com/m", "v1.0.0");
  await released("example.com/m", "v1.1.0");
  const environment = {
    GOKURA_UPSTREAM: upstream.url,
    GOKURA_UPSTREAM_TTL: "0",
    GOKURA_SUMDB: log.setting,
    GOKURA_COOLDOWN: "7d",
  };
  const clock = () => now;
  [soft, strict] = await Promise.all([
    testServer({ environment, now: clock }),
    testServer({ environment: { ...environment, GOKURA_COOLDOWN_MODE: "strict" }, now: clock }),
  ]);
  for (const { registry } of [soft, strict])
    await eventually(
      () => registry.prisma.seenHead.count(),
      (n) => n === 1,
    );
  now = START + 8 * DAY;
  await released("example.com/m", "v1.2.0");
});

test("on the first day nothing is new that stands below a head that was seen; what came since is left out until it is old", async () => {
  expect([await listed(soft, "example.com/m"), await latest(soft, "example.com/m")]).toEqual([
    "v1.0.0 v1.1.0",
    "v1.1.0",
  ]);
  for (const file of ["info", "mod", "zip"]) expect(await statusOf(soft, `example.com/m/@v/v1.2.0.${file}`)).toBe(200);
  const until = new Date(now + 7 * DAY);
  const said = await explainPolicies(soft.registry, OPERATOR, { modulePath: "example.com/m", version: "v1.2.0" });
  expect([said.action, said.cooldown?.endsAt, said.change]).toEqual([
    "HOLD",
    until.getTime(),
    expect.stringContaining("time, or an exception"),
  ]);
  now += 7 * DAY - 1;
  expect(await listed(soft, "example.com/m")).toBe("v1.0.0 v1.1.0");
  now += 1;
  expect([await listed(soft, "example.com/m"), await latest(soft, "example.com/m")]).toEqual([
    "v1.0.0 v1.1.0 v1.2.0",
    "v1.2.0",
  ]);
});

test("strict: exact versions are 403 with the moment it ends; a name that was asked for before its time was not seen", async () => {
  await upstream.version("example.com/never", "v0.1.0");
  for (const file of ["info", "mod", "zip"])
    expect(await statusOf(strict, `example.com/never/@v/v1.0.0.${file}`)).toBe(404);
  expect(await strict.registry.prisma.versionSight.count({ where: { modulePath: "example.com/never" } })).toBe(0);
  const at = "example.com/early/@v/v1.0.0";
  await released("example.com/early", "v1.0.0");
  const { status, headers, text } = await get(strict, `${at}.zip`);
  const until = `${new Date(now + 7 * DAY).toISOString().slice(0, 19)}Z`;
  expect([status, headers["gokura-reason"], text]).toEqual([
    403,
    "policy_held",
    `example.com/early@v1.0.0 is held until ${until}: it is younger than 7d; take an older version, or ask an administrator of this registry for an exception\n`,
  ]);
  expect(await statusOf(strict, `${at}.info`)).toBe(403);
  const exception = await createPolicy(strict.registry, OPERATOR, {
    pattern: "example.com/early",
    versions: "v1.0.0",
    action: "ALLOW",
  });
  expect(await statusOf(strict, `${at}.zip`)).toBe(200);
  await deletePolicy(strict.registry, OPERATOR, exception.id);
  expect(await statusOf(strict, `${at}.zip`)).toBe(403);
  now += 7 * DAY;
  expect(await statusOf(strict, `${at}.zip`)).toBe(200);
});

test("an address can ask for an age, and a group for a longer one; a broken age is no absence", async () => {
  const { registry } = soft;
  await createGroup(registry, OPERATOR, { fullPath: "slow", visibility: "PUBLIC" });
  await setFlag(registry, OPERATOR, "dependency_proxy", true, { groups: ["slow"] });
  await createPolicy(registry, OPERATOR, {
    groupPath: "slow",
    pattern: "*",
    action: "HOLD",
    minimumAge: 30 * 86_400,
    strict: true,
    reason: "a month",
  });
  const group = "groups/slow/-/packages/go";
  await released("example.com/aged", "v1.0.0");
  expect(await listed(soft, "example.com/aged")).toBe("");
  now += 8 * DAY;
  expect([await listed(soft, "example.com/aged"), await listed(soft, "example.com/aged", group)]).toEqual([
    "v1.0.0",
    "",
  ]);
  expect([
    await statusOf(soft, "example.com/aged/@v/v1.0.0.mod"),
    await statusOf(soft, "example.com/aged/@v/v1.0.0.mod", group),
  ]).toEqual([200, 403]);
  for (const view of [
    "packages/go/cooldown/14d",
    "packages/go/cached-only/cooldown/14d",
    "packages/go/cooldown/14d/cached-only",
  ])
    expect([view, await listed(soft, "example.com/aged", view)]).toEqual([view, ""]);
  expect(await listed(soft, "example.com/aged", "packages/go/cooldown/1h")).toBe("v1.0.0");
  for (const age of ["7", "0d", "7w", "-1d", "99999d", "%37d"])
    expect([age, await statusOf(soft, "example.com/aged/@v/list", `packages/go/cooldown/${age}`)]).toEqual([age, 400]);
});

test("of a module without tags the newest commit that is old enough", async () => {
  const [first, second] = ["v0.0.0-20260101000000-aaaaaaaaaaaa", "v0.0.0-20260201000000-bbbbbbbbbbbb"];
  const info = (version: string) => `{"Version":"${version}","Time":"2020-01-01T00:00:00Z"}`;
  const at = "example.com/untagged";
  upstream.on(`${at}/@v/list`, "");
  upstream.on(`${at}/@latest`, info(first!));
  upstream.on(`${at}/@v/${first}.info`, info(first!));
  upstream.on(`${at}/@v/main.info`, info(first!));
  expect([await latest(soft, at), await statusOf(soft, `${at}/@v/main.info`)]).toEqual([403, 403]);
  now += 8 * DAY;
  expect([await latest(soft, at), await statusOf(soft, `${at}/@v/main.info`)]).toEqual([first, 200]);
  upstream.on(`${at}/@latest`, info(second!));
  upstream.on(`${at}/@v/${second}.info`, info(second!));
  await expect.poll(() => latest(soft, at)).toBe(first);
});

test("the fix of a known vulnerability does not wait", async () => {
  await released("example.com/fixed", "v1.0.0");
  await released("example.com/fixed", "v1.0.1");
  expect(await listed(soft, "example.com/fixed")).toBe("");
  const body = JSON.stringify({
    ...{ id: "GO-2026-0001", modified: "2026-01-01T00:00:00Z" },
    affected: [
      {
        package: { name: "example.com/fixed", ecosystem: "Go" },
        ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.0.1" }] }],
      },
    ],
  });
  const changed = [[{ id: "GO-2026-0001", body }]];
  const modified = new Date(now);
  await replaceDatabase(
    soft.registry,
    { modified, modules: "[]", vulns: "[]", changed, ids: ["GO-2026-0001"] },
    modified,
  );
  await expect.poll(() => listed(soft, "example.com/fixed")).toBe("v1.0.1");
});

test("toolchains do not wait", async () => {
  const version = "v0.0.1-go1.99.0.linux-amd64";
  upstream.on(`golang.org/toolchain/@v/${version}.info`, `{"Version":"${version}"}`);
  expect(await statusOf(strict, `golang.org/toolchain/@v/${version}.info`)).toBe(200);
});

test("a clock that went back makes nothing older: neither what is seen then, nor heads", async () => {
  const before = now;
  await seeHead(soft.registry, log.log.texts.length);
  now = START - 3000 * DAY;
  await released("example.com/back", "v1.0.0");
  await listed(soft, "example.com/back");
  await seeHead(soft.registry, log.log.texts.length);
  now = before;
  expect(await listed(soft, "example.com/back")).toBe("");
  now += 7 * DAY;
  expect(await listed(soft, "example.com/back")).toBe("v1.0.0");
});

test("a year of what five modules really released, back ports and candidates among it: none appears early, none is held for ever", async () => {
  const feed = readFileSync(join(import.meta.dirname, "year-of-releases.txt"), "utf8")
    .trim()
    .split("\n");
  const releases = feed.map((line) => {
    const [path, version, time] = line.split(" ") as [string, string, string];
    return { path, version, at: Date.parse(time) };
  });
  const paths = [...new Set(releases.map(({ path }) => path))];
  const shift = now - releases[0]!.at;
  const born = new Map<string, number>();
  const remaining = releases.values();
  let next = remaining.next().value;
  const end = releases.at(-1)!.at + shift + 15 * DAY;
  for (let week = 0; now < end; week++) {
    now += 7 * DAY;
    for (; next !== undefined && next.at + shift <= now; next = remaining.next().value) {
      await released(next.path, next.version);
      born.set(`${next.path}@${next.version}`, next.at + shift);
    }
    for (const path of paths) {
      if (![...born.keys()].some((name) => name.startsWith(`${path}@`))) continue;
      const shown = (await listed(soft, path)).split(" ").flatMap((version) => (version ? `${path}@${version}` : []));
      for (const name of shown)
        expect(now - born.get(name)!, `${name} in week ${week}`).toBeGreaterThanOrEqual(7 * DAY);
      // What was released while nobody looked is seen at the next look, a week at most after it.
      const due = [...born].filter(([name, at]) => name.startsWith(`${path}@`) && now - at >= 14 * DAY);
      expect(shown, `${path} in week ${week}`).toEqual(expect.arrayContaining(due.map(([name]) => name)));
    }
  }
  expect([born.size, releases.length]).toEqual([79, 79]);
});

describe("the go command", () => {
  const settings = (server: TestServer, more = "") => ({
    GOPROXY: `${server.url}/api/v4/packages/go${more}`,
    GONOSUMDB: "*",
    GOFLAGS: "-mod=mod -modcacherw",
  });

  beforeAll(async () => {
    for (const version of ["v1.0.0", "v1.1.0"]) await released("example.com/go", version);
    await listed(soft, "example.com/go");
    await listed(strict, "example.com/go");
    now += 8 * DAY;
    await released("example.com/go", "v1.2.0");
    const requires = (version: string) => ({
      "go.mod": `module example.com/old\n\nrequire example.com/go ${version}\n`,
    });
    await released("example.com/old", "v1.0.0", requires("v1.2.0"));
  });

  test.each(["", ",other"])("soft, GOPROXY=us%s", async (second) => {
    const go = goCommand(settings(soft, second.replace("other", upstream.url)));
    expect(await go.must("list", "-m", "-versions", "example.com/go")).toBe("example.com/go v1.0.0 v1.1.0\n");
    await go.must("get", "example.com/go@v1.2.0"); // by its name
    expect(await go.must("list", "-m", "example.com/go")).toBe("example.com/go v1.2.0\n");
    await go.must("get", "-u", "example.com/go"); // never below what is selected
    expect(await go.must("list", "-m", "example.com/go")).toBe("example.com/go v1.2.0\n");
    await go.must("get", "example.com/go@latest"); // but this goes down
    expect(await go.must("list", "-m", "example.com/go")).toBe("example.com/go v1.1.0\n");
    await go.must("get", "example.com/old@v1.0.0"); // what a go.mod names is taken
    expect(await go.must("list", "-m", "example.com/go")).toBe("example.com/go v1.2.0\n");
  });

  test.each(["", ",other"])("strict, GOPROXY=us%s", async (second) => {
    const go = goCommand(settings(strict, second.replace("other", upstream.url)));
    await go.must("get", "example.com/go@latest");
    expect(await go.must("list", "-m", "example.com/go")).toBe("example.com/go v1.1.0\n");
    const refused = await go.run("get", "example.com/go@v1.2.0");
    expect([refused.status === 0, refused.output]).toEqual([false, expect.stringContaining("is held until")]);
    const required = await go.run("get", "example.com/old@v1.0.0");
    expect([required.status === 0, required.output]).toEqual([false, expect.stringContaining("is held until")]);
  });
});

test("records are asked for once by all who wait for them, and for a long list not all at once", async () => {
  const { registry } = soft;
  const { askRecord } = registry.policies;
  const asked: string[] = [];
  const answers = Promise.withResolvers<number>();
  const run = vi.spyOn(registry.policies.asking, "run");
  registry.policies.askRecord = (_, version) => {
    asked.push(version);
    return answers.promise;
  };
  try {
    const some = Array.from({ length: 10 }, (_, n) => `v1.${n}.0`);
    const both = [1, 2].map(() => knownSince(registry, "example.com/together", some, 0));
    await expect.poll(() => run.mock.calls.length).toBe(20);
    answers.resolve(2);
    for (const since of await Promise.all(both)) expect([...since.keys()]).toEqual(some);
    expect(asked).toEqual(some);

    const many = Array.from({ length: 2_100 }, (_, n) => `v1.${n}.0`);
    await knownSince(registry, "example.com/long", many, 0);
    await expect.poll(() => asked.length - 10).toBe(2_000);
    await knownSince(registry, "example.com/long", many, 0);
    await expect.poll(() => asked.length - 10).toBe(2_100);
  } finally {
    run.mockRestore();
    registry.policies.askRecord = askRecord;
  }
});
