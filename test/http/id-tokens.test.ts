// A job of a CI system comes in by its ID token alone: on the Go endpoint, in git, in GraphQL and REST, with the real programs
// and a real issuer over https. And whatever is wrong with a token is told, each with its own reason.
import { SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject, findProject } from "../../src/registry/forge/projects.ts";
import { createTrust, deleteTrust, type NewTrust } from "../../src/registry/forge/trusts.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { goCommand } from "../support/go.ts";
import { ask, basic, bearer } from "../support/http.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

const LIB = `${MODULE_HOST}/acme/lib`;
const AUDIENCE = "https://go.example.com";
const ENDPOINT = "/api/v4/packages/go";
/** What a workflow of GitHub's says of itself, as far as anybody asks. */
const JOB = {
  sub: "repo:acme/lib:ref:refs/tags/v1.1.0",
  aud: AUDIENCE,
  repository: "acme/lib",
  repository_owner: "acme",
  ref: "refs/tags/v1.1.0",
  run_id: "17",
};

let issuer: Issuer;
let server: TestServer;
let remote: (fullPath: string, token: string) => string;
let git: Record<string, string>;

const trust = async (fullPath: string, input: Partial<NewTrust>) => {
  const project = (await findProject(server.registry, fullPath))!;
  const whole = { issuer: issuer.url, audience: AUDIENCE, claims: { repository: "acme/lib" }, scopes: [], ...input };
  return createTrust(server.registry, OPERATOR, { project }, whole);
};

beforeAll(async () => {
  issuer = await startIssuer();
  server = await testServer({
    tls: true,
    environment: { GOKURA_UPSTREAM_CA_FILE: issuer.caFile, GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8,::1/128" },
  });
  remote = (fullPath, token) => remoteOf(server.url, fullPath, token);
  git = { GIT_SSL_CAINFO: server.certificateFile };
  for (const fullPath of ["acme", "other"]) await createGroup(server.registry, OPERATOR, { fullPath });
  for (const fullPath of ["acme/lib", "acme/app", "other/lib"])
    await createProject(server.registry, OPERATOR, { fullPath });
  await pushRecipe(
    remote("acme/lib", ADMIN_TOKEN),
    (r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${LIB}\n\ngo 1.21\n`, "lib.go": "package lib\n" })),
    git,
  );
  await trust("acme/lib", { scopes: ["read_package_registry", "read_api"], claims: { repository: "acme/*" } });
  await trust("acme/lib", { scopes: ["write_repository"], claims: { repository: "acme/lib", ref: "refs/tags/v*" } });
});

const get = (path: string, headers: Record<string, string>) => ask(server.url, path, { headers, ca: server.ca });
const graphql = async (token: string, query: string) => {
  const headers = { "content-type": "application/json", ...bearer(token) };
  const body = JSON.stringify({ query });
  return JSON.parse((await ask(server.url, "/api/graphql", { method: "POST", headers, body, ca: server.ca })).text);
};

describe("a job that is trusted", () => {
  test("builds with the real go command, its token as the password in ~/.netrc", async () => {
    const netrc = [`machine ${new URL(server.url).host} login job password ${await issuer.token(JOB)}`];
    const go = goCommand({ GOPROXY: server.url + ENDPOINT, SSL_CERT_FILE: server.certificateFile }, netrc);
    expect(await go.must("list", "-m", "-versions", LIB)).toBe(`${LIB} v1.0.0\n`);
    await go.must("get", `${LIB}@v1.0.0`);
  });

  test("pushes a tag with the real git, which is published, and the audit trail names issuer and subject", async () => {
    const token = await issuer.token(JOB);
    await pushRecipe(
      remote("acme/lib", ADMIN_TOKEN),
      (r) => void r.commit({ "go.mod": `module ${LIB}\n\ngo 1.21\n`, "lib.go": "package lib // two\n" }),
      git,
    );
    const clone = await pushRecipe(
      remote("acme/lib", token),
      (r) => r.tag("v1.1.0", r.commit({ "go.mod": `module ${LIB}\n\ngo 1.21\n`, "b.go": "package lib\n" })),
      git,
    );
    expect((await get(`${ENDPOINT}/${LIB}/@v/v1.1.0.mod`, bearer(token))).status).toBe(200);
    clone.change((r) => r.tag("v1.1.0", r.commit({ "c.go": "package lib\n" })));
    await clone.push();
    const event = await server.registry.prisma.tagEvent.findFirstOrThrow({ where: { tag: "v1.1.0" } });
    expect(event.actor).toBe(`job ${JOB.sub} of ${issuer.url}`);
  });

  test("asks GraphQL and REST, and sees what it is trusted with and nothing else", async () => {
    const token = await issuer.token(JOB);
    const { data } = await graphql(
      token,
      `{ own: project(fullPath: "acme/lib") { fullPath } beside: project(fullPath: "acme/app") { fullPath }
         currentUser { username } projects { nodes { fullPath } } }`,
    );
    expect(data).toEqual({
      own: { fullPath: "acme/lib" },
      beside: null,
      currentUser: null,
      projects: { nodes: [{ fullPath: "acme/lib" }] },
    });
    const rest = await get("/api/v4/projects/acme%2Flib/packages", { "private-token": token });
    expect([rest.status, JSON.parse(rest.text)[0].name]).toEqual([200, LIB]);
    expect((await get("/api/v4/projects/other%2Flib", { "private-token": token })).status).toBe(404);
    const made = await graphql(
      token,
      `mutation { projectUpdate(input: { fullPath: "acme/lib", description: "x" }) { errors } }`,
    );
    expect(made.errors[0].extensions).toMatchObject({ code: "INSUFFICIENT_SCOPE", reason: "insufficient_scope" });
  });

  test("may in each place what the trust there says: one that reads here and writes there does not write here", async () => {
    const writer = await trust("acme/app", { scopes: ["write_repository"], claims: { repository: "acme/app" } });
    const reader = await trust("acme/lib", { scopes: ["read_repository"], claims: { repository: "acme/app" } });
    const token = await issuer.token({ ...JOB, repository: "acme/app", ref: "refs/heads/main" });
    const push = (fullPath: string) =>
      pushRecipe(remote(fullPath, token), (r) => void r.commit({ "x.go": "package x\n" }), git);
    await push("acme/app");
    await expect(push("acme/lib")).rejects.toThrow("403");
    for (const { id } of [writer, reader]) await deleteTrust(server.registry, OPERATOR, id);
  });
});

describe("a token that is not taken", () => {
  const refusals: [string, () => Promise<string>, number, string][] = [
    ["is not signed (alg: none)", async () => issuer.unsigned(JOB), 401, "id_token_algorithm_refused"],
    [
      "is signed by a secret (HS256), even by the public key's text",
      () =>
        new SignJWT({ ...JOB, iss: issuer.url })
          .setProtectedHeader({ alg: "HS256", kid: "key-1" })
          .setExpirationTime("5m")
          .sign(Buffer.from("x".repeat(32))),
      401,
      "id_token_algorithm_refused",
    ],
    ["expired", () => issuer.token(JOB, { expiresIn: -60 }), 401, "id_token_expired"],
    [
      "is not good yet",
      () => issuer.token({ ...JOB, nbf: Math.floor(Date.now() / 1000) + 900 }),
      401,
      "id_token_not_yet_valid",
    ],
    [
      "is for somebody else",
      () => issuer.token({ ...JOB, aud: "https://elsewhere.example.com" }),
      401,
      "id_token_audience_wrong",
    ],
    ["is for nobody", () => issuer.token({ ...JOB, aud: [] }), 401, "id_token_audience_wrong"],
    ["never expires", () => issuer.token(JOB, { expiresIn: undefined }), 401, "id_token_unreadable"],
    [
      "is of another repository",
      () => issuer.token({ ...JOB, repository: "evil/lib" }),
      401,
      "id_token_claims_mismatch",
    ],
    [
      "only begins like the repository",
      () => issuer.token({ ...JOB, repository: "acme/x/y" }),
      401,
      "id_token_claims_mismatch",
    ],
    [
      "has its claims changed",
      async () => changed(await issuer.token({ ...JOB, repository: "evil/lib" })),
      401,
      "id_token_signature_wrong",
    ],
    [
      "names an issuer that nobody trusts",
      () => issuer.token(JOB, { issuer: "https://accounts.example.com" }),
      401,
      "id_token_issuer_untrusted",
    ],
    ["is cut", async () => (await issuer.token(JOB)).slice(0, -7), 401, "id_token_signature_wrong"],
    ["is no JSON inside", async () => "eyJhbGciOiJub25lIn0.bm8.x", 401, "id_token_unreadable"],
  ];

  function changed(token: string): string {
    const [head, body, signature] = token.split(".");
    const claims = JSON.parse(Buffer.from(body!, "base64url").toString());
    return [
      head,
      Buffer.from(JSON.stringify({ ...claims, repository: "acme/lib" })).toString("base64url"),
      signature,
    ].join(".");
  }

  test.each(refusals)("because it %s", async (_, token, status, reason) => {
    const secret = await token();
    const rest = await get("/api/v4/projects", bearer(secret));
    expect([rest.status, JSON.parse(rest.text).reason]).toEqual([status, reason]);
    const onGo = await get(`${ENDPOINT}/${LIB}/@v/list`, basic("job", secret));
    expect([onGo.status, onGo.text]).toEqual([status, expect.stringMatching(/ID token|issuer/)]);
    const asked = await graphql(secret, "{ projects { nodes { fullPath } } }");
    expect(asked.errors[0].extensions.reason).toBe(reason);
    expect((await tryGit(["ls-remote", remote("acme/lib", secret)], git)).status).not.toBe(0);
  });

  test("because another issuer says the same subject", async () => {
    const other = await startIssuer();
    await trust("acme/app", { issuer: other.url, scopes: ["read_api"] });
    // Trusted for another project, and signed by a key of its own, whatever issuer it names.
    for (const otherwise of [{ issuer: issuer.url }, { issuer: issuer.url, kid: "key-1" }]) {
      const rest = await get("/api/v4/projects", bearer(await other.token(JOB, otherwise)));
      expect([rest.status, JSON.parse(rest.text).reason]).toEqual([401, "id_token_signature_wrong"]);
    }
  });
});

test("a trust that ends is forgotten at once, and one that has an end ends", async () => {
  const made = await trust("other/lib", { scopes: ["read_api"], claims: { repository: "solo/solo" } });
  const token = await issuer.token({ ...JOB, repository: "solo/solo" });
  const seen = async () => (await get("/api/v4/projects/other%2Flib", bearer(token))).status;
  expect(await seen()).toBe(200);
  await deleteTrust(server.registry, OPERATOR, made.id);
  expect(await seen()).toBe(401);
  await trust("other/lib", {
    scopes: ["read_api"],
    claims: { repository: "solo/solo" },
    expiresAt: new Date(Date.now() - 1),
  });
  expect(await seen()).toBe(401);
});

test("a token that was verified is not verified again: its issuer is asked once", async () => {
  const before = issuer.asked();
  const token = await issuer.token({ ...JOB, run_id: "18" });
  for (let i = 0; i < 5; i++) expect((await get(`${ENDPOINT}/${LIB}/@v/list`, basic("job", token))).status).toBe(200);
  expect(issuer.asked()).toBe(before);
});

test("an address that comes with too many different wrong tokens has to wait, but for those that are in use", async () => {
  const api = async (secret: string) => {
    const { status, text, headers } = await get("/api/v4/projects", bearer(secret));
    return { status, reason: status === 200 ? undefined : JSON.parse(text).reason, wait: headers["retry-after"] };
  };
  expect((await api(ADMIN_TOKEN)).status).toBe(200);
  // The same one again and again takes nothing from anybody.
  for (let n = 0; n < 70; n++) expect((await api("an old token")).status).toBe(401);
  const [head, body] = (await issuer.token({ ...JOB, run_id: "19" })).split(".");
  const guess = (n: number): string => `${head}.${body}.${Buffer.from(`guess ${n}`).toString("base64url")}`;
  const refused = {
    status: 429,
    reason: "too_many_wrong_credentials",
    wait: expect.stringMatching(/^(?:[1-9]|[1-5]\d|60)$/),
  };
  const before = issuer.asked();
  const answers = [];
  for (let n = 0; n < 70; n++) answers.push(await api(guess(n)));
  expect(answers[0]).toMatchObject({ status: 401, reason: "id_token_signature_wrong" });
  expect(answers.at(-1)).toEqual(refused);
  expect(issuer.asked()).toBe(before);
  // On all doors alike, and also for a token that may be good.
  expect(await api(await issuer.token({ ...JOB, run_id: "20" }))).toEqual(refused);
  const onGo = await get(`${ENDPOINT}/${LIB}/@v/list`, basic("job", guess(99)));
  expect([onGo.status, onGo.headers["content-type"]]).toEqual([429, "text/plain; charset=utf-8"]);
  expect((await tryGit(["ls-remote", remote("acme/lib", guess(99))], git)).output).toMatch(/429/);
  expect((await api(ADMIN_TOKEN)).status).toBe(200);
  expect((await get("/api/v4/projects", {})).status).toBe(200);
});
