// How much one client may ask for in a minute: 429 with the seconds to wait and a sentence, on each door in its own way, and
// nothing of what costs nothing is ever refused. One server with small limits, a client for each address (GOKURA_TRUST_PROXY).
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

const LIMIT = 4;
const MODULE = "example.com/many";
const P = "gokura.test/acme/lib";

let server: TestServer;
let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await fakeUpstream();
  for (let n = 0; n < 9; n++) await upstream.version(MODULE, `v1.${n}.0`);
  server = await testServer({
    environment: {
      GOKURA_UPSTREAM: upstream.url,
      GOKURA_TRUST_PROXY: "127.0.0.1",
      GOKURA_LIMIT_COLD_FETCHES: String(LIMIT),
      GOKURA_LIMIT_GRAPHQL_COST: "500",
      GOKURA_LIMIT_UPLOADS: String(LIMIT),
      GOKURA_LIMIT_SIGN_INS: String(LIMIT),
      GOKURA_LIMIT_WRONG_CREDENTIALS: String(LIMIT),
    },
  });
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
});

const from = (address: string) => ({ "x-forwarded-for": address });
const go = (path: string, headers: Record<string, string>): Promise<Answer> =>
  ask(server.url, `/api/v4/packages/go/${path}`, { headers });
const info = (n: number, headers: Record<string, string>): Promise<Answer> =>
  go(`${MODULE}/@v/v1.${n}.0.info`, headers);

/** That this is a refusal for a while: how long must be said. */
function expectWait({ status, headers }: Answer): void {
  expect(status).toBe(429);
  const seconds = Number(headers["retry-after"]);
  expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, String(headers["retry-after"])).toBe(true);
}

async function limited(name: string): Promise<number> {
  const { text } = await ask(server.url, "/-/metrics");
  return Number(new RegExp(`^gokura_limited_total\\{limit="${name}"\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

describe("what the anonymous have fetched from upstream", () => {
  test("is limited for an address; what is stored or in memory is served all the same, and to others everything", async () => {
    const client = from("192.0.2.1");
    for (let n = 0; n < LIMIT; n++) expect((await info(n, client)).status).toBe(200);
    const asked = upstream.asked.length;
    const refused = await info(LIMIT, client);
    expectWait(refused);
    expect(refused.headers["gokura-reason"]).toBe("rate_limited");
    expect(refused.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(refused.text).toMatch(
      /^without a token an address may have 4 things a minute fetched from upstream; .* send a token, or wait \d+ seconds and try again\n$/,
    );
    expectWait(await go(`${MODULE}/@v/v1.8.0.zip`, client));
    expectWait(await go(`${MODULE}/@v/v1.8.0.mod`, client));
    expect(upstream.asked.length).toBe(asked);
    expect(await limited("cold_fetches")).toBe(3);
    // Stored: the hot cache of this address knows it, that of the group's view does not.
    for (let n = 0; n < LIMIT; n++) expect((await info(n, client)).status).toBe(200);
    expect((await go(`cached-only/${MODULE}/@v/v1.0.0.info`, client)).status).toBe(200);
    // With a token, or from elsewhere.
    expect((await info(LIMIT, { ...client, ...bearer(ADMIN_TOKEN) })).status).toBe(200);
    expect((await info(LIMIT + 1, from("192.0.2.2"))).status).toBe(200);
    // Somebody else had it fetched, so it is stored.
    expect((await info(LIMIT + 1, client)).status).toBe(200);
  });

  test("does not count what was stored already, however often it is asked for", async () => {
    const client = from("192.0.2.3");
    for (let n = 0; n < 3 * LIMIT; n++)
      expect((await go(`${MODULE}/@v/v1.${n % 4}.0.info?${n}`, client)).status).toBe(200);
    expect((await info(7, client)).status).toBe(200);
  });

  test("counts requests that come at once one by one", async () => {
    const client = from("2001:db8::1");
    const others = from("2001:db8::2"); // the same network, and so the same machine
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => go(`${MODULE}${n}/@v/list`, n % 2 ? client : others)),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([...Array(LIMIT).fill(404), ...Array(12 - LIMIT).fill(429)]);
  });
});

test("the GraphQL queries of one principal may cost so much together, and another's go on", async () => {
  const query = (headers: Record<string, string>): Promise<Answer> =>
    ask(server.url, "/api/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query: "{ goModules(first: 100) { nodes { path } } }" }),
    });
  const [ann, bob] = [bearer(await server.token("ann")), bearer(await server.token("bob"))];
  expect((await query(ann)).status).toBe(200); // 100 for the search, 1, and 100 rows
  expect((await query(ann)).status).toBe(200);
  const refused = await query({ ...ann, ...from("192.0.2.9") });
  expectWait(refused);
  expect(JSON.parse(refused.text).errors).toEqual([
    {
      message: expect.stringMatching(/cost more than 500 together: ask for less, wait \d+ seconds and try again$/),
      extensions: { code: "RATE_LIMITED", reason: "rate_limited" },
    },
  ]);
  expect((await query(bob)).status).toBe(200);
  expect((await query(from("192.0.2.10"))).status).toBe(200);
  expect(await limited("graphql_cost")).toBe(1);
});

test("uploads of one principal are limited before their body is asked for", async () => {
  const put = async (token: string, n: number): Promise<Answer> =>
    ask(server.url, `/api/v4/projects/acme%2Flib/packages/go/${P}/@v/v1.${n}.0.zip`, {
      method: "PUT",
      headers: bearer(token),
      body: await zipOf(`${P}@v1.${n}.0`, { "go.mod": `module ${P}\n` }),
    });
  const [acme, other] = [ADMIN_TOKEN, await server.token("eve", "api")];
  for (let n = 0; n < LIMIT; n++) expect((await put(acme, n)).status).toBe(201);
  const refused = await put(acme, 9);
  expectWait(refused);
  expect(refused.text).toContain("more than 4 uploads were begun within a minute: wait");
  expect((await put(other, 9)).status).toBe(403);
  expect((await go(`${P}/@v/list`, {})).text).not.toContain("v1.9.0");
});

test("sign-ins that fail are limited for an address, and good ones never count", async () => {
  const signIn = (token: string, address: string): Promise<Answer> =>
    ask(server.url, "/-/sign-in", {
      method: "POST",
      headers: {
        ...from(address),
        accept: "text/html",
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
      },
      body: `token=${token}`,
    });
  for (let n = 0; n < 2 * LIMIT; n++) expect((await signIn(ADMIN_TOKEN, "192.0.2.20")).status).toBe(303);
  for (let n = 0; n < LIMIT; n++) expect((await signIn(`wrong${n}`, "192.0.2.20")).status).toBe(422);
  const refused = await signIn(ADMIN_TOKEN, "192.0.2.20");
  expectWait(refused);
  expect(refused.text).toMatch(/more than 4 sign-ins from your address failed within a minute: wait \d+ seconds/);
  expect((await signIn(ADMIN_TOKEN, "192.0.2.21")).status).toBe(303);
});

test("credentials that are in use are let in from an address that sent too many wrong ones", async () => {
  const client = from("192.0.2.30");
  const api = (secret: string): Promise<Answer> =>
    ask(server.url, "/api/v4/projects", { headers: { ...client, ...bearer(secret) } });
  for (let n = 0; n < LIMIT; n++) expect((await api(`wrong ${n}`)).status).toBe(401);
  const refused = await api("wrong again");
  expectWait(refused);
  expect(JSON.parse(refused.text).reason).toBe("too_many_wrong_credentials");
  expect((await api("wrong 0")).status).toBe(401);
  expect((await api(ADMIN_TOKEN)).status).toBe(200);
});
