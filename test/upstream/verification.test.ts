// What comes from upstream is compared with a checksum database before it is stored: an upstream that lies, a database that
// lies, one that is away, and honest ones.
import { beforeAll, describe, expect, test } from "vitest";
import { h1OfGoMod } from "../../src/gomod/dir-hash.ts";
import { parseUpstreams } from "../../src/upstream/policy.ts";
import { toldNames } from "../../src/upstream/told-names.ts";
import { runHere } from "../cli/run-here.ts";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type MadeDatabase, makeDatabase } from "../support/sum-database.ts";
import { h1OfZip } from "../support/zip-sum.ts";

const NAME = "sum.example.test/db";
const ENDPOINT = "/api/v4/packages/go";

interface World {
  readonly upstream: FakeUpstream;
  readonly database: MadeDatabase;
  readonly server: TestServer;
  /** The setting that names the database. */
  readonly sumdb: string;
  /** A module upstream, whose record is in the database. */
  publish(modulePath: string, version: string): Promise<void>;
  get(path: string): Promise<Answer>;
  audited(action: string): Promise<{ subject: string; detail: Record<string, unknown> }[]>;
}

async function world(environment: Record<string, string> = {}): Promise<World> {
  const upstream = await fakeUpstream();
  const database = makeDatabase(NAME);
  database.grow(300);
  const own = await fakeUpstream((req, res) => void (database.handle(req, res) || res.writeHead(404).end()));
  const sumdb = `${database.verifierKey} ${own.url}`;
  const server = await testServer({
    environment: {
      ...{ GOKURA_UPSTREAM: upstream.url, GOKURA_UPSTREAM_VERIFY: "require" },
      GOKURA_SUMDB: sumdb,
      ...environment,
    },
  });
  return {
    ...{ upstream, database, server, sumdb },
    async publish(modulePath, version) {
      const { mod, zip } = await upstream.version(modulePath, version, { "a.go": `package a // ${version}\n` });
      database.add(modulePath, version, {
        h1: await h1OfZip(`${modulePath}@${version}`, zip),
        goModH1: h1OfGoMod(mod),
      });
    },
    get: (path) => ask(server.url, `${ENDPOINT}/${path}`),
    async audited(action) {
      const { rows } = await server.registry.database.pool.query(
        "SELECT subject, detail FROM audit_event WHERE action = $1 ORDER BY id",
        [action],
      );
      return rows;
    },
  };
}

const reasonOf = ({ status, headers }: Answer): string => `${status} ${headers["gokura-reason"] ?? ""}`.trim();

describe("required", () => {
  let w: World;
  beforeAll(async () => {
    w = await world({ GOKURA_UPSTREAM_NOSUMDB: "corp.test/*" });
  });

  test("what the database vouches for is stored, by one look-up for .mod and zip", async () => {
    await w.publish("good.test/a", "v1.0.0");
    for (const ext of ["info", "mod", "zip"]) expect((await w.get(`good.test/a/@v/v1.0.0.${ext}`)).status).toBe(200);
    const { rows } = await w.server.registry.database.pool.query(
      "SELECT record_id::int FROM proved_sum WHERE path = 'good.test/a'",
    );
    expect(rows).toEqual([{ record_id: 300 }]);
  });

  test("a .mod with another sum is refused before anything is stored", async () => {
    await w.publish("othermod.test/a", "v1.0.0");
    w.upstream.on("othermod.test/a/@v/v1.0.0.mod", "module othermod.test/a\n\nrequire evil.test/x v1.0.0\n");
    expect(reasonOf(await w.get("othermod.test/a/@v/v1.0.0.mod"))).toBe("503 checksum_mismatch");
    w.upstream.on("othermod.test/a/@v/v1.0.0.mod", "module othermod.test/a\n");
    expect((await w.get("othermod.test/a/@v/v1.0.0.mod")).status).toBe(200);
  });

  test("a .mod that names another module is kept once the database vouches for it", async () => {
    const { mod } = await w.upstream.version("fork.test/a", "v1.0.0", { "go.mod": "module original.test/a\n" });
    w.database.add("fork.test/a", "v1.0.0", { h1: `h1:${"A".repeat(43)}=`, goModH1: h1OfGoMod(mod) });
    await w.get("fork.test/a/@v/v1.0.0.mod");
    expect((await w.get("cached-only/fork.test/a/@v/v1.0.0.mod")).text).toBe(mod);
  });

  test("of what the database does not know nothing is stored, and the setting is told", async () => {
    await w.upstream.version("unknown.test/a", "v1.0.0");
    const answer = await w.get("unknown.test/a/@v/v1.0.0.mod");
    expect(reasonOf(answer)).toBe("404 checksum_unknown");
    expect(answer.text).toContain("GOKURA_UPSTREAM_NOSUMDB");
    expect((await w.get("cached-only/unknown.test/a/@v/v1.0.0.mod")).status).toBe(404);
  });

  test("names that match GOKURA_UPSTREAM_NOSUMDB are never told to a database", async () => {
    await w.upstream.version("corp.test/secret", "v1.0.0");
    const told: string[] = [];
    w.database.bend((path, bytes) => {
      told.push(path);
      return bytes;
    });
    expect((await w.get("corp.test/secret/@v/v1.0.0.mod")).status).toBe(200);
    expect((await w.get("corp.test/secret/@v/v1.0.0.zip")).status).toBe(200);
    expect((await w.get(`sumdb/${NAME}/lookup/corp.test/secret@v1.0.0`)).status).toBe(404);
    // Our own log has them as they came first, so that one GOSUMDB line verifies them, too.
    const lookup = await ask(w.server.url, "/sumdb/lookup/corp.test/secret@v1.0.0");
    expect([lookup.status, lookup.text]).toEqual([200, expect.stringContaining("corp.test/secret v1.0.0/go.mod h1:")]);
    const basis = "SELECT basis FROM sum_record WHERE path = 'corp.test/secret'";
    expect((await w.server.registry.database.pool.query(basis)).rows).toEqual([{ basis: "OBSERVED" }]);
    w.database.bend(undefined);
    expect(told).toEqual([]);
  });
});

test.each([
  ["require", "http://127.0.0.1:9/a,https://u:p@go.example.com", "", 2],
  ["allow", "https://[fd00::1]/a,direct", "", 1],
  ["require", "https://8.8.8.8/a,direct", "", 0],
  ["require", "http://127.0.0.1:9/a", "corp.test/*", 0],
  ["off", "http://127.0.0.1:9/a", "", 0],
] as const)("%s with %s and patterns %j: %i warnings that names are told", async (mode, list, noSumdb, count) => {
  const warnings = await toldNames(parseUpstreams(list), { mode, noSumdb });
  expect(warnings).toHaveLength(count);
  for (const warning of warnings) expect(warning).toMatch(/GOKURA_UPSTREAM_NOSUMDB$/);
});

const misbehaving: [string, (w: World) => Promise<void>][] = [
  [
    "a fork",
    async (w) => {
      const fork = w.database.fork();
      fork.grow(5);
      await w.publish("seen.test/a", "v1.0.0");
      w.database.grow(10);
      expect((await w.get("seen.test/a/@v/v1.0.0.mod")).status).toBe(200);
      for (const path of ["supported", "latest"]) await fork.answer(path);
      const sums = { h1: `h1:${"A".repeat(43)}=`, goModH1: h1OfGoMod("module next.test/a\n") };
      fork.add("next.test/a", "v1.0.0", sums);
      fork.grow(20);
      const answers = new Map<string, Buffer | undefined>();
      const paths = [
        "lookup/next.test/a@v1.0.0",
        "tile/8/0/000",
        `tile/8/0/001.p/${fork.size - 256}`,
        "tile/8/1/000.p/1",
      ];
      for (const path of paths) answers.set(path, await fork.answer(path));
      w.database.bend((path) => answers.get(path));
    },
  ],
  [
    "a bad signature",
    async (w) => {
      w.database.bend((path, bytes) =>
        path.startsWith("lookup/") ? Buffer.from(bytes!.toString().replace(/(\u2014 \S+ .{10})./u, "$1A")) : bytes,
      );
      w.database.add("next.test/a", "v1.0.0", {
        h1: `h1:${"A".repeat(43)}=`,
        goModH1: h1OfGoMod("module next.test/a\n"),
      });
    },
  ],
];

// From here on each has a world of its own, and waits until trouble in it is forgotten: side by side.
describe.concurrent("required, and something is wrong for a while", () => {
  test("a zip with other bytes is refused, a security event with both sums, and the honest one is served after it", async ({
    expect,
  }) => {
    const w = await world();
    await w.publish("moved.test/a", "v1.0.0");
    const path = "moved.test/a/@v/v1.0.0.zip";
    const honest = await zipOf("moved.test/a@v1.0.0", {
      "go.mod": "module moved.test/a\n",
      "a.go": "package a // v1.0.0\n",
    });
    const other = await zipOf("moved.test/a@v1.0.0", { "go.mod": "module moved.test/a\n", "a.go": "package evil\n" });
    w.upstream.on(path, other);
    const refused = await w.get(path);
    expect(reasonOf(refused)).toBe("503 checksum_mismatch");
    expect(refused.text).toContain("SECURITY ERROR");
    const [event] = await w.audited("upstream.mismatch");
    expect(event).toEqual({
      subject: path,
      detail: expect.objectContaining({
        ...{ what: "zip", database: NAME, id: 300 },
        downloaded: await h1OfZip("moved.test/a@v1.0.0", other),
        recorded: await h1OfZip("moved.test/a@v1.0.0", honest),
      }),
    });
    const stored =
      "SELECT v.h1 FROM module_version v JOIN module m ON m.id = v.module_id WHERE m.path = 'moved.test/a'";
    expect((await w.server.registry.database.pool.query(stored)).rows).toEqual([{ h1: null }]);
    w.upstream.on(path, honest);
    await expect.poll(async () => (await w.get(path)).status, { timeout: 30_000, interval: 500 }).toBe(200);
  });

  test("a database that is away, sends a page or never ends: 503, never 404, and nothing is stored", async ({
    expect,
  }) => {
    const w = await world();
    await w.publish("later.test/a", "v1.0.0");
    for (const wrong of [Buffer.from("<html>"), Buffer.alloc(1_000_000, "a"), Buffer.from("001\nx\n\ny")]) {
      w.database.bend((path, bytes) => (path.startsWith("lookup/") ? wrong : bytes));
      await expect
        .poll(async () => reasonOf(await w.get("later.test/a/@v/v1.0.0.mod")))
        .toBe("503 checksum_unverified");
    }
    w.database.bend(undefined);
    await expect.poll(async () => (await w.get("later.test/a/@v/v1.0.0.mod")).status, { timeout: 10_000 }).toBe(200);
  });

  test("a tampered tile, a record at another place, a signed answer without the line: not proved, and good again after", async ({
    expect,
  }) => {
    const w = await world();
    await w.publish("known.test/a", "v1.0.0");
    expect((await w.get("known.test/a/@v/v1.0.0.mod")).status).toBe(200);
    await w.publish("bent.test/a", "v1.0.0");
    const flip = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)]);
    w.database.grow(600); // its tile is new, and so is one in front of it
    const bends: ((path: string, bytes: Buffer | undefined) => Buffer | undefined)[] = [
      (path, bytes) => (path.includes("tile/8/0/001") ? bytes && flip(bytes) : bytes),
      (path, bytes) => (path.includes(".p/") ? bytes && flip(bytes) : bytes),
      (path, bytes) => (path.startsWith("lookup/") ? Buffer.from(bytes!.toString().replace(/^\d+/, "7")) : bytes),
      (path, bytes) => (path.startsWith("lookup/") ? Buffer.from(bytes!.toString().replace(/^\d+/, "99999")) : bytes),
      // Lines beside the proved text, as CVE-2026-42501: only the text counts.
      (path, bytes) =>
        path.startsWith("lookup/")
          ? Buffer.from(bytes!.toString().replace("bent.test/a v1.0.0 h1:", "bent.test/a v1.0.1 h1:"))
          : bytes,
    ];
    for (const [n, bend] of bends.entries()) {
      w.database.bend(bend);
      await expect
        .poll(async () => reasonOf(await w.get("bent.test/a/@v/v1.0.0.mod")), { timeout: 10_000, message: String(n) })
        .toBe("503 checksum_unverified");
    }
    w.database.bend(undefined);
    await expect.poll(async () => (await w.get("bent.test/a/@v/v1.0.0.mod")).status, { timeout: 10_000 }).toBe(200);
    expect(await w.audited("sumdb.misbehaviour")).toEqual([]);
  });
});

describe.concurrent.each(misbehaving)("%s", (_, misbehave) => {
  test("has the database believed no more, with both notes as proof, until an administrator decides", async ({
    expect,
  }) => {
    const w = await world();
    await w.upstream.version("next.test/a", "v1.0.0");
    await w.publish("first.test/a", "v1.0.0");
    expect((await w.get("first.test/a/@v/v1.0.0.mod")).status).toBe(200);
    await misbehave(w);
    expect(reasonOf(await w.get("next.test/a/@v/v1.0.0.mod"))).toBe("503 checksum_unverified");
    const [event] = await w.audited("sumdb.misbehaviour");
    expect(event).toMatchObject({ subject: NAME, detail: { newer: expect.stringContaining("go.sum database tree") } });
    expect(event?.detail.older).toContain("go.sum database tree");
    w.database.bend(undefined);
    await w.publish("third.test/a", "v1.0.0");
    const { text } = await w.get("third.test/a/@v/v1.0.0.mod");
    expect(text).toContain("is not believed any more");
    // What was stored before stays served, and what was proved before stays proved.
    for (const ext of ["mod", "zip"]) expect((await w.get(`first.test/a/@v/v1.0.0.${ext}`)).status).toBe(200);
    expect((await ask(w.server.url, `${ENDPOINT}/sumdb/${NAME}/lookup/third.test/a@v1.0.0`)).status).toBe(503);

    const told = async () => [
      JSON.parse((await ask(w.server.url, "/-/readiness")).text).distrustedDatabases,
      /^gokura_checksum_databases_distrusted (\d)$/m.exec((await ask(w.server.url, "/-/metrics")).text)?.[1],
    ];
    expect(await told()).toEqual([[NAME], "1"]);
    expect(await administration(w)).toMatchObject({ checksumMisbehaviours: [{ database: NAME, decidedAt: null }] });

    const shown = await command(w, "sumdb", "trust", "--json");
    expect(JSON.parse(shown)).toMatchObject([
      { database: NAME, newer: event?.detail.newer, older: event?.detail.older },
    ]);
    expect(await command(w, "sumdb", "trust", NAME)).toContain("believed again");
    expect(await told()).toEqual([undefined, "0"]);
    await expect.poll(async () => (await w.get("third.test/a/@v/v1.0.0.mod")).status, { timeout: 10_000 }).toBe(200);
  });
});

const command = async ({ server }: World, ...words: string[]): Promise<string> => {
  const environment = { DATABASE_URL: server.registry.database.url, GOKURA_DATA_DIR: server.dataDirectory };
  const { code, stdout, stderr } = await runHere(words, environment);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
};

/** What administrators are told. */
const administration = async ({ server }: World): Promise<unknown> => {
  const query = `{ administration { checksumMisbehaviours { database decidedAt }
    quarantinedVersions { modulePath version } } }`;
  const answer = await ask(server.url, "/api/graphql", {
    method: "POST",
    headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return JSON.parse(answer.text).data.administration;
};

describe.concurrent("allowed", () => {
  test("what cannot be verified is stored, and compared later: what differs is quarantined, from memory too", async ({
    expect,
  }) => {
    const w = await world({ GOKURA_UPSTREAM_VERIFY: "allow" });
    w.database.bend(() => undefined); // no record of anything
    const [good, moved] = ["later.test/good/@v/v1.0.0.zip", "later.test/moved/@v/v1.0.0.zip"];
    await w.publish("later.test/good", "v1.0.0");
    await w.publish("later.test/moved", "v1.0.0");
    const honest = (await ask(w.upstream.url, `/${moved}`)).bytes.toString("base64");
    w.upstream.on(
      moved,
      await zipOf("later.test/moved@v1.0.0", { "go.mod": "module later.test/moved\n", "a.go": "package evil\n" }),
    );
    for (let n = 0; n < 2; n++) for (const path of [good, moved]) expect((await w.get(path)).status).toBe(200);
    w.database.bend(undefined);
    await w.server.registry.jobs.sendAlone("verify-stored", { after: 0 });
    await expect.poll(async () => reasonOf(await w.get(moved)), { timeout: 20_000 }).toBe("403 version_quarantined");
    expect((await w.get(good)).status).toBe(200);
    await expect
      .poll(() => w.audited("upstream.mismatch"), { timeout: 10_000 })
      .toMatchObject([{ subject: "later.test/moved@v1.0.0" }]);

    expect(await command(w, "sumdb", "quarantine")).toContain("later.test/moved");
    expect(await administration(w)).toMatchObject({
      quarantinedVersions: [{ modulePath: "later.test/moved", version: "v1.0.0" }],
    });
    w.upstream.on(moved, Buffer.from(honest, "base64"));
    await command(w, "sumdb", "quarantine", "--remove", "later.test/moved@v1.0.0");
    expect((await w.get(moved)).bytes.toString("base64")).toBe(honest);
  });

  test("with GOKURA_UPSTREAM off what is stored is served, and no database is asked about it", async ({ expect }) => {
    const w = await world({ GOKURA_UPSTREAM_VERIFY: "allow" });
    w.database.bend(() => undefined); // no record of anything
    await w.publish("kept.test/a", "v1.0.0");
    expect((await w.get("kept.test/a/@v/v1.0.0.zip")).status).toBe(200);
    const { registry, dataDirectory } = w.server;
    await w.server.stop();
    const asked: string[] = [];
    w.database.bend((path, bytes) => {
      asked.push(path);
      return bytes;
    });
    const server = await testServer({
      environment: {
        ...{ DATABASE_URL: registry.database.url, GOKURA_DATA_DIR: dataDirectory, GOKURA_SUMDB: w.sumdb },
        ...{ GOKURA_UPSTREAM: "off", GOKURA_UPSTREAM_VERIFY: "allow" },
      },
    });
    const { jobs, database } = server.registry;
    const done = async () =>
      (await database.pool.query("SELECT FROM pgboss.job WHERE name = 'verify-stored' AND state = 'completed'"))
        .rowCount;
    const before = (await done()) ?? 0;
    await jobs.sendAlone("verify-stored", { after: 0 }); // such as one that an earlier start left
    await expect.poll(done).toBe(before + 1);
    expect((await ask(server.url, `${ENDPOINT}/kept.test/a/@v/v1.0.0.zip`)).status).toBe(200);
    expect(asked).toEqual([]);
  });
});

describe.concurrent("off", () => {
  test("toolchains are verified all the same, and nothing else", async ({ expect }) => {
    const w = await world({ GOKURA_UPSTREAM_VERIFY: "off", GOKURA_UPSTREAM_NOSUMDB: "*" });
    await w.upstream.version("unknown.test/a", "v1.0.0");
    expect((await w.get("unknown.test/a/@v/v1.0.0.zip")).status).toBe(200);
    const [good, bad] = ["v0.0.1-go1.99.0.linux-amd64", "v0.0.1-go1.99.1.linux-amd64"];
    await w.publish("golang.org/toolchain", good);
    await w.upstream.version("golang.org/toolchain", bad);
    expect((await w.get(`golang.org/toolchain/@v/${good}.zip`)).status).toBe(200);
    expect(reasonOf(await w.get(`golang.org/toolchain/@v/${bad}.zip`))).toBe("404 checksum_unknown");
    w.database.add("golang.org/toolchain", bad, {
      h1: `h1:${"A".repeat(43)}=`,
      goModH1: h1OfGoMod("module golang.org/toolchain\n"),
    });
    await expect
      .poll(async () => reasonOf(await w.get(`golang.org/toolchain/@v/${bad}.zip`)), { timeout: 20_000 })
      .toBe("503 checksum_mismatch");
  });
});
