// What a server writes while people sign in in every way that there is, rightly and wrongly: at level debug no
// line holds a secret, in any form. The secrets are not all of our own making: an administrator may give any token.
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { ask, basic, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

const MODULE = `${MODULE_HOST}/alice/lib`;
const GO = `/api/v4/projects/alice%2Flib/packages/go/${MODULE}/@v`;
const WRONG = "gkpt_wrongwrongwrongwrongwrongwrong000000";
const PASSWORD = "correct-horse-battery-staple";

let server: TestServer;
let token: string;
const secrets: string[] = [ADMIN_TOKEN, WRONG, PASSWORD];

beforeAll(async () => {
  server = await testServer();
  token = await server.token("alice");
  secrets.push(token, new URL(server.registry.database.url).password);
});

/** All forms in which a secret travels. */
const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString("base64"),
  ...["alice", "any", "root", ""].map((user) => Buffer.from(`${user}:${secret}`).toString("base64")),
  secret.slice(5, 25),
];

function expectNoSecret(): void {
  const text = server.logged.join("");
  for (const secret of secrets)
    for (const form of formsOf(secret))
      expect(text.includes(form), `a form of a secret is in the log: ${form}`).toBe(false);
  expect(text).not.toMatch(/authorization|private-token|cookie/i);
}

describe("while", () => {
  test("git pushes and fetches, with the token in the URL", async () => {
    await pushRecipe(remoteOf(server.url, "alice/lib", token), (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" }));
    });
    expect((await tryGit(["ls-remote", remoteOf(server.url, "alice/lib", token)])).status).toBe(0);
    expect((await tryGit(["ls-remote", remoteOf(server.url, "alice/lib", WRONG)])).status).not.toBe(0);
    expectNoSecret();
  });

  test("the Go endpoint is asked with good, bad and unreadable credentials", async () => {
    const headers: Record<string, string>[] = [
      bearer(token),
      basic("any", token),
      { "private-token": token },
      bearer(WRONG),
      basic("alice", PASSWORD),
      { authorization: `Basic ${PASSWORD}` },
      { authorization: `Digest username=alice, response=${PASSWORD}` },
      { "private-token": PASSWORD },
      { cookie: `_session=${PASSWORD}` },
    ];
    const statuses = [];
    for (const one of headers)
      for (const file of ["list", "v1.0.0.info", "v1.0.0.zip"]) {
        const answer = await ask(server.url, `${GO}/${file}`, { headers: one });
        statuses.push(answer.status);
        for (const secret of secrets) expect(answer.text).not.toContain(secret);
      }
    expect(statuses.slice(0, 9).every((status) => status === 200)).toBe(true);
    expect(statuses.slice(9).every((status) => status === 401)).toBe(true);
    expectNoSecret();
  });

  test("somebody puts a token where it does not belong: into the query, the path, a user name", async () => {
    for (const path of [
      `${GO}/list?private_token=${PASSWORD}`,
      `${GO}/list?access_token=${token}`,
      `${GO}/${token}.info`,
      `/${token}/lib.git/info/refs?service=git-upload-pack`,
      `/${token}`,
    ])
      await ask(server.url, path);
    await ask(server.url, `${GO}/list`, { headers: basic(token, "x") });
    expectNoSecret();
  });

  test("GraphQL carries them in variables, in the query itself, and in what breaks", async () => {
    const graphql = (body: unknown, headers = bearer(token)) =>
      ask(server.url, "/api/graphql", {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
    const made = await graphql({
      query: `mutation ($input: TokenCreateInput!) { tokenCreate(input: $input) { secret errors } }`,
      variables: { input: { name: "from graphql", scopes: ["READ_API"] } },
    });
    const secret = /gkpt_[0-9A-Za-z]{36}/.exec(made.text)?.[0];
    expect(secret, made.text).toBeDefined();
    secrets.push(secret!);
    await graphql({ query: `{ project(fullPath: "${PASSWORD}") { id } }` });
    await graphql({ query: `{ project(fullPath: $p) { id } `, variables: { p: PASSWORD } });
    await graphql(`{"query": "{ currentUser", "variables": {"token": "${PASSWORD}"`);
    await graphql({ query: `{ currentUser { username } }` }, bearer(WRONG));
    expectNoSecret();
  });

  test("the features API gets them as parameters", async () => {
    await ask(server.url, `/api/v4/features/x`, {
      method: "POST",
      headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" },
      body: JSON.stringify({ value: true, project: PASSWORD, token: PASSWORD }),
    });
    await ask(server.url, `/api/v4/features/x`, {
      method: "POST",
      headers: bearer(WRONG),
      body: `{"value": "${PASSWORD}`,
    });
    expectNoSecret();
  });
});

test("and the log was not empty: each request has a line with its id, path, status, time and who it was", async () => {
  const lines = server.logged.map((line) => JSON.parse(line));
  const requests = lines.filter(({ msg }) => msg === "request");
  expect(requests.length).toBeGreaterThan(30);
  const zip = requests.find(({ path, status }) => path.endsWith("v1.0.0.zip") && status === 200);
  expect(zip).toMatchObject({
    level: "info",
    method: "GET",
    principal: "alice",
    from: "127.0.0.1",
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    ms: expect.any(Number),
  });
  expect(requests.filter(({ status }) => status === 401).every(({ principal }) => principal === undefined)).toBe(true);
});

test("the metrics page is Prometheus text that counts what happened", async () => {
  const page = await eventually(
    async () => ask(server.url, "/-/metrics"),
    ({ text }) => /gokura_versions_published_total\{kind="release"\} 1/.test(text),
  );
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = page.text.trimEnd().split("\n");
  const SAMPLE =
    /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(,[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*")*\})? (NaN|[-+]?Inf|[-+]?\d[\d.eE+-]*)( \d+)?$/;
  const COMMENT =
    /^# (HELP [a-zA-Z_:][a-zA-Z0-9_:]* .*|TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram|summary|untyped))$/;
  const described = new Set<string>();
  for (const line of lines.filter((one) => one !== "")) {
    expect(line).toMatch(line.startsWith("#") ? COMMENT : SAMPLE);
    const type = /^# TYPE (\S+)/.exec(line)?.[1];
    if (type !== undefined) described.add(type);
    else if (!line.startsWith("#")) {
      const name = /^[\w:]+/.exec(line)![0];
      expect(
        [...described].some((one) => name === one || name.replace(/_(bucket|sum|count)$/, "") === one),
        name,
      ).toBe(true);
    }
  }
  const value = (sample: string): number =>
    Number(
      lines
        .find((line) => line.startsWith(`${sample} `))
        ?.split(" ")
        .at(-1),
    );
  expect(value('gokura_http_requests_total{door="go",status="401"}')).toBeGreaterThanOrEqual(18);
  expect(value('gokura_http_requests_total{door="git",status="200"}')).toBeGreaterThanOrEqual(3);
  expect(value("gokura_hot_hits_total")).toBeGreaterThanOrEqual(1);
  expect(value("gokura_database_listening")).toBe(1);
  expect(value("gokura_process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  for (const secret of secrets) expect(page.text).not.toContain(secret);
});
