// The real go command verifies what is hosted here against our own checksum database: no GONOSUMDB, private and public
// modules in one build, each sum in the one signed log.
import { readFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ensureRecord } from "../../src/registry/checksums/checksum-log.ts";
import { findRecord } from "../../src/registry/checksums/log-records.ts";
import { createProject, updateProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { type GoCommand, goCommand } from "../support/go.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const LIB = "gokura.test/alice/lib";
const OPEN = "gokura.test/alice/open";
const INSTANCE = "/api/v4/packages/go";

let server: TestServer;
let token: string;
let verifierKey: string;

beforeAll(async () => {
  server = await testServer({ tls: true });
  token = await server.token("alice");
  verifierKey = server.verifierKey;
  await createProject(server.registry, OPERATOR, { fullPath: "alice/open", visibility: "PUBLIC" });
  for (const [path, name] of [
    ["alice/lib", LIB],
    ["alice/open", OPEN],
  ] as const)
    await pushRecipe(
      remoteOf(server.url, path, token),
      (r) => {
        r.tag("v1.0.0", r.commit({ "go.mod": `module ${name}\n\ngo 1.21\n`, "a.go": "package x\n\nconst A = 1\n" }));
        r.tag("v1.1.0", r.commit({ "b.go": "package x\n\nconst B = 2\n" }));
      },
      { GIT_SSL_CAINFO: server.certificateFile },
    );
});

const host = (): string => new URL(server.url).host;
const netrc = (secret: string): string[] => [`machine ${host()} login alice password ${secret}`];

function go(env: Record<string, string>, lines: readonly string[] = []): GoCommand {
  return goCommand({ GONOSUMDB: "", SSL_CERT_FILE: server.certificateFile, GOSUMDB: verifierKey, ...env }, lines);
}

const view = (path: string): string => `${server.url}/api/v4/${path}packages/go`;

test.each([
  ["the instance", "", "alice/lib"],
  ["the group", "groups/alice/-/", "alice/lib"],
  ["the project", "projects/alice%2Flib/", "alice/lib"],
])("a private module is verified through %s's endpoint, with a token from netrc", async (_, path) => {
  const command = go({ GOPROXY: view(path) }, netrc(token));
  await command.must("get", `${LIB}@v1.1.0`);
  expect(readFileSync(join(command.home, "go/pkg/sumdb", verifierKey.split("+")[0]!, "latest"), "utf8")).toContain(
    "go.sum database tree",
  );
});

test("private and public modules in one build, through endpoints that do not list them all", async () => {
  const command = go({ GOPROXY: `${view("projects/alice%2Flib/")},${view("")}` }, netrc(token));
  await command.must("get", `${LIB}@v1.0.0`, `${OPEN}@v1.0.0`);
  writeFileSync(
    join(command.cwd, "main.go"),
    `package main\n\nimport (\n\tx "${LIB}"\n\ty "${OPEN}"\n)\n\nfunc main() { print(x.A + y.A) }\n`,
  );
  expect(await command.must("run", ".")).toBe("2");
});

test("a public module is verified by the anonymous, through GOPROXY and at the database's own URL", async () => {
  for (const GOSUMDB of [verifierKey, `${verifierKey} ${server.url}/sumdb`]) {
    const command = go({ GOPROXY: view(""), GOSUMDB });
    await command.must("get", `${OPEN}@v1.1.0`);
  }
});

test("with a command for credentials (GOAUTH)", async () => {
  const script = join(temporary("goauth"), "auth.sh");
  const basic = Buffer.from(`alice:${token}`).toString("base64");
  writeFileSync(script, `#!/bin/sh\nprintf '${server.url}\\n\\nAuthorization: Basic ${basic}\\n\\n'\n`, {
    mode: 0o755,
  });
  const withAuth = goCommand({
    ...{ GONOSUMDB: "", GOSUMDB: verifierKey, SSL_CERT_FILE: server.certificateFile, GOPROXY: view("") },
    GOAUTH: script,
  });
  await withAuth.must("get", `${LIB}@v1.1.0`);
});

test("a version from a branch is logged as it is made", async () => {
  const command = go({ GOPROXY: view("") }, netrc(token));
  await command.must("get", `${LIB}@main`);
  expect(readFileSync(join(command.cwd, "go.sum"), "utf8")).toMatch(
    new RegExp(`${LIB} v1\\.1\\.0|${LIB} v1\\.1\\.1-0`),
  );
});

test("other bytes under a name that is logged are found by go", async () => {
  const command = go({ GOPROXY: view("") }, netrc(token));
  writeFileSync(
    join(command.cwd, "go.sum"),
    `${LIB} v1.0.0 h1:${"A".repeat(43)}=\n${LIB} v1.0.0/go.mod h1:${"A".repeat(43)}=\n`,
  );
  const { status, output } = await command.run("mod", "download", `${LIB}@v1.0.0`);
  expect([status, output]).toEqual([1, expect.stringContaining("SECURITY ERROR")]);
});

test("a stranger learns from a lookup what .info tells, byte for byte, and nothing is logged for it", async () => {
  const stranger = `Bearer ${await server.token("mallory")}`;
  const size = async (): Promise<string> =>
    (await ask(server.url, "/sumdb/latest", { ca: server.ca })).text.split("\n")[1]!;
  const before = await size();
  const [name] = verifierKey.split("+") as [string];
  for (const headers of [{ authorization: stranger }, {}] as Record<string, string>[]) {
    const lookup = async (module: string) => {
      const answers = [];
      for (const place of [`${INSTANCE}/sumdb/${name}`, "/sumdb", `/sumdb/${name}`]) {
        const {
          status,
          text,
          headers: got,
        } = await ask(server.url, `${place}/lookup/${module}@v1.0.0`, { headers, ca: server.ca });
        answers.push({
          status,
          text,
          type: got["content-type"],
          length: got["content-length"],
          cache: got["cache-control"],
        });
      }
      const info = await ask(server.url, `${INSTANCE}/${module}/@v/v1.0.0.info`, { headers, ca: server.ca });
      for (const one of answers) expect([one.status, one.text]).toEqual([info.status, info.text]);
      return answers;
    };
    const hidden = await lookup(LIB);
    for (const missing of ["gokura.test/alice/lib2", "gokura.test/nobody/x"])
      expect(await lookup(missing)).toEqual(hidden);
  }
  expect(await size()).toBe(before);
});

test("lookups through every endpoint come from memory, for whoever may have them there and for nobody else", async () => {
  const [name] = verifierKey.split("+") as [string];
  const stranger = bearer(await server.token("mallory"));
  const hits = async () => (await server.registry.metrics.hotHits.get()).values[0]?.value ?? 0;
  const lookup = async (path: string, module: string, headers: Record<string, string>) =>
    ask(server.url, `/api/v4/${path}packages/go/sumdb/${name}/lookup/${module}@v1.1.0`, { headers, ca: server.ca });
  for (const path of ["", "groups/alice/-/", "projects/alice%2Flib/", "projects/alice%2Fopen/"])
    for (const module of [LIB, OPEN]) {
      const where = `${path} ${module}`;
      const first = await lookup(path, module, bearer(token));
      expect([where, first.status]).toEqual([where, 200]);
      // What changes in access meanwhile has everything asked for once more.
      const more = async () => {
        const before = await hits();
        expect([where, (await lookup(path, module, bearer(token))).text]).toEqual([where, first.text]);
        return (await hits()) - before;
      };
      await expect.poll(more, { message: where }).toBe(1);
      const may = module === OPEN && !path.includes("lib");
      expect([where, (await lookup(path, module, stranger)).status]).toEqual([where, may ? 200 : 404]);
      expect([where, (await lookup(path, module, {})).status]).toEqual([where, may ? 200 : 401]);
    }
  // Who loses the endpoint loses what is in memory of it.
  await updateProject(server.registry, OPERATOR, "alice/open", { visibility: "PRIVATE" });
  await expect.poll(async () => (await lookup("projects/alice%2Fopen/", OPEN, {})).status).toBe(401);
  await updateProject(server.registry, OPERATOR, "alice/open", { visibility: "PUBLIC" });
  await expect.poll(async () => (await lookup("projects/alice%2Fopen/", OPEN, {})).status).toBe(200);
});

test("heads and hashes are for everybody, what lists records is for auditors, whose token opens nothing else", async () => {
  const anonymous = (path: string) => ask(server.url, `/sumdb/${path}`, { ca: server.ca });
  expect((await anonymous("supported")).status).toBe(200);
  const latest = await anonymous("latest");
  const size = Number(latest.text.split("\n")[1]);
  expect(size).toBeGreaterThan(3);
  const [name] = verifierKey.split("+") as [string];
  expect((await anonymous("checkpoint")).text.split("\n").slice(0, 2)).toEqual([name, String(size)]);
  const go = await anonymous(`tile/8/0/000.p/${size}`);
  const c2sp = await anonymous(`tile/0/000.p/${size}`);
  expect([go.bytes.length, go.bytes.equals(c2sp.bytes)]).toEqual([32 * size, true]);
  for (const path of [
    "tile/8/0/000",
    `tile/8/0/000.p/${size + 1}`,
    "tile/8/0/001.p/1",
    "tile/8/9/000.p/1",
    "tile/9/000.p/1",
  ])
    expect([path, (await anonymous(path)).status]).toEqual([path, 404]);
  for (const path of [`tile/8/data/000.p/${size}`, `tile/entries/000.p/${size}`]) {
    expect([path, (await anonymous(path)).status]).toEqual([path, 401]);
    const by = async (secret: string) =>
      ask(server.url, `/sumdb/${path}`, { ca: server.ca, headers: { authorization: `Bearer ${secret}` } });
    expect([path, (await by(token)).status]).toEqual([path, 403]);
    const auditor = await server.token("auditor", "read_checksum_log");
    for (const secret of ["administrator-token-of-the-tests", auditor])
      expect((await by(secret)).text).toContain(`${LIB} v1.0.0 h1:`);
    const input = { name: "audit", scopes: ["read_checksum_log"] };
    const own = await ask(server.url, "/api/v4/user/personal_access_tokens", {
      ...{ method: "POST", body: JSON.stringify(input), ca: server.ca },
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    expect([own.status, own.text]).toEqual([403, expect.stringContaining("administrators_only")]);
    const module = (path: string) =>
      ask(server.url, path, { ca: server.ca, headers: { authorization: `Bearer ${auditor}` } });
    for (const path of [`/sumdb/lookup/${OPEN}@v1.0.0`, `${INSTANCE}/${OPEN}/@v/v1.0.0.info`])
      expect([path, (await module(path)).status]).toEqual([path, 403]);
  }
  for (const path of [
    "lookup/x",
    "lookup/gokura.test/alice/open@v1",
    "lookup/gokura.test/alice/open@main",
    "lookup/gokura.test/!!a@v1.0.0",
  ])
    expect([path, (await anonymous(path)).status]).toEqual([path, 400]);
  for (const path of ["", "x", "tile/8/0/1", "tile/8/0/000.p/0"])
    expect([path, (await anonymous(path)).status]).toEqual([path, 404]);
});

test("other content under a name that is logged is no version, for a reason that is told, and the log stays as it is", async () => {
  const sum = `h1:${"A".repeat(43)}=`;
  const name = "gokura.test/alice/back";
  const known = { h1: sum, goModH1: sum, basis: "PUBLIC", publicId: 1 } as const;
  await ensureRecord(server.checksums, { modulePath: name, version: "v1.0.0", known });
  await pushRecipe(
    remoteOf(server.url, "alice/back", token),
    (r) => void r.tag("v1.0.0", r.commit({ "go.mod": `module ${name}\n`, "a.go": "package x\n" })),
    { GIT_SSL_CAINFO: server.certificateFile },
  );
  const headers = { authorization: `Bearer ${token}` };
  const answer = await ask(server.url, `${INSTANCE}/${name}/@v/v1.0.0.zip`, { headers, ca: server.ca });
  expect([answer.status, answer.headers["gokura-reason"], answer.text]).toEqual([
    404,
    "not_found",
    expect.stringContaining(`${name}@v1.0.0 was served from upstream before, with ${sum}, and its name is never given`),
  ]);
  expect(await findRecord(server.registry, name, "v1.0.0")).toMatchObject({ h1: sum, goModH1: sum });
});

test("1,000 lookups of private names by a stranger: each the very answer to a name that is nobody's", async () => {
  const stranger = { authorization: `Bearer ${await server.token("mallory")}` };
  const agent = new https.Agent({ keepAlive: true, ca: server.ca });
  const lookup = async (path: string) => {
    const { status, text, headers } = await ask(server.url, `/sumdb/lookup/${path}`, {
      ...{ headers: stranger, ca: server.ca, agent },
    });
    const { date: _, "x-request-id": __, ...rest } = headers;
    return JSON.stringify([status, text, rest]);
  };
  const answers = new Set<string>();
  for (let n = 0; n < 1_000; n += 20)
    for (const answer of await Promise.all(
      Array.from({ length: 20 }, (_, k) =>
        lookup((n + k) % 2 === 0 ? `${LIB}@v1.${(n + k) % 4}.0` : `gokura.test/nobody${n + k}/x@v1.0.0`),
      ),
    ))
      answers.add(answer);
  agent.destroy();
  expect(answers.size).toBe(1);
});
