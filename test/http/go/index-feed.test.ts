// The feed of new versions, as the public index answers it.
import { beforeAll, describe, expect, test } from "vitest";
import { createProject, deleteProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { type IndexLine, readIndex } from "../../../src/registry/versions/index-feed.ts";
import { deleteVersion } from "../../../src/registry/versions/version-deletion.ts";
import { type FakeUpstream, fakeUpstream } from "../../support/fake-upstream.ts";
import { ask, bearer } from "../../support/http.ts";
import { type PushedRepository, pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let open: PushedRepository;
const admin = bearer(ADMIN_TOKEN);

const feed = async (query = "", headers: Record<string, string> = {}, view = ""): Promise<IndexLine[]> => {
  const answer = await ask(server.url, `${view}/index${query}`, { headers });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
};
const names = (lines: IndexLine[]) =>
  lines.map(({ Path, Version }) => `${Path.replace("gokura.test/", "")}@${Version}`);

beforeAll(async () => {
  server = await testServer();
  const token = await server.token("acme");
  await createProject(server.registry, OPERATOR, { fullPath: "acme/open", visibility: "PUBLIC" });
  open = await pushRecipe(remoteOf(server.url, "acme/open", token), (r) => {
    const commit = r.commit({ "go.mod": "module gokura.test/acme/open\n" });
    for (const tag of ["v1.0.0", "v1.1.0", "v1.2.0"]) r.tag(tag, commit);
  });
  await pushRecipe(remoteOf(server.url, "acme/closed", token), (r) => {
    r.tag("v0.1.0", r.commit({ "go.mod": "module gokura.test/acme/closed\n" }));
  });
});

test("one JSON object a line, in the order of publication, with strictly increasing microseconds", async () => {
  const answer = await ask(server.url, "/index", { headers: admin });
  expect(answer.headers["content-type"]).toMatch(/^application\/json/);
  expect(answer.text.split("\n")[0]).toMatch(
    /^\{"Path":"gokura\.test\/acme\/open","Version":"v1\.0\.0","Timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"\}$/,
  );
  const lines = await feed("", admin);
  expect(names(lines)).toEqual(["acme/open@v1.0.0", "acme/open@v1.1.0", "acme/open@v1.2.0", "acme/closed@v0.1.0"]);
  const times = lines.map((line) => line.Timestamp);
  expect(times).toEqual([...new Set(times)].sort());
});

test("everybody sees what they may read, on every endpoint", async () => {
  const owner = bearer(await server.token("acme"));
  expect(names(await feed())).not.toContain("acme/closed@v0.1.0");
  expect(names(await feed("", bearer(await server.token("stranger"))))).not.toContain("acme/closed@v0.1.0");
  expect(names(await feed("", owner))).toContain("acme/closed@v0.1.0");
  expect(names(await feed("", owner, "/api/v4/packages/go"))).toContain("acme/closed@v0.1.0");
  expect(names(await feed("", owner, "/api/v4/groups/acme/-/packages/go"))).toHaveLength(4);
  expect(names(await feed("", owner, "/api/v4/projects/acme%2Fclosed/packages/go"))).toEqual(["acme/closed@v0.1.0"]);
  expect((await ask(server.url, "/api/v4/projects/acme%2Fclosed/packages/go/index")).status).toBe(401);
  expect((await ask(server.url, "/api/v4/groups/nothing/-/packages/go/index")).status).toBe(401);
  expect((await ask(server.url, "/index", { headers: bearer("bad-token") })).status).toBe(401);
});

describe("since and limit", () => {
  test("since is inclusive, in any zone; limit ends the page", async () => {
    const all = await feed("", admin);
    const second = all[1]!.Timestamp;
    expect(await feed(`?since=${second}`, admin)).toEqual(all.slice(1));
    expect(await feed(`?since=${second}&limit=1`, admin)).toEqual(all.slice(1, 2));
    const shifted = `${new Date(Date.parse(second) + 7_200_000).toISOString().slice(0, 19)}${second.slice(19, 26)}+02:00`;
    expect(await feed(`?since=${encodeURIComponent(shifted)}`, admin)).toEqual(all.slice(1));
    expect(await feed(`?since=${shifted}`, admin)).toEqual(all.slice(1));
    expect(await feed("?since=2999-01-01T00:00:00Z", admin)).toEqual([]);
    expect(await feed("?limit=9999", admin)).toEqual(all);
    // The ends of what RFC 3339 can say, some of which PostgreSQL cannot.
    for (const first of ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00.123456789-23:59"])
      expect(await feed(`?since=${first}`, admin)).toEqual(all);
    for (const last of ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59.999999999-23:59"])
      expect(await feed(`?since=${last}`, admin)).toEqual([]);
  });

  test("reading on from the last timestamp meets every version, one page after the other", async () => {
    const seen: string[] = [];
    for (let since = ""; ; ) {
      const page = await feed(`?limit=2&since=${since}`, admin);
      const fresh = names(page).filter((name) => !seen.includes(name));
      if (fresh.length === 0) break;
      seen.push(...fresh);
      since = page.at(-1)!.Timestamp;
    }
    expect(seen).toEqual(names(await feed("", admin)));
  });

  test.each([
    "since=yesterday",
    "since=2026-13-01T00:00:00Z",
    "since=2026-01-01",
    "since=2026-02-30T00:00:00Z",
    "since=2026-01-01T24:00:00Z",
    "since=2026-01-01T00:00:00%2B24:00",
    "limit=-1",
    "limit=0",
    "limit=x",
    "include=some",
  ])("400: %s", async (query) => {
    const answer = await ask(server.url, `/index?${query}`);
    expect([answer.status, answer.headers["content-type"]]).toEqual([400, "text/plain; charset=utf-8"]);
  });
});

test("a version appears with its push; one that was taken away only for those who ask for all", async () => {
  open.change((r) => r.tag("v1.3.0", r.commit({ "go.mod": "module gokura.test/acme/open\n" })));
  await open.push();
  expect(names(await feed()).at(-1)).toBe("acme/open@v1.3.0");
  await deleteVersion(server.registry, OPERATOR, "gokura.test/acme/open", "v1.3.0");
  expect(names(await feed())).not.toContain("acme/open@v1.3.0");
  expect(names(await feed("?include=all"))).toContain("acme/open@v1.3.0");
  await deleteProject(server.registry, OPERATOR, "acme/closed");
  expect(names(await feed("?include=all", admin))).not.toContain("acme/closed@v0.1.0");
});

test("versions published at the same time in many projects have their own places", async () => {
  const token = await server.token("acme");
  const before = (await feed("", admin)).length;
  await Promise.all(
    Array.from({ length: 6 }, (_, n) =>
      pushRecipe(remoteOf(server.url, `acme/p${n}`, token), (r) => {
        const commit = r.commit({ "go.mod": `module gokura.test/acme/p${n}\n` });
        for (let v = 0; v < 5; v++) r.tag(`v0.${v}.0`, commit);
      }),
    ),
  );
  const lines = await readIndex(server.registry, OPERATOR, "instance", {});
  expect(lines).toHaveLength(before + 30);
  expect(lines.map((line) => line.Timestamp)).toEqual([...new Set(lines.map((line) => line.Timestamp))].sort());
});

test("a page has 2,000 entries, if fewer are not asked for, and never more", async () => {
  const large = await testServer();
  await large.registry.database.pool.query(
    `INSERT INTO index_entry ("timestamp", path, version, upstream)
     SELECT timestamptz '2026-01-01' + n * interval '1 microsecond', 'example.com/many', 'v1.0.' || n, true
     FROM generate_series(1, 4100) n`,
  );
  const page = async (query: string) => {
    const { text } = await ask(large.url, `/index${query}`);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line): IndexLine => JSON.parse(line));
  };
  for (const query of ["", "?limit=2000", "?limit=2001", "?limit=999999999", "?limit="])
    expect([query, (await page(query)).length]).toEqual([query, 2000]);
  expect(await page("?limit=1999")).toHaveLength(1999);
  const first = await page("");
  expect(first.at(-1)).toMatchObject({ Version: "v1.0.2000", Timestamp: "2026-01-01T00:00:00.002000Z" });
  const second = await page(`?since=${first.at(-1)!.Timestamp}`);
  expect([second[0], second.at(-1)!.Version]).toEqual([first.at(-1), "v1.0.3999"]);
  expect(await page(`?since=${second.at(-1)!.Timestamp}`)).toHaveLength(102);
});

describe("every origin, in the transaction that publishes", () => {
  let upstream: FakeUpstream;
  let one: TestServer;
  const go = (path: string) => ask(one.url, `/api/v4/packages/go/${path}`);
  const inFeed = async () => {
    const { text } = await ask(one.url, "/index");
    return [...text.matchAll(/"Path":"([^"]+)","Version":"([^"]+)"/g)].map(([, path, version]) => `${path}@${version}`);
  };

  beforeAll(async () => {
    upstream = await fakeUpstream();
    one = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
    await createProject(one.registry, OPERATOR, { fullPath: "root/lib", visibility: "PUBLIC" });
  });

  test("a tag, a branch that was asked for, a .mod and a zip from upstream", async () => {
    await pushRecipe(remoteOf(one.url, "root/lib", ADMIN_TOKEN), (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/root/lib\n" }));
      r.commit({ "a.go": "package lib\n" });
    });
    const { Version } = JSON.parse((await go("gokura.test/root/lib/@v/main.info")).text);
    for (const [path, file] of [
      ["example.com/mod", "mod"],
      ["example.com/zip", "zip"],
    ]) {
      await upstream.version(path!, "v1.0.0");
      expect((await go(`${path}/@v/v1.0.0.${file}`)).status).toBe(200);
    }
    expect(await inFeed()).toEqual([
      ...["gokura.test/root/lib@v1.0.0", `gokura.test/root/lib@${Version}`],
      ...["example.com/mod@v1.0.0", "example.com/zip@v1.0.0"],
    ]);
  });

  test("what cannot have a place in the feed is not published", async () => {
    const { pool } = one.registry.database;
    const versions = async () =>
      (await one.registry.prisma.moduleVersion.findMany({ where: { version: "v1.6.6" } })).length;
    await pool.query(`CREATE FUNCTION no_place() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.version = 'v1.6.6' THEN RAISE 'no place'; END IF; RETURN NEW; END $$`);
    await pool.query("CREATE TRIGGER no_place BEFORE INSERT ON index_entry FOR EACH ROW EXECUTE FUNCTION no_place()");
    await upstream.version("example.com/placeless", "v1.6.6");
    await pushRecipe(remoteOf(one.url, "root/lib", ADMIN_TOKEN), (r) => {
      r.tag("v1.6.6", r.commit({ "go.mod": "module gokura.test/root/lib\n" }));
    });
    const paths = ["mod", "zip"].map((file) => `example.com/placeless/@v/v1.6.6.${file}`);
    paths.push("gokura.test/root/lib/@v/v1.6.6.info");
    for (const path of paths) expect([path, (await go(path)).status]).toEqual([path, 503]);
    expect([await versions(), (await inFeed()).length]).toEqual([0, 4]);
    await pool.query("DROP TRIGGER no_place ON index_entry");
    for (const path of paths) expect([path, (await go(path)).status]).toEqual([path, 200]);
    expect(await versions()).toBe(2);
    const named = (await inFeed()).filter((name) => name.endsWith("@v1.6.6"));
    expect(named.sort()).toEqual(["example.com/placeless@v1.6.6", "gokura.test/root/lib@v1.6.6"]);
  });
});
