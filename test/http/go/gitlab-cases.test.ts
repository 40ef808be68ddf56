// GitLab's own test cases for its Go proxy (ee/spec/requests/api/go_proxy_spec.rb and the specs around it), for a project
// with the tag scheme GITLAB. Where we differ on purpose, the case says why.
import JSZip from "jszip";
import { beforeAll, describe, expect, test } from "vitest";
import { setFlag } from "../../../src/registry/forge/feature-flags.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { type Answer, type Ask, ask, basic, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { type TestServer, testServer } from "../../support/server.ts";

const P = "gokura.test/ns/my-go-lib";
const TIME = Date.UTC(2020, 4, 1, 12) / 1000;
const stamp = (seconds: number) => new Date(seconds * 1000).toISOString().replace(/\D/g, "").slice(0, 14);

let server: TestServer;
let developer: Record<string, string>;
/** Commits 5 and 6 of GitLab's fixture: after v1.0.3, and the first of v2. */
let untagged: { oid: string };
let firstOfV2: { oid: string };
let head: { oid: string };

const get = (path: string, headers: Record<string, string> = developer): Promise<Answer> =>
  ask(server.url, `/api/v4/projects/ns%2Fmy-go-lib/packages/go/${path}`, { headers });
const lines = (answer: Answer) =>
  answer.text
    .split("\n")
    .filter((line) => line !== "")
    .sort();
const status = async (path: string, headers?: Record<string, string>) => (await get(path, headers)).status;

beforeAll(async () => {
  server = await testServer();
  const token = await server.token("ns");
  developer = bearer(token);
  const make = (name: string, visibility: "PRIVATE" | "PUBLIC") =>
    createProject(server.registry, OPERATOR, { fullPath: `ns/${name}`, visibility, tagScheme: "GITLAB" });
  await make("my-go-lib", "PRIVATE");
  await pushRecipe(remoteOf(server.url, "ns/my-go-lib", token), (r) => {
    r.tag("v1.0.0", r.commit({ "README.md": "Hi\n" }, { time: TIME }));
    r.tag("v1.0.1", r.commit({ "go.mod": `module ${P}\n`, "a.go": "package a\n" }, { time: TIME + 1 }));
    r.tag("v1.0.2", r.commit({ "pkg/b.go": "package b\n" }, { time: TIME + 2 }));
    r.tag("v1.0.3", r.commit({ "mod/go.mod": `module ${P}/mod\n`, "mod/a.go": "package a\n" }, { time: TIME + 3 }));
    untagged = r.commit({ "y.go": "package a\n" }, { time: TIME + 4 });
    r.tag("c1", untagged);
    firstOfV2 = r.commit({ "v2/go.mod": `module ${P}/v2\n`, "v2/a.go": "package a\n" }, { time: TIME + 5 });
    r.tag("c2", firstOfV2);
    r.tag("v2.0.0", r.commit({ "v2/x.go": "package a\n" }, { time: TIME + 6 }));
    head = r.commit(
      { "bad-mod/go.mod": "module example.com/go-lib\n", "bad-mod/a.go": "package a\n" },
      { time: TIME + 7 },
    );
    r.tag("v1.0.4", head);
  });
  await make("bad", "PUBLIC");
  await pushRecipe(remoteOf(server.url, "ns/bad", token), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": "module not/a/real/module\n" }));
    r.tag("v2.0.0", r.commit({ "v2/go.mod": "module gokura.test/ns/bad\n" }));
  });
  await make("MyGoLib", "PUBLIC");
  await pushRecipe(remoteOf(server.url, "ns/MyGoLib", token), (r) => {
    const commit = r.commit({ "go.mod": "module gokura.test/ns/MyGoLib\n" });
    r.tag("v1.0.1-prerelease", commit);
    r.tag("v1.0.1-Prerelease", commit);
  });
});

describe("list", () => {
  test("1, 47: the root has v1.0.1 and later; v1.0.0 has no go.mod, v2.0.0 another major; c1 and c2 are no versions", async () => {
    expect(lines(await get(`${P}/@v/list`))).toEqual(["v1.0.1", "v1.0.2", "v1.0.3", "v1.0.4"]);
  });
  test("2, 48: a package that is no module: 404 here, where GitLab has an empty list that stops the go command", async () => {
    expect(await status(`${P}/pkg/@v/list`)).toBe(404);
  });
  test("3, 49: a module in a directory takes the tags of the root", async () => {
    expect(lines(await get(`${P}/mod/@v/list`))).toEqual(["v1.0.3", "v1.0.4"]);
  });
  test("4, 50: the second major version", async () => {
    expect(lines(await get(`${P}/v2/@v/list`))).toEqual(["v2.0.0"]);
  });
  test("5: ..", async () => {
    expect(await status(`${P}/%2E%2E%2Fxyz/@v/list`)).toBe(404);
  });
  test("51: a module whose go.mod says another path", async () => {
    expect(await status(`${P}/bad-mod/@v/list`)).toBe(404);
  });
  test("6: the flag go_proxy off", async () => {
    await setFlag(server.registry, OPERATOR, "go_proxy", false);
    expect(await status(`${P}/@v/list`)).toBe(404);
    await setFlag(server.registry, OPERATOR, "go_proxy", true);
    expect(await status(`${P}/@v/list`)).toBe(200);
  });
});

describe("info", () => {
  test("7: the version and the committer's time; in UTC to the second, as the go command writes it", async () => {
    const { Version, Time } = JSON.parse((await get(`${P}/@v/v1.0.1.info`)).text);
    expect({ Version, Time }).toEqual({ Version: "v1.0.1", Time: "2020-05-01T12:00:01Z" });
  });
  test.each([
    ["8", `${P}/mod/@v/v1.0.3.info`, 200],
    ["9", `${P}/v2/@v/v2.0.0.info`, 200],
    ["10", `${P}/pkg/@v/v1.0.3.info`, 404],
    ["11", `${P}/mod/@v/v1.0.1.info`, 404],
    ["57", `${P}/@v/not-a-semver.info`, 404],
  ])("%s: %s", async (_, path, expected) => {
    expect(await status(path)).toBe(expected);
  });
  test("12, 13, 56: pseudo-versions, echoed", async () => {
    const cases = [
      [P, `v1.0.4-0.${stamp(TIME + 4)}-${untagged.oid.slice(0, 12)}`],
      [`${P}/v2`, `v2.0.0-${stamp(TIME + 5)}-${firstOfV2.oid.slice(0, 12)}`],
      [P, `v0.0.0-${stamp(TIME + 7)}-${head.oid.slice(0, 12)}`],
    ];
    for (const [path, version] of cases) {
      const answer = await get(`${path}/@v/${version}.info`);
      expect([answer.status, JSON.parse(answer.text).Version]).toEqual([200, version]);
    }
  });
  test("14, 15, 16, 58-60: untrue pseudo-versions, each with the reason that GitLab swallows", async () => {
    const short = untagged.oid.slice(0, 12);
    const wrong = async (version: string) => get(`${P}/@v/${version}.info`);
    const [time, hash, brief] = [
      await wrong(`v1.0.4-0.00000000000000-${short}`),
      await wrong(`v1.0.4-0.${stamp(TIME + 4)}-000000000000`),
      await wrong(`v1.0.4-0.${stamp(TIME + 4)}-${short.slice(0, 11)}`),
    ];
    expect([time.status, hash.status, brief.status]).toEqual([404, 404, 404]);
    expect(time.text).toContain("does not match version-control timestamp");
    expect(hash.text).toContain("unknown revision");
    expect(brief.text).toContain("revision is shorter than canonical");
  });
});

describe("mod and zip", () => {
  test.each([
    ["17", P, "v1.0.1"],
    ["18", `${P}/mod`, "v1.0.3"],
    ["19", `${P}/v2`, "v2.0.0"],
  ])("%s: the first line of .mod is the module's: %s", async (_, path, version) => {
    expect((await get(`${path}/@v/${version}.mod`)).text.split("\n")[0]).toBe(`module ${path}`);
  });
  test.each([
    ["20", `${P}/pkg/@v/v1.0.3.mod`],
    ["21", `${P}/mod/@v/v1.0.1.mod`],
  ])("%s: %s is not there", async (_, path) => {
    expect(await status(path)).toBe(404);
  });
  test.each([
    ["22", P, "v1.0.1", ["README.md", "go.mod", "a.go"]],
    ["23", P, "v1.0.2", ["README.md", "go.mod", "a.go", "pkg/b.go"]],
    ["24", P, "v1.0.3", ["README.md", "go.mod", "a.go", "pkg/b.go"]],
    ["25", `${P}/mod`, "v1.0.3", ["go.mod", "a.go"]],
    ["26", `${P}/v2`, "v2.0.0", ["go.mod", "a.go", "x.go"]],
  ])("%s: the files of %s %s", async (_, path, version, files) => {
    const zip = await JSZip.loadAsync((await get(`${path}/@v/${version}.zip`)).bytes);
    expect(Object.keys(zip.files).sort()).toEqual(files.map((name) => `${path}@${version}/${name}`).sort());
  });
});

describe("other projects", () => {
  const at = (name: string, path: string, more: Ask = {}) =>
    ask(server.url, `/api/v4/projects/ns%2F${name}/packages/go/gokura.test/ns/${path}`, more);

  test.each([
    ["27", "bad/@v/list"],
    ["28", "bad/v2/@v/list"],
    ["29", "bad/@v/v1.0.0.info"],
    ["30", "bad/v2/@v/v2.0.0.info"],
  ])("%s: a go.mod with another path makes no module: %s", async (_, path) => {
    // GitLab answers an empty list (200); a module that is not there is 404 here.
    expect((await at("bad", path)).status).toBe(404);
  });
  test("31-34: the case of letters counts", async () => {
    expect(lines(await at("MyGoLib", "%21my%21go%21lib/@v/list"))).toEqual(["v1.0.1-Prerelease", "v1.0.1-prerelease"]);
    expect((await at("MyGoLib", "mygolib/@v/list")).status).toBe(404);
    const named = async (version: string) =>
      JSON.parse((await at("MyGoLib", `!my!go!lib/@v/${version}.info`)).text).Version;
    expect(await named("v1.0.1-!prerelease")).toBe("v1.0.1-Prerelease");
    expect(await named("v1.0.1-prerelease")).toBe("v1.0.1-prerelease");
  });
  test("35-41: credentials for a private project, none for a public one", async () => {
    const token = await server.token("ns", "read_api");
    expect(await status(`${P}/@v/list`, bearer(token))).toBe(200);
    expect(await status(`${P}/@v/list`, { "private-token": token })).toBe(200);
    expect(await status(`${P}/@v/list`, basic("whoever", token))).toBe(200);
    expect(await status(`${P}/@v/list`, bearer("expired"))).toBe(401);
    expect(await status(`${P}/@v/list`, {})).toBe(401);
    expect((await at("MyGoLib", "!my!go!lib/@v/list")).status).toBe(200);
  });
  test("42-46: a project that is not there", async () => {
    const missing = (headers: Record<string, string>) =>
      ask(server.url, `/api/v4/projects/not%2fa%2fproject/packages/go/${P}/@v/list`, { headers });
    expect((await missing(developer)).status).toBe(404);
    expect((await missing({})).status).toBe(401);
  });
});
