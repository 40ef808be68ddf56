// Rules that go by what a version is like: its licences, which only its zip tells, and its known vulnerabilities.
import licenses from "spdx-license-list/full.js";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createPolicy, deletePolicy, type NewPolicy } from "../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { PolicyRow } from "../../src/registry/rows.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { vulnerabilityFeed } from "../support/vulnerability-feed.ts";

let upstream: FakeUpstream;
let server: TestServer;
let made: PolicyRow[] = [];
let modules = 0;

const get = (path: string): Promise<Answer> =>
  ask(server.url, `/api/v4/packages/go/${path}`, { headers: bearer(ADMIN_TOKEN) });
const statusOf = async (path: string): Promise<number> => (await get(path)).status;
const listed = async (path: string): Promise<string> =>
  (await get(`${path}/@v/list`)).text.trim().replaceAll("\n", " ");
const rule = async (one: NewPolicy): Promise<PolicyRow> => {
  const row = await createPolicy(server.registry, OPERATOR, one);
  made.push(row);
  return row;
};
/** A module of its own for each test: a version under each of some licences, v1.0.0 and up. */
async function moduleUnder(...texts: (string | undefined)[]): Promise<string> {
  const path = `example.com/licensed${++modules}`;
  for (const [minor, text] of texts.entries())
    await upstream.version(path, `v1.${minor}.0`, text === undefined ? {} : { LICENSE: text });
  return path;
}
const MIT = licenses.MIT!.licenseText;
const GPL = licenses["GPL-3.0-only"]!.licenseText;
const OWN_WORDS = "You may look at this on Sundays, and do with it whatever your grandmother would approve of. ".repeat(
  9,
);

beforeAll(async () => {
  upstream = await fakeUpstream();
  const source = await fakeUpstream();
  vulnerabilityFeed(
    source,
    "2026-01-01T00:00:00Z",
    { id: "GO-2026-0001", module: "example.com/fixed", events: [{ introduced: "0" }, { fixed: "1.2.0" }] },
    { id: "GO-2026-0002", module: "example.com/unfixed", events: [{ introduced: "1.1.0" }] },
    {
      ...{ id: "GO-2026-0003", module: "example.com/overlapping" },
      events: [{ introduced: "0" }, { fixed: "1.1.0" }],
      moreEvents: [{ introduced: "1.0.0" }, { fixed: "1.2.0" }],
    },
  );
  for (const module of ["fixed", "unfixed", "overlapping"])
    for (const version of ["v1.0.0", "v1.1.0", "v1.2.0"]) await upstream.version(`example.com/${module}`, version);
  server = await testServer({
    environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_UPSTREAM_TTL: "0", GOKURA_VULNDB: source.url },
  });
  await eventually(
    () => ask(server.url, "/vulndb/index/db.json"),
    ({ status }) => status === 200,
    10_000,
  );
});

beforeEach(async () => {
  for (const { id } of made) await deletePolicy(server.registry, OPERATOR, id);
  made = [];
});

describe("a denied licence", () => {
  test("is 403 at the end of the first download, before any byte of it, and for ever after; lists leave it out then", async () => {
    const path = await moduleUnder(MIT, GPL);
    const { id } = await rule({ pattern: path, action: "DENY", licenses: ["gpl-3.0-or-later"], reason: "ask legal" });
    // Nobody knows before the zip is there, and of most versions that a build looks at nobody ever asks for it.
    expect([await listed(path), await statusOf(`${path}/@v/v1.1.0.mod`)]).toEqual(["v1.0.0 v1.1.0", 200]);
    const refused = await get(`${path}/@v/v1.1.0.zip`);
    expect([refused.status, refused.text]).toEqual([
      403,
      `${path}@v1.1.0 is denied by rule ${id} (GPL-3.0): ask legal; ask an administrator of this registry\n`,
    ]);
    expect(await statusOf(`${path}/@v/v1.0.0.zip`)).toBe(200);
    expect(await statusOf(`${path}/@v/v1.1.0.zip`)).toBe(403);
    expect(upstream.count(`${path}/@v/v1.1.0.zip`)).toBe(1);
    // What was said of its .info and of the list is believed for seconds only.
    await expect.poll(() => statusOf(`${path}/@v/v1.1.0.info`), { timeout: 15_000 }).toBe(403);
    await expect.poll(() => listed(path), { timeout: 15_000 }).toBe("v1.0.0");
    await deletePolicy(server.registry, OPERATOR, made.pop()!.id);
    expect(await statusOf(`${path}/@v/v1.1.0.zip`)).toBe(200);
    expect(upstream.count(`${path}/@v/v1.1.0.zip`)).toBe(1);
  });

  test("is denied where the zip was stored before there was the rule", async () => {
    const path = await moduleUnder(MIT, GPL);
    for (let round = 0; round < 2; round++) expect(await statusOf(`${path}/@v/v1.1.0.zip`)).toBe(200);
    await rule({ pattern: path, action: "DENY", licenses: ["GPL-3.0"] });
    for (const file of ["info", "mod", "zip"]) expect(await statusOf(`${path}/@v/v1.1.0.${file}`)).toBe(403);
    expect(await listed(path)).toBe("v1.0.0");
  });

  test("stops the real go command, with the reason, although the next proxy has the version", async () => {
    const path = await moduleUnder(MIT, GPL);
    await rule({ pattern: path, action: "DENY", licensesOtherThan: ["MIT"], reason: "not on our list" });
    const GOPROXY = `${server.url}/api/v4/packages/go,${upstream.url}`;
    const go = goCommand({ GOPROXY, GONOSUMDB: "*", GOFLAGS: "-mod=mod -modcacherw" });
    const { status, output } = await go.run("get", `${path}@v1.1.0`);
    expect([status === 0, output]).toEqual([false, expect.stringContaining("(GPL-3.0): not on our list")]);
    await go.must("get", `${path}@v1.0.0`);
  });
});

describe("only these licences", () => {
  test("what is not recognised and what has no licence are classes of their own", async () => {
    const path = await moduleUnder(MIT, OWN_WORDS, undefined, `${MIT}\n\n${GPL}`);
    const zips = (): Promise<number[]> =>
      Promise.all([0, 1, 2, 3].map((minor) => statusOf(`${path}/@v/v1.${minor}.0.zip`)));
    await rule({ pattern: path, action: "HOLD", licensesOtherThan: ["MIT"] });
    expect(await zips()).toEqual([200, 403, 403, 403]);
    expect((await get(`${path}/@v/v1.1.0.zip`)).text).toContain("(a licence that is not recognised)");
    expect((await get(`${path}/@v/v1.2.0.zip`)).text).toContain("(no licence file)");
    expect((await get(`${path}/@v/v1.3.0.zip`)).text).toContain("(GPL-3.0, MIT)");
    await rule({ pattern: path, versions: "v1.2.0", action: "ALLOW", reason: "their README says MIT" });
    expect(await zips()).toEqual([200, 403, 200, 403]);
    await rule({ pattern: path, action: "ALLOW", licenses: ["UNKNOWN"] });
    expect(await zips()).toEqual([200, 200, 200, 403]);
  });

  test("an exception for licences lifts a hold, and has the zip fetched to know them", async () => {
    const path = await moduleUnder(MIT, GPL);
    await rule({ pattern: path, action: "HOLD" });
    await rule({ pattern: path, action: "ALLOW", licenses: ["MIT"] });
    expect([await statusOf(`${path}/@v/v1.0.0.info`), await statusOf(`${path}/@v/v1.1.0.info`)]).toEqual([200, 403]);
    const denied = await moduleUnder(MIT);
    await rule({ pattern: denied, action: "DENY" });
    await rule({ pattern: denied, action: "ALLOW", licenses: ["MIT"] });
    expect([await statusOf(`${denied}/@v/v1.0.0.zip`), upstream.count(`${denied}/@v/v1.0.0.zip`)]).toEqual([403, 0]);
  });

  test.each<[Partial<NewPolicy>, string]>([
    [{ licenses: ["GPL-9.9"] }, "no identifier of the SPDX License List"],
    [{ licenses: [] }, "names 1 to"],
    [{ licenses: ["MIT"], licensesOtherThan: ["MIT"] }, "name the licences that it is about"],
    [{ licenses: ["MIT"], kind: "HOSTED" }, "of a rule about what comes from upstream"],
    [{ licenses: ["MIT"], minimumAge: 3600, action: "HOLD" }, "goes by neither"],
    [{ vulnerable: "ANY", kind: "TOOLCHAIN" }, "of a rule about modules"],
  ])("a rule with %j is refused", async (conditions, words) => {
    await expect(rule({ pattern: "*", action: "DENY", ...conditions })).rejects.toThrow(words);
  });
});

describe("known vulnerabilities", () => {
  test("are warned of without any rule, in memory too, and not of what is free of them", async () => {
    for (let round = 0; round < 2; round++)
      for (const file of ["info", "mod", "zip"])
        expect((await get(`example.com/fixed/@v/v1.1.0.${file}`)).headers["gokura-policy"]).toBe(
          'warn; vulnerabilities="GO-2026-0001, fixed in v1.2.0"',
        );
    expect((await get("example.com/fixed/@v/v1.2.0.info")).headers["gokura-policy"]).toBeUndefined();
    await rule({ pattern: "example.com/fixed", action: "ALLOW", reason: "we do not call it" });
    expect((await get("example.com/fixed/@v/v1.1.0.info")).headers["gokura-policy"]).toBeUndefined();
  });

  test("are refused by a rule: any, or only those of which a later version is free", async () => {
    const of = (module: string): Promise<number[]> =>
      Promise.all([0, 1, 2].map((minor) => statusOf(`example.com/${module}/@v/v1.${minor}.0.zip`)));
    const { id } = await rule({ pattern: "*", action: "DENY", vulnerable: "FIXABLE", reason: "upgrade" });
    expect([await of("fixed"), await of("unfixed")]).toEqual([
      [403, 403, 200],
      [200, 200, 200],
    ]);
    expect((await get("example.com/fixed/@v/v1.0.0.info")).text).toBe(
      `example.com/fixed@v1.0.0 is denied by rule ${id} (GO-2026-0001, fixed in v1.2.0): upgrade; ask an administrator of this registry\n`,
    );
    expect(await listed("example.com/fixed")).toBe("v1.2.0");
    await rule({ pattern: "*", action: "HOLD", vulnerable: "ANY" });
    expect(await of("unfixed")).toEqual([200, 403, 403]);
    await rule({ pattern: "example.com/unfixed", versions: "v1.2.0", action: "ALLOW", reason: "not called" });
    expect(await of("unfixed")).toEqual([200, 403, 200]);
  });

  test("ranges that overlap count together", async () => {
    await rule({ pattern: "example.com/overlapping", action: "DENY", vulnerable: "ANY" });
    expect(await listed("example.com/overlapping")).toBe("v1.2.0");
    const { text } = await get("example.com/overlapping/@v/v1.0.0.info");
    expect(text).toContain("GO-2026-0003, fixed in v1.2.0");
  });

  test("one that nobody has reviewed is told, and refuses nothing", async () => {
    await upstream.version("example.com/rumour", "v1.0.0");
    const body = JSON.stringify({
      ...{ id: "GO-2026-0009", modified: "2026-01-01T00:00:00Z", database_specific: { review_status: "UNREVIEWED" } },
      affected: [{ package: { name: "example.com/rumour", ecosystem: "Go" } }],
    });
    await server.registry.prisma.advisory.create({
      data: {
        ...{ id: "GO-2026-0009", modified: new Date("2026-01-01"), body },
        modules: { create: { path: "example.com/rumour" } },
      },
    });
    await rule({ pattern: "example.com/rumour", action: "DENY", vulnerable: "ANY" });
    expect(await statusOf("example.com/rumour/@v/v1.0.0.zip")).toBe(200);
  });
});
