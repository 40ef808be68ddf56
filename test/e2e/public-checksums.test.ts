// Modules of others in our own log: their records are copied from a checksum database that our own client has proved, so that
// one GOSUMDB line verifies everything. The database of others is another Gokura's, because that is a real one.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { generateSignerKey, parseSignerKey } from "../../src/sumdb/note.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

const LIB = "origin.test/acme/Lib";
const ENDPOINT = "/api/v4/packages/go";

let origin: TestServer;

beforeAll(async () => {
  origin = await testServer({ environment: { GOKURA_MODULE_HOST: "origin.test" } });
  await createGroup(origin.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(origin.registry, OPERATOR, { fullPath: "acme/Lib", visibility: "PUBLIC" });
  await pushRecipe(remoteOf(origin.url, "acme/Lib", ADMIN_TOKEN), (r) => {
    for (let n = 0; n < 6; n++)
      r.tag(`v1.${n}.0`, r.commit({ "go.mod": `module ${LIB}\n\ngo 1.21\n`, "a.go": `package lib // ${n}\n` }));
  });
});

const inFront = (verifierKey: string): Promise<TestServer> =>
  testServer({
    environment: {
      GOKURA_UPSTREAM: origin.url + ENDPOINT,
      GOKURA_SUMDB: `${verifierKey} ${origin.url}/sumdb`,
    },
  });

const sizeOf = async (server: TestServer): Promise<number> =>
  Number((await ask(server.url, "/sumdb/latest")).text.split("\n")[1]);

test("go verifies a module of others against our log, and the record is the one that was proved", async () => {
  const front = await inFront(origin.verifierKey);
  const go = goCommand({ GOPROXY: front.url + ENDPOINT, GONOSUMDB: "", GOSUMDB: front.verifierKey });
  await go.must("mod", "download", `${LIB}@v1.3.0`, `${LIB}@v1.5.0`, `${LIB}@v1.0.0`);
  const { rows } = await front.registry.database.pool.query(
    "select path, version, basis, public_id::int as id, encode(h1, 'base64') as h1 from sum_record order by version",
  );
  const theirs = await origin.registry.database.pool.query(
    `select path, version, 'PUBLIC' as basis, id::int, encode(h1, 'base64') as h1 from sum_record
      where version in ('v1.0.0', 'v1.3.0', 'v1.5.0') order by version`,
  );
  expect(rows).toEqual(theirs.rows);
  // With nobody to ask what is logged is answered, and what is not is not there.
  const offline = (version: string) =>
    ask(
      front.url,
      `${ENDPOINT}/cached-only/sumdb/${front.verifierKey.split("+")[0]}/lookup/origin.test/acme/!lib@${version}`,
    );
  expect((await offline("v1.3.0")).status).toBe(200);
  expect((await offline("v1.2.0")).status).toBe(404);
});

test("what the database does not have is not logged, and its word is told", async () => {
  const front = await inFront(origin.verifierKey);
  const answer = await ask(front.url, "/sumdb/lookup/origin.test/acme/!lib@v9.9.9");
  expect([answer.status, answer.text]).toEqual([404, expect.stringContaining("v9.9.9")]);
  expect(await sizeOf(front)).toBe(0);
});

test("a database that another key has signed is not believed: 503, never 404, and nothing is logged", async () => {
  const other = parseSignerKey(generateSignerKey(origin.verifierKey.split("+")[0]!)).verifierKey;
  const front = await inFront(other);
  for (let n = 0; n < 2; n++) {
    const answer = await ask(front.url, "/sumdb/lookup/origin.test/acme/!lib@v1.0.0");
    expect([answer.status, answer.text]).toEqual([
      503,
      expect.stringMatching(/could not be proved|not believed any more/),
    ]);
  }
  expect(await sizeOf(front)).toBe(0);
  expect(front.logged.filter((line) => line.includes("is not believed any more")).length).toBeGreaterThan(0);
});
