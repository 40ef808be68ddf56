// Bundles: made where there is an upstream and a checksum database, loaded where there is nothing, and there the real go command
// downloads and verifies with the database switched on.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { h1OfGoMod } from "../../src/gomod/dir-hash.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { runHere } from "../cli/run-here.ts";
import { testDatabase } from "../support/database.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { spawnGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { canMount, withTinyDisk } from "../support/mount-namespace.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";
import { type MadeDatabase, makeDatabase } from "../support/sum-database.ts";
import { temporary } from "../support/temporary.ts";
import { h1OfZip } from "../support/zip-sum.ts";

const NAME = "sum.example.test/db";
const A = "example.com/A/a";
const B = "example.com/b";
const TOOLCHAIN = "golang.org/toolchain";

let upstream: FakeUpstream;
/** The checksum database as a server. */
let database: FakeUpstream;
let sums: MadeDatabase;
let outside: Record<string, string>;
let inside: Record<string, string>;
let server: TestServer;
const directory = temporary("bundles");
const file = (name: string): string => join(directory, name);

async function publish(path: string, version: string, files: Record<string, string | Buffer> = {}): Promise<string> {
  const { mod, zip } = await upstream.version(path, version, { "a.go": `package a // ${version}\n`, ...files });
  const [h1, goModH1] = [await h1OfZip(`${path}@${version}`, zip), h1OfGoMod(mod)];
  sums.add(path, version, { h1, goModH1 });
  return `${path} ${version} ${h1}\n${path} ${version}/go.mod ${goModH1}\n`;
}

async function run(environment: Record<string, string>, ...words: string[]) {
  const { code, stdout, stderr } = await runHere([...words, "--json"], environment);
  return { code, stderr, told: stdout === "" ? undefined : JSON.parse(stdout) };
}

beforeAll(async () => {
  upstream = await fakeUpstream();
  sums = makeDatabase(NAME);
  sums.grow(700); // more than two tiles
  database = await fakeUpstream((req, res) => void (sums.handle(req, res) || res.writeHead(404).end()));
  outside = {
    ...{ DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: temporary("outside"), GOKURA_UPSTREAM: upstream.url },
    GOKURA_SUMDB: `${sums.verifierKey} ${database.url}`,
  };
  inside = {
    ...{ DATABASE_URL: await testDatabase(), GOKURA_UPSTREAM: "off" },
    GOKURA_SUMDB: `${sums.verifierKey} https://nobody.invalid`,
  };
  server = await testServer({ environment: inside });
  inside.GOKURA_DATA_DIR = server.dataDirectory;
});

/** The go command inside, whose checksum database is on. */
function download(...versions: string[]): Promise<string> {
  const go = goCommand({
    ...{ GOPROXY: `${server.url}/api/v4/packages/go`, GOSUMDB: sums.verifierKey, GONOSUMDB: "none" },
    GOFLAGS: "-modcacherw -mod=mod",
  });
  return go.must("mod", "download", "-json", ...versions);
}

test("what go.sum files name, and a toolchain, is carried in one file, and verified inside without a network", async () => {
  const lines = [await publish(A, "v1.0.0"), await publish(B, "v1.0.0")];
  sums.grow(40);
  lines.push((await publish(B, "v1.1.0")).split("\n")[1]!);
  await publish(TOOLCHAIN, "v0.0.1-go1.99.0.linux-amd64", { "bin/go": "a program\n" });
  sums.grow(300);
  writeFileSync(file("go.sum"), `${lines.join("")}\n`);
  const words = ["--go-sum", file("go.sum"), "--toolchain", "go1.99.0.linux-amd64"];
  writeFileSync(file("one.tar.part"), "of a process that was killed");
  const made = await run(outside, "bundle", "create", "--out", file("one.tar"), ...words);
  expect(made).toMatchObject({ code: 0, stderr: "", told: { versions: 4, database: NAME } });
  expect(await run(inside, "bundle", "load", file("one.tar"), "--dry-run")).toMatchObject({
    code: 0,
    told: { new: 4 },
  });
  const loaded = await run(inside, "bundle", "load", file("one.tar"));
  expect(loaded).toMatchObject({ code: 0, stderr: "", told: { new: 4, present: 0, refused: [] } });
  expect(await run(inside, "bundle", "load", file("one.tar"))).toMatchObject({ code: 0, told: { new: 0, present: 4 } });
  const told = await download(`${A}@v1.0.0`, `${B}@v1.0.0`);
  expect(told).toContain(lines[0]!.split(" ")[2]!.split("\n")[0]);
  await download(`${B}@v1.0.0`);
  expect((await ask(server.url, `/api/v4/packages/go/${B}/@v/v1.1.0.mod`)).status).toBe(200);
  expect((await ask(server.url, `/api/v4/packages/go/${B}/@v/v1.1.0.zip`)).status).toBe(404);
});

test("the next one leaves out what came before, and shows that its head continues the one before", async () => {
  const line = await publish(A, "v1.2.0");
  sums.grow(500);
  writeFileSync(file("go.sum"), `${readFileSync(file("go.sum"), "utf8")}${line}`);
  const words = ["--go-sum", file("go.sum"), "--after", file("one.tar")];
  const made = await run(outside, "bundle", "create", "--out", file("two.tar"), ...words);
  expect(made).toMatchObject({ code: 0, told: { versions: 1 } });
  expect(await run(inside, "bundle", "load", file("two.tar"))).toMatchObject({
    code: 0,
    told: { new: 1, refused: [] },
  });
  await download(`${A}@v1.2.0`, `${A}@v1.0.0`);
});

test("what came since a moment of the index is carried without a go.sum", async () => {
  const since = new Date().toISOString();
  writeFileSync(file("since.sum"), await publish(B, "v1.2.5"));
  sums.grow(5);
  expect(await run(outside, "prefetch", "--go-sum", file("since.sum"))).toMatchObject({ code: 0 });
  const words = ["--since", since, "--after", file("two.tar")];
  const made = await run(outside, "bundle", "create", "--out", file("since.tar"), ...words);
  expect(made).toMatchObject({ code: 0, told: { versions: 1 } });
  expect(await run(inside, "bundle", "load", file("since.tar"))).toMatchObject({ code: 0, told: { new: 1 } });
  await download(`${B}@v1.2.5`);
  const nothing = await run(outside, "bundle", "create", "--out", file("nothing.tar"));
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining("--since") });
  const bad = await run(outside, "bundle", "create", "--out", file("nothing.tar"), "--since", "yesterday");
  expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining("RFC 3339") });
  expect(existsSync(file("nothing.tar"))).toBe(false);
});

test("one in which a byte was changed, one that was cut, and one of another database are refused", async () => {
  const line = await publish(B, "v1.3.0", { "big.go": `// ${"x".repeat(5000)}\n` });
  writeFileSync(file("other.sum"), line);
  await run(
    outside,
    "bundle",
    "create",
    "--out",
    file("three.tar"),
    "--go-sum",
    file("other.sum"),
    "--after",
    file("since.tar"),
  );
  const whole = readFileSync(file("three.tar"));
  const stranger = makeDatabase(NAME);
  const unknown = { ...inside, GOKURA_SUMDB: `${stranger.verifierKey} https://nobody.invalid` };
  expect(await run(unknown, "bundle", "load", file("three.tar"))).toMatchObject({ code: 1, told: { new: 0 } });
  const changed = Buffer.from(whole);
  const local = changed.indexOf("PK\x03\x04");
  changed[local + 80]! ^= 1;
  writeFileSync(file("changed.tar"), changed);
  const refused = await run(inside, "bundle", "load", file("changed.tar"));
  expect(refused).toMatchObject({ code: 1, told: { new: 0, refused: [{ module: B, version: "v1.3.0" }] } });
  writeFileSync(file("cut.tar"), whole.subarray(0, whole.length / 2));
  expect(await run(inside, "bundle", "load", file("cut.tar"))).toMatchObject({ code: 1, told: undefined });
  expect((await ask(server.url, `/api/v4/packages/go/${B}/@v/v1.3.0.zip`)).status).toBe(404);
  expect(existsSync(file("three.tar.part"))).toBe(false);
});

test("large zips go into it byte for byte, however long the disk takes", async () => {
  const lines: string[] = [];
  for (const version of ["v1.4.0", "v1.5.0"])
    lines.push(await publish(B, version, { "big.bin": randomBytes(4_000_000) }));
  writeFileSync(file("large.sum"), lines.join(""));
  const words = ["--go-sum", file("large.sum"), "--after", file("since.tar")];
  expect(await run(outside, "bundle", "create", "--out", file("large.tar"), ...words)).toMatchObject({ code: 0 });
  const loaded = await run(inside, "bundle", "load", file("large.tar"));
  expect(loaded).toMatchObject({ code: 0, told: { new: 2, refused: [] } });
});

test.skipIf(!canMount)("a full disk is named, and nothing of the bundle stays (needs unshare and mount)", async () => {
  const tiny = join(directory, "tiny");
  mkdirSync(tiny);
  const words = ["bundle", "create", "--out", join(tiny, "large.tar"), "--go-sum", file("large.sum")];
  const { code, stderr } = await spawnGokura(words, outside, {
    before: withTinyDisk(tiny, `"$@"; code=$?; ls -A "$0" >&2; exit $code`),
  }).ended;
  expect([code, stderr]).toEqual([1, expect.stringContaining("disk is full")]);
  expect(stderr).not.toContain("large.tar");
});

test("modules of the registry's own projects, which a go.sum names as well, are left out, and nobody is asked about them", async () => {
  const own = `${MODULE_HOST}/acme/own`;
  const mixed = await testServer({ environment: { ...outside, GOKURA_DATA_DIR: temporary("mixed") } });
  const { registry, url, dataDirectory } = mixed;
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  await createProject(registry, OPERATOR, { fullPath: "acme/own" });
  await pushRecipe(remoteOf(url, "acme/own", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${own}\n` }));
  });
  const zip = await ask(url, `/api/v4/packages/go/${own}/@v/v1.0.0.zip`, { headers: bearer(ADMIN_TOKEN) });
  const sum = `${own} v1.0.0 ${await h1OfZip(`${own}@v1.0.0`, zip.bytes)}\n`;
  writeFileSync(file("mixed.sum"), `${sum}${await publish(A, "v1.4.0")}`);
  const environment = { ...outside, GOKURA_DATA_DIR: dataDirectory, GOKURA_MODULE_HOST: MODULE_HOST };
  const create = (name: string) =>
    run(environment, "bundle", "create", "--out", file(name), "--go-sum", file("mixed.sum"));
  expect(await create("mixed.tar")).toMatchObject({
    ...{ code: 0, told: { versions: 1, own: 1 } },
    stderr: expect.stringContaining("left out 1 of modules of your own projects"),
  });
  expect([...upstream.asked, ...database.asked].filter((path) => path.includes(own))).toEqual([]);
  writeFileSync(file("mixed.sum"), sum.replace(/h1:..../, "h1:AAAA"));
  expect(await create("none.tar")).toMatchObject({ code: 1 });
  await mixed.stop();
});

test("a version that cannot be had keeps a bundle from being made", async () => {
  mkdirSync(join(directory, "none"), { recursive: true });
  writeFileSync(file("missing.sum"), `${B} v9.0.0 h1:${"A".repeat(43)}=\n`.replace("v9.0.0", "v1.9.0"));
  const made = await run(outside, "bundle", "create", "--out", file("none.tar"), "--go-sum", file("missing.sum"));
  expect([made.code, made.stderr]).toEqual([1, expect.stringContaining(`refused ${B}@v1.9.0`)]);
  expect(existsSync(file("none.tar"))).toBe(false);
});
