import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import isomorphicGit from "isomorphic-git";
import isomorphicHttp from "isomorphic-git/http/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { initRepository } from "../../../src/git/objects/init-repository.ts";
import type { SmartHttpOutcome } from "../../../src/git/protocol/git-request.ts";
import { FLUSH, packet, packetCutter } from "../../../src/git/protocol/pkt-line.ts";
import type { RefCommand } from "../../../src/git/protocol/push-commands.ts";
import { type DonePush, serveReceivePack } from "../../../src/git/protocol/receive-pack.ts";
import { advertiseRefs, type GitService, serveUploadPack } from "../../../src/git/protocol/smart-http.ts";
import { git, makeRepository, temporaryDirectory } from "../../support/git-fixture.ts";
import { packsOnTheirWay } from "../../support/push.ts";

const scratch = temporaryDirectory();
const MAX_PUSH_BYTES = 2 * 1024 * 1024;

/** What the server did, per repository: tests run on their own repositories. */
const outcomes: { path: string; outcome: SmartHttpOutcome }[] = [];
const headersSeen: string[] = [];
let beforeEnd: ((path: string, push: DonePush) => Promise<readonly string[]>) | undefined;
/** Tags whose names begin with "locked" are refused. */
const admit = async (_path: string, commands: readonly RefCommand[]): Promise<Map<string, string>> =>
  new Map(commands.flatMap(({ name }) => (name.startsWith("refs/tags/locked") ? [[name, "it is locked"]] : [])));

const server = createServer((req, res) => {
  void handle(req, res);
});

async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url ?? "", "http://localhost");
  const [, name = "", rest = ""] = /^\/([\w-]+\.git)\/(.*)$/.exec(url.pathname) ?? [];
  const directory = join(scratch.path, name);
  const protocol = req.headers["git-protocol"]?.toString();
  const stallMs = name === "stall.git" || name === "unread.git" ? 400 : 30_000;
  if (protocol !== undefined) headersSeen.push(`${rest} ${protocol}`);
  const finish = (outcome: SmartHttpOutcome): void => void outcomes.push({ path: `${name}/${rest}`, outcome });
  if (rest === "info/refs") {
    const service = url.searchParams.get("service") as GitService;
    if (name === "unborn.git" && service === "git-receive-pack" && !fs.existsSync(directory)) {
      finish(await advertiseRefs({ directory: join(scratch.path, "shared-empty"), service, protocol, res }));
    } else finish(await advertiseRefs({ directory, service, protocol, res }));
  } else if (rest === "git-upload-pack") {
    finish(await serveUploadPack({ directory, req, res, protocol, stallMs }));
  } else {
    if (name === "unborn.git") await initRepository(directory);
    finish(
      await serveReceivePack({
        directory,
        req,
        res,
        maxBytes: MAX_PUSH_BYTES,
        stallMs,
        admit: async (commands) => ({
          refused: await admit(name, commands),
          ...(name === "compared-with-all.git" ? {} : { beside: [] }),
        }),
        beforeEnd: async (push) => (await beforeEnd?.(name, push)) ?? [],
      }),
    );
  }
}

let base = "";
beforeAll(async () => {
  await initRepository(join(scratch.path, "shared-empty"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  scratch.dispose();
});

const NO_CHECKS = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" };

/** Runs a git client beside the server (not spawnSync: the server lives in this process). */
async function client(args: string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number | null; stderr: string }> {
  const child = spawn("git", args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: "/nonexistent",
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
      ...NO_CHECKS,
      ...env,
    },
  });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return await new Promise((resolve) => child.once("close", (code) => resolve({ code, stderr })));
}

function refsOf(name: string): string[] {
  return git([`--git-dir=${join(scratch.path, name)}`, "for-each-ref", "--format=%(refname)"])
    .trim()
    .split("\n")
    .filter(Boolean);
}

/** A repository on the server and, beside it, a client's repository with other history. */
async function served(name: string): Promise<{ directory: string; local: string }> {
  const directory = join(scratch.path, name);
  await initRepository(directory);
  const local = join(scratch.path, `local-${name}`);
  return { directory, local };
}

async function post(
  path: string,
  body: Buffer,
  headers: Record<string, string>,
): Promise<{ status: number; headers: IncomingMessage["headers"]; body: Buffer }> {
  return await new Promise((resolve, reject) => {
    const req = request(`${base}${path}`, { method: "POST", headers }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk) => chunks.push(chunk));
      res.on("end", () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }));
      res.on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}

/** A pack of no objects (gitformat-pack(5)): version 2, their number, the sum of that. */
const EMPTY_PACK = (() => {
  const head = Buffer.from("PACK\0\0\0\x02\0\0\0\0", "latin1");
  return Buffer.concat([head, createHash("sha1").update(head).digest()]);
})();

const RECEIVE = { "Content-Type": "application/x-git-receive-pack-request" };
const UPLOAD = { "Content-Type": "application/x-git-upload-pack-request" };
const lastOutcome = (path: string): SmartHttpOutcome | undefined =>
  outcomes.findLast((each) => each.path === path)?.outcome;

describe("clone and fetch", () => {
  test.each(["0", "1", "2"])("protocol version %s: branches and tags come, other refs do not", async (version) => {
    const name = `clone${version}.git`;
    const directory = join(scratch.path, name);
    const made = makeRepository(directory, (r) => {
      const commit = r.commit({ "go.mod": "module m\n", big: randomBytes(300_000) });
      r.annotatedTag("v1.0.0", commit);
      r.ref("refs/gokura/keep/x", commit);
      r.ref("refs/pull/1/head", commit);
      return commit;
    });
    const copy = join(scratch.path, `copy${version}`);
    const config = ["-c", `protocol.version=${version}`];
    expect(await client([...config, "clone", "--mirror", `${base}/${name}`, copy])).toMatchObject({ code: 0 });
    const copied = git([`--git-dir=${copy}`, "for-each-ref", "--format=%(refname)"])
      .trim()
      .split("\n");
    expect(copied).toEqual(["refs/heads/main", "refs/tags/v1.0.0"]);
    expect(headersSeen.some((seen) => seen.includes(`version=${version}`))).toBe(version !== "0");

    makeRepository(directory, (r) => r.tag("v1.1.0", r.commit({ more: "files" }, { parents: [made] })));
    const fetched = await client([
      `--git-dir=${copy}`,
      ...config,
      "fetch",
      "--depth=1",
      "origin",
      "refs/tags/v1.1.0:refs/tags/v1.1.0",
    ]);
    expect(fetched).toMatchObject({ code: 0 });
    expect(await client([...config, "ls-remote", `${base}/${name}`, "refs/gokura/*"])).toMatchObject({
      code: 0,
      stderr: "",
    });
  });

  test("a partial clone is served", async () => {
    makeRepository(join(scratch.path, "partial.git"), (r) => r.commit({ a: "b" }));
    const copy = join(scratch.path, "copy-partial");
    const done = await client(["clone", "--bare", "--filter=blob:none", `${base}/partial.git`, copy]);
    expect(done).toMatchObject({ code: 0 });
    expect(done.stderr).not.toContain("filtering not recognized");
  });

  test("isomorphic-git clones too", async () => {
    makeRepository(join(scratch.path, "iso.git"), (r) => r.tag("v1.0.0", r.commit({ "go.mod": "module m\n" })));
    const dir = join(scratch.path, "iso-copy");
    await isomorphicGit.clone({ fs, http: isomorphicHttp, dir, url: `${base}/iso.git` });
    expect(readFileSync(join(dir, "go.mod"), "utf8")).toBe("module m\n");
    expect(await isomorphicGit.listTags({ fs, dir })).toEqual(["v1.0.0"]);
  });

  test("the announcement says what it is and is not cached", async () => {
    makeRepository(join(scratch.path, "head.git"), (r) => r.commit({ a: "b" }));
    for (const service of ["git-upload-pack", "git-receive-pack"]) {
      const response = await fetch(`${base}/head.git/info/refs?service=${service}`);
      expect(response.headers.get("content-type")).toBe(`application/x-${service}-advertisement`);
      expect(response.headers.get("cache-control")).toContain("no-cache");
      const text = await response.text();
      expect(text.startsWith(`00${service === "git-upload-pack" ? "1e" : "1f"}# service=${service}\n0000`)).toBe(true);
      expect(text).toContain("refs/heads/main");
    }
    const two = await fetch(`${base}/head.git/info/refs?service=git-upload-pack`, {
      headers: { "Git-Protocol": "x=$(id):version=2" },
    });
    expect(await two.text()).toMatch(/^000eversion 2\n/);
  });

  test("a gzipped request is understood, a broken or swollen one refused", async () => {
    const made = makeRepository(join(scratch.path, "gzip.git"), (r) => r.commit({ a: "b" }));
    const want = Buffer.concat([packet(`want ${made.oid} side-band-64k ofs-delta\n`), FLUSH, packet("done\n")]);
    const path = "/gzip.git/git-upload-pack";
    for (const encoding of ["gzip", "x-gzip"]) {
      const answer = await post(path, gzipSync(want), { ...UPLOAD, "Content-Encoding": encoding });
      expect(answer.status).toBe(200);
      expect(answer.headers["content-type"]).toBe("application/x-git-upload-pack-result");
      expect(answer.body.includes("PACK")).toBe(true);
    }
    expect(await post(path, Buffer.from("not gzip"), { ...UPLOAD, "Content-Encoding": "gzip" })).toMatchObject({
      status: 400,
    });
    expect(await post(path, want, { ...UPLOAD, "Content-Encoding": "br" })).toMatchObject({ status: 400 });
    const bomb = gzipSync(Buffer.concat([Buffer.alloc(40 << 20, packet(`want ${made.oid}\n`))]));
    expect(bomb.length).toBeLessThan(1 << 20);
    expect((await post(path, bomb, { ...UPLOAD, "Content-Encoding": "gzip" })).status).toBe(413);
  });

  test("what is not git's protocol is refused", async () => {
    makeRepository(join(scratch.path, "bad.git"), (r) => r.commit({ a: "b" }));
    expect((await post("/bad.git/git-upload-pack", Buffer.from("hello"), UPLOAD)).status).toBe(400);
    expect((await post("/bad.git/git-upload-pack", Buffer.from("0000"), { "Content-Type": "text/plain" })).status).toBe(
      400,
    );
    expect((await post("/absent.git/git-upload-pack", Buffer.from("0000"), UPLOAD)).status).toBe(500);
    const absent = await fetch(`${base}/absent.git/info/refs?service=git-upload-pack`);
    expect([absent.status, await absent.text()]).toEqual([500, "git could not serve this request\n"]);
  });

  test("a want that is not there is told in git's own words", async () => {
    makeRepository(join(scratch.path, "want.git"), (r) => r.commit({ a: "b" }));
    const want = Buffer.concat([packet(`want ${"1".repeat(40)} side-band-64k\n`), FLUSH, packet("done\n")]);
    const answer = await post("/want.git/git-upload-pack", want, UPLOAD);
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toContain("ERR upload-pack: not our ref");
  });
});

describe("push", () => {
  test("branches and tags arrive, and are recorded before the client hears of it", async () => {
    const { local } = await served("push.git");
    const made = makeRepository(local, (r) => {
      const commit = r.commit({ "go.mod": "module m\n", big: randomBytes(1_500_000) }); // chunked: over postBuffer
      r.annotatedTag("v1.0.0", commit);
      return commit;
    });
    let recorded: string[] = [];
    let ended = false;
    beforeEnd = async (name) => {
      if (name !== "push.git") return [];
      recorded = refsOf("push.git");
      // As long as a client needs for a whole conversation.
      expect(await client(["ls-remote", `${base}/push.git`])).toMatchObject({ code: 0 });
      expect(ended).toBe(false);
      return [];
    };
    const pushed = await client([`--git-dir=${local}`, "push", `${base}/push.git`, "main", "v1.0.0"]);
    ended = true;
    beforeEnd = undefined;
    expect(pushed).toMatchObject({ code: 0 });
    expect(recorded).toEqual(["refs/heads/main", "refs/tags/v1.0.0"]);
    expect(git([`--git-dir=${join(scratch.path, "push.git")}`, "rev-parse", "refs/heads/main"]).trim()).toBe(made.oid);
    expect(lastOutcome("push.git/git-receive-pack")).toEqual({ outcome: "served" });
  });

  test("branches are moved by force and deleted, also the one that HEAD names", async () => {
    const { local } = await served("force.git");
    makeRepository(local, (r) => {
      r.commit({ a: "1" });
      r.commit({ a: "2" }, { branch: "other", parents: [] });
    });
    const push = (...args: string[]) =>
      client([`--git-dir=${local}`, "push", "--atomic", `${base}/force.git`, ...args]);
    expect(await push("main")).toMatchObject({ code: 0 });
    expect(await push("+other:main")).toMatchObject({ code: 0 });
    expect(await push(":main", "other:x")).toMatchObject({ code: 0 });
    expect(refsOf("force.git")).toEqual(["refs/heads/x"]);
  });

  const OTHERS = ["refs/gokura/keep/x", "refs/pull/1/head", "refs/notes/commits", "refs/replace/x", "refs/stash/x"];

  test.each(OTHERS)("%s is never written: alone too it is left out with a warning", async (ref) => {
    const name = `hidden-${ref.replaceAll("/", "-")}.git`;
    const { local } = await served(name);
    makeRepository(local, (r) => r.commit({ a: "1" }));
    const pushed = await client([`--git-dir=${local}`, "push", `${base}/${name}`, `main:${ref}`]);
    expect(pushed).toMatchObject({ code: 0, stderr: expect.stringContaining(`tags are kept here: ${ref}`) });
    expect(refsOf(name)).toEqual([]);
  });

  test("a mirror of another forge's clone goes through: its other refs are left out with a warning", async () => {
    const { local } = await served("mirror.git");
    makeRepository(local, (r) => {
      const commit = r.commit({ a: "1" });
      r.tag("v1.0.0", commit);
      for (const ref of OTHERS.slice(1)) r.ref(ref, commit);
      for (let n = 2; n < 9; n++) r.ref(`refs/pull/${n}/head`, r.commit({ n: String(n) }, { branch: "pull" }));
    });
    const seen: DonePush[] = [];
    beforeEnd = async (name, push) => (name === "mirror.git" && seen.push(push) ? [] : []);
    const pushed = await client([`--git-dir=${local}`, "push", "--mirror", `${base}/mirror.git`]);
    beforeEnd = undefined;
    expect(pushed).toMatchObject({ code: 0 });
    expect(pushed.stderr).toMatch(
      /remote: warning: left out, because only branches and tags are kept here: refs\/.* and \d+ more/,
    );
    expect(refsOf("mirror.git")).toEqual(["refs/heads/main", "refs/heads/pull", "refs/tags/v1.0.0"]);
    expect([...(seen[0]?.moved ?? [])].sort()).toEqual(["refs/heads/main", "refs/heads/pull", "refs/tags/v1.0.0"]);
    // And again, when there is nothing new but what is left out.
    const again = await client([`--git-dir=${local}`, "push", "--mirror", `${base}/mirror.git`]);
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("remote: warning: left out") });
    expect(refsOf("mirror.git")).toEqual(["refs/heads/main", "refs/heads/pull", "refs/tags/v1.0.0"]);
  });

  test("an atomic push of all that a clone of another forge has is of branches and tags, all or none", async () => {
    const { local } = await served("mirror-atomic.git");
    const { next } = makeRepository(local, (r) => {
      const commit = r.commit({ a: "1" });
      r.tag("v1.0.0", commit);
      r.ref("refs/pull/1/head", commit);
      return { next: r.commit({ a: "2" }, { branch: "next" }) };
    });
    const push = (...refs: string[]) =>
      client([`--git-dir=${local}`, "push", "--atomic", `${base}/mirror-atomic.git`, ...refs]);
    const all = await push("refs/pull/1/head", "refs/tags/v1.0.0");
    expect(all).toMatchObject({ code: 0, stderr: expect.stringContaining("warning: left out") });
    expect(refsOf("mirror-atomic.git")).toEqual(["refs/tags/v1.0.0"]);
    const some = await push("refs/pull/1/head", `+${next.oid}:refs/tags/v1.0.0`, `${next.oid}:refs/tags/v1.0.0/under`);
    expect(some.code).not.toBe(0);
    expect(refsOf("mirror-atomic.git")).toEqual(["refs/tags/v1.0.0"]);
  });

  describe("refs that are refused", () => {
    test("fail one by one, each with its reason", async () => {
      const { local } = await served("locked.git");
      makeRepository(local, (r) => {
        const commit = r.commit({ a: "1" });
        for (const tag of ["locked1", "free", "locked2"]) r.tag(tag, commit);
      });
      const pushed = await client([`--git-dir=${local}`, "push", `${base}/locked.git`, "--tags", "main"]);
      expect(pushed.code).not.toBe(0);
      for (const tag of ["locked1", "locked2"])
        expect(pushed.stderr).toMatch(new RegExp(`remote rejected\\] ${tag} -> ${tag} \\(it is locked\\)`));
      expect(refsOf("locked.git")).toEqual(["refs/heads/main", "refs/tags/free"]);
    });

    test("alone, fail with the reason", async () => {
      const { local } = await served("locked-only.git");
      makeRepository(local, (r) => r.tag("locked", r.commit({ a: "1" })));
      const pushed = await client([`--git-dir=${local}`, "push", `${base}/locked-only.git`, "locked"]);
      expect(pushed.stderr).toContain("(it is locked)");
      expect(refsOf("locked-only.git")).toEqual([]);
    });

    test("have an atomic push fail whole", async () => {
      const { local } = await served("locked-atomic.git");
      makeRepository(local, (r) => {
        const commit = r.commit({ a: "1" });
        for (const tag of ["locked1", "free", "locked2"]) r.tag(tag, commit);
      });
      const pushed = await client([
        `--git-dir=${local}`,
        "push",
        "--atomic",
        `${base}/locked-atomic.git`,
        "--tags",
        "main",
      ]);
      expect(pushed.code).not.toBe(0);
      expect(pushed.stderr).toContain("(it is locked)");
      expect(refsOf("locked-atomic.git")).toEqual([]);
    });
  });

  test("any option of a push is taken (git push -o), and what the server says arrives as lines", async () => {
    const { local } = await served("options.git");
    makeRepository(local, (r) => r.commit({ a: "1" }));
    beforeEnd = async (name) => (name === "options.git" ? ["one line", "another line"] : []);
    const args = ["push", "-o", "ci.skip", "-o", "anything=at all", `${base}/options.git`, "main"];
    const pushed = await client([`--git-dir=${local}`, ...args]);
    beforeEnd = undefined;
    expect(pushed).toMatchObject({ code: 0 });
    expect(pushed.stderr).toMatch(/remote: one line\s+\nremote: another line/);
    expect(refsOf("options.git")).toEqual(["refs/heads/main"]);
  });

  test("a pack over the limit is refused with git's own words and moves nothing", async () => {
    const { local } = await served("big.git");
    makeRepository(local, (r) => r.commit({ big: randomBytes(MAX_PUSH_BYTES * 2) }));
    const chunked = await client([`--git-dir=${local}`, "push", `${base}/big.git`, "main"]);
    expect(chunked.code).not.toBe(0);
    expect(chunked.stderr).toContain("pack exceeds maximum allowed size");
    expect(refsOf("big.git")).toEqual([]);
    expect(readdirSync(join(scratch.path, "big.git", "objects")).sort()).toEqual(["info", "pack"]);
  });

  test("a body far over the limit is refused with 413 before it is read", async () => {
    const { local } = await served("huge.git");
    makeRepository(local, (r) => r.commit({ big: randomBytes(MAX_PUSH_BYTES + (9 << 20)) }));
    const whole = await client([
      `--git-dir=${local}`,
      "-c",
      "http.postBuffer=100000000",
      "push",
      `${base}/huge.git`,
      "main",
    ]);
    expect(whole.code).not.toBe(0);
    expect(whole.stderr).toMatch(/HTTP 413|error: 413/);
    expect(refsOf("huge.git")).toEqual([]);
  });

  describe("what git would understand in another way than the server is refused", () => {
    const zeros = "0".repeat(40);
    const signature = "-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----\n";
    const requests: Record<string, (oid: string) => string[]> = {
      "commands in a push certificate": (oid) => [
        "push-cert\0 report-status\n",
        `certificate version 0.1\npusher x <x@y> 1 +0000\n\n${zeros} ${oid} refs/tags/locked\n${signature}`,
        "push-cert-end\n",
      ],
      "a name that ends at a NUL byte": (oid) => [
        `${zeros} ${oid} refs/heads/other\0 report-status\n`,
        `${zeros} ${oid} refs/tags/locked\0more\n`,
      ],
      "capabilities in another line": (oid) => [
        `shallow ${oid}\0 report-status atomic\n`,
        `${zeros} ${oid} refs/tags/free\0 report-status\n`,
      ],
      "lines that are none": (oid) => [`${zeros} ${oid} refs/tags/free\0 report-status\n`, "something else\n"],
    };
    test.each(Object.keys(requests))("%s", async (what) => {
      const name = `${what.replaceAll(" ", "-")}.git`;
      const { local, directory } = await served(name);
      const { oid } = makeRepository(local, (r) => r.commit({ a: "1" }));
      git([`--git-dir=${local}`, "push", "--quiet", directory, "main"]);
      const lines = requests[what]!(oid).map((line) => packet(line));
      const pack = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");
      const body = Buffer.concat([...lines, FLUSH, pack, createHash("sha1").update(pack).digest()]);
      const headers = { "Content-Type": "application/x-git-receive-pack-request" };
      const { status } = await fetch(`${base}/${name}/git-receive-pack`, { method: "POST", headers, body });
      expect([status, refsOf(name)]).toEqual([400, ["refs/heads/main"]]);
    });
  });

  test("a broken pack moves no ref", async () => {
    await served("broken.git");
    const made = makeRepository(join(scratch.path, "broken-source"), (r) => r.commit({ a: "1", b: randomBytes(5000) }));
    const source = join(scratch.path, "broken-source");
    const packed = join(scratch.path, "broken.pack");
    git([`--git-dir=${source}`, "repack", "-a", "-d", "-q"]);
    const [pack = ""] = readdirSync(join(source, "objects", "pack")).filter((file) => file.endsWith(".pack"));
    const good = readFileSync(join(source, "objects", "pack", pack));
    writeFileSync(packed, good);
    const command = packet(`${"0".repeat(40)} ${made.oid} refs/heads/main\0 report-status side-band-64k agent=test\n`);
    const send = (bytes: Buffer) =>
      post("/broken.git/git-receive-pack", Buffer.concat([command, FLUSH, bytes]), RECEIVE);
    const flipped = Buffer.from(good);
    flipped[good.length - 500] = (flipped[good.length - 500] ?? 0) ^ 0xff;
    for (const bytes of [flipped, good.subarray(0, good.length - 700), Buffer.from("PACK")]) {
      const answer = await send(bytes);
      expect(answer.status).toBe(200);
      expect(answer.body.toString("latin1")).toMatch(/unpack (?!ok)|ng refs\/heads\/main/);
      expect(refsOf("broken.git")).toEqual([]);
    }
    // A good pack that lacks what its commit needs.
    expect((await send(EMPTY_PACK)).body.toString("latin1")).toContain("ng refs/heads/main missing necessary objects");
    expect(refsOf("broken.git")).toEqual([]);
    const answer = await send(good);
    expect(answer.body.toString("latin1")).toContain("unpack ok");
    expect(refsOf("broken.git")).toEqual(["refs/heads/main"]);
  });

  test("a few refs are compared with branches and tags beside them: what is wrong with another tag is not in their way", async () => {
    const { directory, local } = await served("compared.git");
    const { directory: another } = await served("compared-with-all.git");
    makeRepository(local, (r) => {
      const first = r.commit({ a: "1" });
      r.tag("v1.0.0", first);
      r.tag("v2.0.0", r.commit({ a: "2" }, { branch: "gone", parents: [first] }));
    });
    const pushTo = (name: string, ...refs: string[]) => client(["-C", local, "push", `${base}/${name}`, ...refs]);
    const push = (...refs: string[]) => pushTo("compared.git", ...refs);
    expect((await push("main", "v1.0.0", "v2.0.0")).stderr).not.toContain("rejected");
    const lost = "5".repeat(40);
    expect((await pushTo("compared-with-all.git", "main", "v1.0.0")).stderr).not.toContain("rejected");
    for (const one of [directory, another]) writeFileSync(join(one, "refs", "tags", "v0.1.0"), `${lost}\n`);
    const tagged = (name: string, parent: string): void => {
      const commit = git([`--git-dir=${local}`, "commit-tree", "-p", parent, "-m", name, `${parent}^{tree}`]).trim();
      git([`--git-dir=${local}`, "tag", name, commit]);
    };
    tagged("v1.1.0", "main");
    tagged("v2.1.0", "v2.0.0"); // no branch reaches what it stands on
    for (const name of ["v1.1.0", "v2.1.0"]) expect(await push(name)).toMatchObject({ code: 0 });
    // So only where it is decided that they are few; else git meets what is lost.
    expect((await pushTo("compared-with-all.git", "v1.1.0")).stderr).toContain("missing necessary objects");
    expect(await push(":v0.1.0")).toMatchObject({ code: 0 });
    expect(refsOf("compared.git")).toEqual(
      ["heads/main", "tags/v1.0.0", "tags/v1.1.0", "tags/v2.0.0", "tags/v2.1.0"].map((name) => `refs/${name}`),
    );

    // What is not there is missed all the same.
    tagged("v3.0.0", "main");
    const oid = git([`--git-dir=${local}`, "rev-parse", "v3.0.0"]).trim();
    const command = packet(`${"0".repeat(40)} ${oid} refs/tags/v3.0.0\0 report-status\n`);
    const answer = await post("/compared.git/git-receive-pack", Buffer.concat([command, FLUSH, EMPTY_PACK]), RECEIVE);
    expect(answer.body.toString("latin1")).toContain("ng refs/tags/v3.0.0 missing necessary objects");
  });

  test("git's words do not say where the server keeps things, whatever the directory is called", async () => {
    const real = join(scratch.path, "große Platte", "1.git");
    mkdirSync(join(scratch.path, "große Platte"));
    await initRepository(real);
    fs.symlinkSync(real, join(scratch.path, "linked.git"));
    writeFileSync(join(real, "refs", "heads", "main.lock"), "");
    makeRepository(join(scratch.path, "linked-source"), (r) => r.commit({ a: "1" }));
    const push = ["-C", join(scratch.path, "linked-source"), "push", `${base}/linked.git`, "main"];
    for (const more of [[], ["--atomic"]]) {
      const { code, stderr } = await client([...push, ...more]);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/'the repository\/.*refs\/heads\/main\.lock'/);
      expect(stderr).not.toContain("Platte");
    }
  });

  test("a push killed half-way moves no ref and leaves no process and no objects", async () => {
    await served("killed.git");
    const made = makeRepository(join(scratch.path, "killed-source"), (r) => r.commit({ b: randomBytes(900_000) }));
    let recorded = 0;
    beforeEnd = async (name) => (name === "killed.git" && recorded++ ? [] : []);
    const command = packet(`${"0".repeat(40)} ${made.oid} refs/heads/main\0 report-status side-band-64k\n`);
    git([`--git-dir=${join(scratch.path, "killed-source")}`, "repack", "-a", "-d", "-q"]);
    const source = join(scratch.path, "killed-source", "objects", "pack");
    const [pack = ""] = readdirSync(source).filter((file) => file.endsWith(".pack"));
    const bytes = readFileSync(join(source, pack));
    const req = request(`${base}/killed.git/git-receive-pack`, { method: "POST", headers: RECEIVE });
    req.on("error", () => {});
    req.write(Buffer.concat([command, FLUSH, bytes.subarray(0, bytes.length >> 1)]));
    const objects = join(scratch.path, "killed.git", "objects");
    await expect.poll(() => packsOnTheirWay(objects)).toHaveLength(1);
    req.destroy();
    await expect.poll(() => lastOutcome("killed.git/git-receive-pack")?.outcome, { timeout: 8000 }).toBe("aborted");
    beforeEnd = undefined;
    expect(recorded).toBe(1); // told, because with more luck a ref could have moved
    expect(refsOf("killed.git")).toEqual([]);
    expect(readdirSync(join(scratch.path, "killed.git", "objects")).sort()).toEqual(["info", "pack"]);
    expect(readdirSync(join(scratch.path, "killed.git", "objects", "pack"))).toEqual([]);
  });

  test("a client that stalls is given up", async () => {
    await served("stall.git");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /stall.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Type: ${RECEIVE["Content-Type"]}\r\nContent-Length: 500\r\n\r\n00`,
    );
    await new Promise((resolve) => socket.once("close", resolve));
    await expect
      .poll(() => lastOutcome("stall.git/git-receive-pack"))
      .toMatchObject({
        outcome: "aborted",
        error: { message: "the connection stalled" },
      });
  });

  test("a client that does not read is given up", async () => {
    const made = makeRepository(join(scratch.path, "unread.git"), (r) => r.commit({ b: randomBytes(20 << 20) }));
    const want = Buffer.concat([packet(`want ${made.oid} side-band-64k\n`), FLUSH, packet("done\n")]);
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    socket.write(
      `POST /unread.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Type: ${UPLOAD["Content-Type"]}\r\nContent-Length: ${want.length}\r\n\r\n`,
    );
    socket.write(want);
    await expect.poll(() => lastOutcome("unread.git/git-upload-pack")?.outcome, { timeout: 5000 }).toBe("aborted");
    socket.destroy();
  });

  test("a push that cannot be recorded fails for the client", async () => {
    const { local } = await served("unrecorded.git");
    makeRepository(local, (r) => r.commit({ a: "1" }));
    beforeEnd = async (name) => {
      if (name === "unrecorded.git") throw new Error("the database is away");
      return [];
    };
    const pushed = await client([`--git-dir=${local}`, "push", `${base}/unrecorded.git`, "main"]);
    beforeEnd = undefined;
    expect(pushed.code).not.toBe(0);
    expect(pushed.stderr).toMatch(/the push could not be recorded|HTTP 503/);
    expect(lastOutcome("unrecorded.git/git-receive-pack")).toMatchObject({ outcome: "refused" });
  });

  test("a repository that does not exist yet announces itself as empty and is made by the push", async () => {
    const local = join(scratch.path, "local-unborn");
    makeRepository(local, (r) => r.tag("v1.0.0", r.commit({ a: "1" })));
    const pushed = await client([`--git-dir=${local}`, "push", `${base}/unborn.git`, "main", "v1.0.0"]);
    expect(pushed).toMatchObject({ code: 0 });
    expect(refsOf("unborn.git")).toEqual(["refs/heads/main", "refs/tags/v1.0.0"]);
    expect(refsOf("shared-empty")).toEqual([]);
  });

  test("isomorphic-git pushes too", async () => {
    await served("isopush.git");
    const dir = join(scratch.path, "iso-work");
    mkdirSync(dir);
    await isomorphicGit.init({ fs, dir, defaultBranch: "main" });
    writeFileSync(join(dir, "go.mod"), "module m\n");
    await isomorphicGit.add({ fs, dir, filepath: "go.mod" });
    const author = { name: "A", email: "a@example.com" };
    await isomorphicGit.commit({ fs, dir, message: "first", author });
    await isomorphicGit.annotatedTag({ fs, dir, ref: "v1.0.0", message: "v1.0.0", tagger: author });
    for (const ref of ["main", "v1.0.0"]) {
      const done = await isomorphicGit.push({ fs, http: isomorphicHttp, dir, url: `${base}/isopush.git`, ref });
      expect(done.ok).toBe(true);
    }
    expect(refsOf("isopush.git")).toEqual(["refs/heads/main", "refs/tags/v1.0.0"]);
  });

  test("two pushes at once to one branch: one wins, the other is told", async () => {
    const { directory, local } = await served("race.git");
    makeRepository(local, (r) => {
      const first = r.commit({ a: "1" });
      for (const branch of ["a", "b", "c", "d"]) r.commit({ a: branch }, { branch, parents: [first] });
    });
    await client([`--git-dir=${local}`, "push", `${base}/race.git`, "main"]);
    const pushes = await Promise.all(
      ["a", "b", "c", "d"].map((branch) =>
        client([`--git-dir=${local}`, "push", `${base}/race.git`, `${branch}:main`]),
      ),
    );
    expect(pushes.filter((push) => push.code === 0).length).toBe(1);
    expect(git([`--git-dir=${directory}`, "fsck", "--connectivity-only", "--no-dangling"])).toBe("");
  });

  test("dangerous trees are refused, the harmless defects of old histories are not", async () => {
    const { local } = await served("fsck.git");
    makeRepository(local, () => {});
    const blob = git([`--git-dir=${local}`, "hash-object", "-w", "--stdin"], { input: "x" }).trim();
    const entry = (mode: string, name: string): Buffer =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(blob, "hex")]);
    const commitOf = (tree: Buffer, who = "A <a@b> 1 +0000", parent?: string): string => {
      const oid = git([`--git-dir=${local}`, "hash-object", "-t", "tree", "-w", "--stdin", "--literally"], {
        input: tree,
      }).trim();
      const text = `tree ${oid}\n${parent ? `parent ${parent}\n` : ""}author ${who}\ncommitter ${who}\n\nx\n`;
      return git([`--git-dir=${local}`, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"], {
        input: text,
      }).trim();
    };
    const push = (oid: string, branch: string) =>
      client([`--git-dir=${local}`, "push", `${base}/fsck.git`, `${oid}:refs/heads/${branch}`]);
    expect((await push(commitOf(entry("100644", ".git")), "evil")).stderr).toContain("hasDotgit");
    const harmless: Record<string, string> = {
      badTimezone: "A <a@b> 1 +051800",
      missingSpaceBeforeDate: "A <a@b>1 +0000",
      zeroPaddedDate: "A <a@b> 01 +0000",
      missingEmail: "A 1 +0000",
      missingNameBeforeEmail: "<a@b> 1 +0000",
      missingSpaceBeforeEmail: "A<a@b> 1 +0000",
    };
    for (const [defect, who] of Object.entries(harmless)) {
      const pushed = await push(commitOf(entry("100644", "a"), who), defect);
      expect([defect, pushed.code, pushed.stderr]).toEqual([
        defect,
        0,
        expect.stringMatching(/remote: warning: object/),
      ]);
    }
    expect(await push(commitOf(entry("0100644", "a")), "zeroPaddedFilemode")).toMatchObject({ code: 0 });
    const attributes = (text: Buffer): string => {
      const oid = git([`--git-dir=${local}`, "hash-object", "-w", "--stdin"], {
        input: text.toString("latin1"),
      }).trim();
      return commitOf(Buffer.concat([Buffer.from("100644 .gitattributes\0"), Buffer.from(oid, "hex")]));
    };
    expect(await push(attributes(Buffer.alloc(3_000, "a")), "gitattributesLineLength")).toMatchObject({ code: 0 });
    expect(refsOf("fsck.git")).toEqual(
      [...Object.keys(harmless), "zeroPaddedFilemode", "gitattributesLineLength"].map((b) => `refs/heads/${b}`).sort(),
    );
  });

  test("a defect in every commit of an old history is told some times, then counted", async () => {
    const { local } = await served("old.git");
    makeRepository(local, () => {});
    const commits = Array.from(
      { length: 30 }, // each with two: the author's and the committer's
      (_, n) =>
        `commit refs/heads/main\ncommitter A <a@b> ${n} +051800\ndata 1\nx\nM 100644 inline a\ndata 1\n${n % 10}\n`,
    );
    git([`--git-dir=${local}`, "fast-import", "--quiet", "--date-format=raw-permissive"], { input: commits.join("") });
    const pushed = await client([`--git-dir=${local}`, "push", `${base}/old.git`, "main"]);
    expect(pushed).toMatchObject({ code: 0 });
    expect(pushed.stderr.match(/remote: warning: object/g)).toHaveLength(10);
    expect(pushed.stderr).toMatch(/remote: warning: 50 more objects have such defects/);
  });

  test("the packets of a stream are cut wherever the chunks end", () => {
    const stream = Buffer.concat([packet("a"), FLUSH, packet("bc"), Buffer.from("0001"), packet("")]);
    const cut = packetCutter();
    const packets = [...stream].flatMap((byte) => cut(Buffer.from([byte])));
    expect(packets.map(String)).toEqual(["0005a", "0000", "0006bc", "0001", "0004"]);
    expect(() => packetCutter()(Buffer.from("PACK"))).toThrow("not a pkt-line");
  });
});
