// Checksum databases behind every Go endpoint, answered by a fake upstream: whoever may use the endpoint gets the database's
// own bytes, from store if they were there before, and the same with nobody to ask.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { PUBLIC_DATABASE } from "../../../src/sumdb/database-name.ts";
import { type FakeUpstream, fakeUpstream } from "../../support/fake-upstream.ts";
import { ask, bearer } from "../../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";
import { sharingBlobs } from "../../support/shared-blobs.ts";
import { makeDatabase } from "../../support/sum-database.ts";

const NAME = "sum.example.test/db";
const VIEWS = ["", "groups/acme/-/", "groups/acme%2Fdeep/-/", "projects/acme%2Fhidden/"];
const admin = bearer(ADMIN_TOKEN);

/** What the database is asked, as the go command writes it. */
const ASKED = ["latest", "lookup/example.com/!m@v1.0.0", "tile/8/0/000", "tile/8/0/002.p/188", "tile/8/1/000.p/2"];
const database = makeDatabase(NAME);
/** What it says, to the byte. */
const SAID: Record<string, Buffer> = {};

let upstream: FakeUpstream;
let server: TestServer;
let environment: Record<string, string>;

const at = (one: TestServer, view: string, rest: string, headers: Record<string, string> = admin) =>
  ask(one.url, `/api/v4/${view}packages/go/${rest}`, { headers });

beforeAll(async () => {
  upstream = await fakeUpstream();
  database.grow(3);
  database.add("example.com/M", "v1.0.0", { h1: `h1:${"A".repeat(43)}=`, goModH1: `h1:${"A".repeat(43)}=` });
  database.grow(696);
  for (const path of ASKED) SAID[path] = (await database.answer(path))!;
  environment = {
    GOKURA_UPSTREAM: upstream.url,
    GOKURA_SUMDB: `${PUBLIC_DATABASE.name},${database.verifierKey}`,
  };
  server = await testServer({ environment });
  for (const database of [NAME, PUBLIC_DATABASE.name]) upstream.on(`sumdb/${database}/supported`, "");
  for (const [path, bytes] of Object.entries(SAID)) upstream.on(`sumdb/${NAME}/${path}`, bytes);
  await createGroup(server.registry, OPERATOR, { fullPath: "acme" });
  await createGroup(server.registry, OPERATOR, { fullPath: "acme/deep" });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/hidden", visibility: "PRIVATE" });
});

test("a database that is proxied is supported on every view that may be used; another is 404", async () => {
  const stranger = bearer(await server.token("stranger"));
  for (const name of [NAME, PUBLIC_DATABASE.name])
    for (const view of VIEWS) {
      const status = async (headers: Record<string, string>) =>
        (await at(server, view, `sumdb/${name}/supported`, headers)).status;
      expect([view, await status(admin)]).toEqual([view, 200]);
      expect([view, await status({})]).toEqual([view, view === "" ? 200 : 401]);
      expect([view, await status(stranger)]).toEqual([view, view === "" ? 200 : 404]);
    }
  for (const view of VIEWS)
    for (const other of ["sum.other.test", "sum.example.test", `${NAME}/more`, `${NAME}x`])
      for (const rest of ["supported", "latest", "lookup/example.com/!m@v1.0.0", "tile/8/0/000"])
        expect([other, rest, (await at(server, view, `sumdb/${other}/${rest}`)).status]).toEqual([other, rest, 404]);
});

test("its bytes are passed on as they are, asked once for all views, and kept", async () => {
  for (const view of VIEWS)
    for (const [path, bytes] of Object.entries(SAID))
      for (const spelled of [path, path.replace("!", "%21")]) {
        const answer = await at(server, view, `sumdb/${NAME}/${spelled}`);
        expect([path, answer.status, answer.bytes.equals(bytes)]).toEqual([path, 200, true]);
        expect(answer.headers["content-length"]).toBe(String(bytes.length));
      }
  for (const path of Object.keys(SAID)) expect([path, upstream.count(`sumdb/${NAME}/${path}`)]).toEqual([path, 1]);
});

test("with nobody to ask, or asked not to, every view answers from store, and what is not stored is 404", async () => {
  const off = await testServer({
    environment: {
      ...environment,
      GOKURA_UPSTREAM: "off",
      DATABASE_URL: server.registry.database.url,
      GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory),
    },
  });
  upstream.asked.length = 0;
  const ways: [TestServer, prefix: string, headers: Record<string, string>][] = [
    [off, "", {}],
    [server, "", { "Disable-Module-Fetch": "true" }],
    [server, "cached-only/", {}],
  ];
  for (const view of VIEWS)
    for (const [one, prefix, headers] of ways) {
      const get = (rest: string) => at(one, view, `${prefix}sumdb/${NAME}/${rest}`, { ...admin, ...headers });
      expect((await get("supported")).status).toBe(200);
      for (const [path, bytes] of Object.entries(SAID)) {
        const answer = await get(path);
        expect([path, prefix, answer.status, answer.bytes.equals(bytes)]).toEqual([path, prefix, 200, true]);
      }
      expect((await get("tile/8/0/000.p/3")).bytes.equals(SAID["tile/8/0/000"]!.subarray(0, 96))).toBe(true);
      for (const path of ["lookup/example.com/n@v1.0.0", "tile/8/0/001", "tile/8/0/002.p/189", "tile/8/0/002"])
        expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
  expect(upstream.asked).toEqual([]);
});
