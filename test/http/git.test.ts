// git through the whole server: who may fetch and push, push to create, and pushes that go wrong.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createDeployToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { ask, basic, bearer } from "../support/http.ts";
import { git, packsOnTheirWay, pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const MAX_PUSH_BYTES = 1_000_000;

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await testServer({ environment: { GOKURA_MAX_PUSH_BYTES: String(MAX_PUSH_BYTES) } });
  token = await server.token("alice");
});

const refs = (path: string, service: string, headers: Record<string, string> = {}) =>
  ask(server.url, `/${path}.git/info/refs?service=git-${service}`, { headers });

describe("who may", () => {
  beforeAll(async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "alice/private" });
    await createProject(server.registry, OPERATOR, { fullPath: "alice/public", visibility: "PUBLIC" });
    for (const [user, accessLevel] of [
      ["guest", 10],
      ["reporter", 20],
      ["developer", 30],
    ] as const) {
      await server.token(user);
      await addMember(server.registry, OPERATOR, { projectPath: "alice/private" }, { username: user, accessLevel });
      await addMember(server.registry, OPERATOR, { projectPath: "alice/public" }, { username: user, accessLevel });
    }
  });

  test.each([
    // who, private: fetch, push; public: fetch, push; missing: fetch
    ["nobody", [401, 401, 200, 401, 401]],
    ["stranger", [404, 403, 200, 403, 404]], // may not make projects of alice's either, which is all that a push is told
    ["guest", [403, 403, 200, 403, 404]],
    ["reporter", [200, 403, 200, 403, 404]],
    ["developer", [200, 200, 200, 200, 404]],
    ["alice", [200, 200, 200, 200, 404]],
  ])("%s", async (user, expected) => {
    const headers = user === "nobody" ? {} : basic("any", await server.token(user));
    const answers = [
      await refs("alice/private", "upload-pack", headers),
      await refs("alice/private", "receive-pack", headers),
      await refs("alice/public", "upload-pack", headers),
      await refs("alice/public", "receive-pack", headers),
      await refs("alice/nothing", "upload-pack", headers),
    ];
    expect(answers.map((answer) => answer.status)).toEqual(expected);
    for (const answer of answers.filter((one) => one.status === 401))
      expect(answer.headers["www-authenticate"]).toMatch(/^Basic /);
  });

  test("scopes: reading ones do not push, others do not read", async () => {
    const status = async (service: string, ...scopes: Parameters<TestServer["token"]>[1][]) =>
      (await refs("alice/private", service, bearer(await server.token("alice", ...scopes)))).status;
    expect(await status("upload-pack", "read_repository")).toBe(200);
    expect(await status("receive-pack", "read_repository")).toBe(403);
    expect(await status("upload-pack", "read_api")).toBe(200);
    expect(await status("receive-pack", "read_api")).toBe(403);
    expect(await status("upload-pack", "read_user")).toBe(403);
    expect(await status("receive-pack", "write_repository")).toBe(200);
    expect(await status("receive-pack", "api")).toBe(200);
  });

  test("a deploy token reads its project and nothing else that is private", async () => {
    const input = { name: "ci", scopes: ["read_repository"], username: "ci" };
    const { secret } = await createDeployToken(server.registry, OPERATOR, "alice/private", input);
    await createProject(server.registry, OPERATOR, { fullPath: "alice/other" });
    const headers = basic("ci", secret);
    expect((await refs("alice/private", "upload-pack", headers)).status).toBe(200);
    expect((await refs("alice/private", "receive-pack", headers)).status).toBe(403);
    expect((await refs("alice/other", "upload-pack", headers)).status).toBe(404);
    expect((await refs("alice/public", "upload-pack", headers)).status).toBe(200);
    expect((await refs("alice/private", "upload-pack", basic("wrong", secret))).status).toBe(401);
  });

  test("PRIVATE-TOKEN opens it as well", async () => {
    expect((await refs("alice/private", "upload-pack", { "private-token": token })).status).toBe(200);
  });
});

test.each(["HEAD", "GET"])(
  "%s / tells a credential helper whether a token is good, as GOAUTH=git asks",
  async (method) => {
    const status = async (headers: Record<string, string>) => (await ask(server.url, "/", { method, headers })).status;
    expect(await status({})).toBe(200);
    expect(await status(basic("any", token))).toBe(200);
    const wrong = await ask(server.url, "/", { method, headers: basic("any", "gkpt_wrong-token-wrong-token") });
    expect([wrong.status, wrong.headers["www-authenticate"]]).toEqual([401, expect.stringMatching(/^Basic /)]);
  },
);

test("the server says nothing to who fetches without trouble", async () => {
  const remote = remoteOf(server.url, "alice/silent", token);
  await pushRecipe(remote, (r) => r.tag("v0.8.0", r.commit({ "go.mod": "module gokura.test/alice/silent\n" })));
  expect(await git(["clone", remote, join(temporary("silent"), "clone")])).not.toContain("hint");
});

describe("push to create", () => {
  const content = { "go.mod": "module gokura.test/team/sub/fresh\n" };

  beforeAll(async () => {
    await createGroup(server.registry, OPERATOR, { fullPath: "team" });
    await createGroup(server.registry, OPERATOR, { fullPath: "team/sub" });
    await server.token("dev");
    await addMember(server.registry, OPERATOR, { groupPath: "team" }, { username: "dev", accessLevel: 30 });
  });

  test("a Developer of the group makes the project by pushing, private", async () => {
    const remote = remoteOf(server.url, "team/sub/fresh", await server.token("dev"));
    await pushRecipe(remote, (r) => r.tag("v0.1.0", r.commit(content)));
    const project = await server.registry.prisma.project.findFirst({ where: { fullPath: "team/sub/fresh" } });
    expect(project?.visibility).toBe("PRIVATE");
    const clone = join(temporary("clone"), "c");
    await git(["clone", "--quiet", remote, clone]);
    expect(existsSync(join(clone, "go.mod"))).toBe(true);
  });

  test("asking alone makes nothing", async () => {
    const headers = bearer(await server.token("dev"));
    expect((await refs("team/asked", "receive-pack", headers)).status).toBe(200);
    expect(await server.registry.prisma.project.findFirst({ where: { fullPath: "team/asked" } })).toBeNull();
  });

  test.each([
    ["a stranger", "stranger", "team/no", 404],
    ["a group that is not there", "dev", "nowhere/no", 404],
    ["the top level", "dev", "no", 400],
    ["a name that cannot be a module path", "dev", "team/-no", 400],
    ["a reserved name", "dev", "api/no", 400],
  ])("is refused to %s", async (_, user, path, status) => {
    const answer = await refs(path, "receive-pack", bearer(await server.token(user)));
    expect([answer.status, answer.text.length > 10]).toEqual([status, true]);
  });
});

describe("pushes that go wrong", () => {
  const versions = () => server.registry.prisma.moduleVersion.findMany({ select: { version: true } });
  const refsOf = async (path: string) => (await tryGit(["ls-remote", remoteOf(server.url, path, token)])).output;

  test("over the size limit: refused with words, nothing moved", async () => {
    const remote = remoteOf(server.url, "alice/big", token);
    await pushRecipe(remote, (r) => void r.commit({ "go.mod": "module gokura.test/alice/big\n" }));
    const before = await refsOf("alice/big");
    const { randomBytes } = await import("node:crypto");
    await expect(
      pushRecipe(remote, (r) => r.tag("v1.0.0", r.commit({ "big.bin": randomBytes(MAX_PUSH_BYTES + 100_000) }))),
    ).rejects.toThrow(/exceeds|413|too large/i);
    expect(await refsOf("alice/big")).toBe(before);
    expect(await versions()).not.toContainEqual({ version: "v1.0.0" });
  });

  test("a broken pack: refused, nothing moved", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "alice/broken" });
    const zero = "0".repeat(40);
    const line = `${zero} ${"1".repeat(40)} refs/heads/main\0 report-status\n`;
    const command = `${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`;
    const body = Buffer.concat([Buffer.from(command), Buffer.from("PACK\0\0\0\x02\0\0\0\x01garbage-garbage-garbage")]);
    const answer = await ask(server.url, "/alice/broken.git/git-receive-pack", {
      method: "POST",
      headers: { ...bearer(token), "content-type": "application/x-git-receive-pack-request" },
      body,
    });
    expect(answer.text).toMatch(/unpack (?!ok)/);
    expect(await refsOf("alice/broken")).toBe("");
  });

  test("less than a line: 400, and not a connection that closes without a word", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "alice/short" });
    for (const body of ["00", ""]) {
      const headers = { ...bearer(token), "content-type": "application/x-git-receive-pack-request" };
      const request = { method: "POST", headers, body: Buffer.from(body) };
      const { status, text } = await ask(server.url, "/alice/short.git/git-receive-pack", request);
      expect([body, status, text]).toEqual([body, 400, "the request does not follow git's protocol\n"]);
    }
  });

  test("cut off half-way: nothing moved, and the next push goes through", async () => {
    const directory = join(temporary("cut"), "r");
    const { randomBytes } = await import("node:crypto");
    makeRepository(directory, (r) =>
      r.tag("v1.5.0", r.commit({ "go.mod": "module gokura.test/alice/cut\n", "x.bin": randomBytes(700_000) })),
    );
    await createProject(server.registry, OPERATOR, { fullPath: "alice/cut" });
    // A client that sends half of the pack and dies.
    const pack = spawn("git", ["-C", directory, "pack-objects", "--all", "--stdout", "-q"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const chunks: Buffer[] = [];
    for await (const chunk of pack.stdout) chunks.push(chunk);
    const whole = Buffer.concat(chunks);
    const oid = (await git(["-C", directory, "rev-parse", "v1.5.0"])).trim();
    const line = `${"0".repeat(40)} ${oid} refs/tags/v1.5.0\0 report-status\n`;
    const head = Buffer.from(`${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`);
    const { connect } = await import("node:net");
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /alice/cut.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/x-git-receive-pack-request\r\nContent-Length: ${head.length + whole.length}\r\n\r\n`,
    );
    socket.write(head);
    socket.write(whole.subarray(0, whole.length / 2));
    const isOpen = async (): Promise<boolean> =>
      (await server.registry.prisma.project.findFirst({ where: { fullPath: "alice/cut" } }))?.pushStartedAt !== null;
    await expect.poll(() => packsOnTheirWay(server.dataDirectory), { timeout: 5_000 }).toHaveLength(1);
    expect(await isOpen()).toBe(true);
    socket.destroy();
    await expect.poll(isOpen, { timeout: 5_000 }).toBe(false);
    expect(packsOnTheirWay(server.dataDirectory)).toEqual([]);
    expect(await refsOf("alice/cut")).toBe("");
    expect(await versions()).not.toContainEqual({ version: "v1.5.0" });
    await git(["-C", directory, "push", remoteOf(server.url, "alice/cut", token), "v1.5.0"]);
    expect(await versions()).toContainEqual({ version: "v1.5.0" });
  });

  test("two first pushes at once make one project with both tags", async () => {
    const push = (tag: string) =>
      pushRecipe(remoteOf(server.url, "alice/race", token), (r) =>
        r.tag(tag, r.commit({ "go.mod": "module gokura.test/alice/race\n", [tag]: tag }, { branch: tag })),
      );
    await Promise.all([push("v0.8.1"), push("v0.8.2")]);
    expect(await server.registry.prisma.project.count({ where: { fullPath: "alice/race" } })).toBe(1);
    expect(await versions()).toEqual(expect.arrayContaining([{ version: "v0.8.1" }, { version: "v0.8.2" }]));
  });
});

describe("the protocol", () => {
  test("gzip bodies and protocol v2", async () => {
    const path = "alice/gz";
    await pushRecipe(remoteOf(server.url, path, token), (r) => void r.commit({ "a.txt": "a\n" }));
    const line = "command=ls-refs\n";
    const body = gzipSync(`${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`);
    const answer = await ask(server.url, `/${path}.git/git-upload-pack`, {
      method: "POST",
      headers: {
        ...bearer(token),
        "content-type": "application/x-git-upload-pack-request",
        "content-encoding": "gzip",
        "git-protocol": "version=2",
      },
      body,
    });
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("refs/heads/main")]);
  });

  test("an empty project can be cloned", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "alice/empty" });
    const { status, output } = await tryGit([
      "clone",
      remoteOf(server.url, "alice/empty", token),
      join(temporary("e"), "e"),
    ]);
    expect([status, output]).toEqual([0, expect.stringContaining("empty repository")]);
  });

  test.each([
    ["GET", "/alice/gz.git/git-upload-pack", 405],
    ["POST", "/alice/gz.git/info/refs?service=git-upload-pack", 405],
    ["GET", "/alice/gz.git/info/refs", 403],
    ["GET", "/alice/gz.git/info/refs?service=git-evil", 403],
    ["GET", "/alice/gz.git/HEAD", 404],
    ["GET", "/alice%2F..%2Fgz.git/info/refs?service=git-upload-pack", 404],
    ["GET", "/%00.git/info/refs?service=git-upload-pack", 404],
  ])("%s %s is %d", async (method, path, status) => {
    expect((await ask(server.url, path, { method, headers: bearer(token) })).status).toBe(status);
  });
});
