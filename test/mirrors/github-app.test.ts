// GitHub Apps as credentials: against a server that takes what GitHub takes, checks the app's JWT by jose, and gives tokens that
// end; and behind it git's own http-backend, which lets only those in who have the last one.
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { jwtVerify } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { repositoriesOf } from "../../src/mirrors/forge-repositories.ts";
import { openGitHubApps } from "../../src/mirrors/github-app.ts";
import { openRemotes } from "../../src/mirrors/remotes.ts";
import { createMirror, updateMirror } from "../../src/registry/forge/mirrors.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { atEnd } from "../support/at-end.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";
import { look, looked } from "../support/mirror-looks.ts";
import { MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
/** As GitHub hands it out: PKCS #1. */
const PEM = privateKey.export({ type: "pkcs1", format: "pem" }) as string;
const OTHER_PEM = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
  type: "pkcs8",
  format: "pem",
});
const APP = { appId: "4711", installationId: "99", privateKey: PEM };
const HOUR_MS = 3_600_000;

let remote: GitServer;
let server: TestServer;
/** The claims of every JWT that was taken. */
let proved: { iat: number; exp: number; iss: string }[] = [];
let issued = 0;
let lifetimeMs = HOUR_MS;
let now = Date.now();

/** What GitHub does with a request for a token of an installation. */
async function giveToken(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const say = (status: number, body: object): void =>
    void res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  try {
    const jwt = req.headers.authorization!.replace(/^Bearer /, "");
    const { payload } = await jwtVerify(jwt, createPublicKey(publicKey.export({ type: "spki", format: "pem" })), {
      ...{ algorithms: ["RS256"], issuer: APP.appId, requiredClaims: ["iat", "exp"], currentDate: new Date(now) },
    });
    const claims = payload as { iat: number; exp: number; iss: string };
    if (claims.exp > now / 1000 + 600)
      return say(401, { message: "'Expiration time' claim ('exp') is too far in the future" });
    proved.push(claims);
  } catch {
    return say(401, { message: "A JSON web token could not be decoded" });
  }
  if (!req.url!.includes(`/installations/${APP.installationId}/`)) return say(404, { message: "Not Found" });
  say(201, { token: `ghs_${++issued}`, expires_at: new Date(now + lifetimeMs).toISOString() });
}

beforeAll(async () => {
  remote = await gitServer("git.test");
  server = await testServer({
    environment: { GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8", GOKURA_UPSTREAM_CA_FILE: remote.caFile },
  });
  const lets = () => `Basic ${Buffer.from(`x-access-token:ghs_${issued}`).toString("base64")}`;
  remote.misbehave = (req, res) => {
    if (req.method === "POST" && req.url!.startsWith("/api/v3/app/installations/")) {
      void giveToken(req, res);
      return true;
    }
    if (req.url === "/api/v3/orgs/acme/repos?per_page=100") {
      const mayList = req.headers.authorization === `Bearer ghs_${issued}`;
      return Boolean(res.writeHead(mayList ? 200 : 401).end("[]"));
    }
    if (req.headers.authorization === lets()) return false;
    return Boolean(res.writeHead(401, { "www-authenticate": "Basic" }).end());
  };
});

beforeEach(() => {
  [proved, issued, lifetimeMs, now] = [[], 0, HOUR_MS, Date.now()];
});

describe("a token", () => {
  const opened = () => {
    const remotes = openRemotes({ allowPrivateNetworks: ["127.0.0.0/8"], upstreamCaFile: remote.caFile });
    atEnd(() => remotes.close());
    return openGitHubApps(remotes.http, () => now);
  };

  test("is made once for all who share the app, and anew before it ends", async () => {
    const apps = opened();
    expect(await apps.token(remote.url, APP)).toBe("ghs_1");
    now += 40 * 60_000;
    expect(await apps.token(remote.url, APP)).toBe("ghs_1");
    now += 10 * 60_000; // ten minutes before its end
    expect(await apps.token(remote.url, APP)).toBe("ghs_2");
    expect(proved).toHaveLength(2);
    for (const { iat, exp, iss } of proved) expect([iss, exp - iat]).toEqual([APP.appId, 600]);
  });

  test("is refused with a sentence that says what to do", async () => {
    const apps = opened();
    const wrongKey = { ...APP, privateKey: OTHER_PEM as string };
    await expect(apps.token(remote.url, wrongKey)).rejects.toThrow(/does not know the app 4711 by this private key/);
    const gone = { ...APP, installationId: "100" };
    await expect(apps.token(remote.url, gone)).rejects.toThrow(/has no installation 100 of the app 4711/);
    const noKey = { ...APP, privateKey: "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----" };
    await expect(apps.token(remote.url, noKey)).rejects.toThrow(/the private key of the app cannot be read/);
  });

  test("lists the repositories of an organisation", async () => {
    const remotes = openRemotes({ allowPrivateNetworks: ["127.0.0.0/8"], upstreamCaFile: remote.caFile });
    const token = await remotes.gitHubApps.token(remote.url, APP);
    expect(await repositoriesOf(remotes.http, { forge: "GITHUB", url: `${remote.url}/acme`, token })).toEqual([]);
    remotes.close();
  });
});

test("a mirror follows with an app, whose key is kept sealed", async () => {
  const name = "alice/app";
  await server.token("alice");
  makeRepository(join(remote.directory, "app.git"), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/${name}\n` })),
  );
  await createProject(server.registry, OPERATOR, { fullPath: name });
  const asked = { url: `${remote.url}/app.git`, credential: APP };
  for (const wrong of [{ appId: "a b" }, { installationId: "x" }, { privateKey: "no key" }])
    await expect(
      createMirror(server.registry, OPERATOR, name, { ...asked, credential: { ...APP, ...wrong } }),
    ).rejects.toMatchObject({ kind: "invalid" });
  await createMirror(server.registry, OPERATOR, name, asked);
  const first = await looked(server.registry, name, 0);
  expect(first).toMatchObject({ lastError: null, credential: { kind: "GITHUB_APP", appId: APP.appId } });
  await expect
    .poll(() => server.registry.prisma.moduleVersion.count({ where: { module: { projectId: first.projectId } } }), {
      timeout: 30_000,
    })
    .toBe(1);
  expect(issued).toBe(1);
  expect([(await look(server.registry, name)).lastError, issued]).toEqual([null, 1]);
  const rows = await server.registry.database.pool.query(
    "select c::text from credential c union all select a::text from audit_event a",
  );
  expect(JSON.stringify(rows.rows) + server.logged.join("")).not.toMatch(/PRIVATE KEY|ghs_/);
  const plain = await updateMirror(server.registry, OPERATOR, name, { credential: { username: "ci", password: "x" } });
  expect(plain.credential).toMatchObject({ kind: "PASSWORD", appId: null });
});
