// Real modules by every way in: a pushed tag, a mirror, the zip, a tar of `git archive`, gokura publish, an import of a module
// cache.
// Whichever way is the first, the others find the same version, and its sums and its go.mod are those that the go command has
// of it. The short form has ten modules; EVERY_WAY=100 takes so many from the module cache of
// this machine besides.
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import JSZip from "jszip";
import { beforeAll, describe, expect, test } from "vitest";
import { createMirror, deleteMirror, demandMirror } from "../../src/registry/forge/mirrors.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { explainTags } from "../../src/registry/versions/tag-explanation.ts";
import { runHere } from "../cli/run-here.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";
import { ask, bearer } from "../support/http.ts";
import { git, remoteOf, runProgram } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const MODULES = [
  ...["rsc.io/quote@v1.5.2", "rsc.io/quote/v3@v3.1.0", "gopkg.in/yaml.v3@v3.0.1", "github.com/BurntSushi/toml@v1.4.0"],
  ...["github.com/google/uuid@v1.6.0", "github.com/pkg/errors@v0.9.1"],
  ...["golang.org/x/sync@v0.10.0", "github.com/satori/go.uuid@v1.2.0"],
  ...["github.com/dgrijalva/jwt-go@v3.2.0+incompatible", "golang.org/x/mod@v0.22.0"],
];

/** A module of many megabytes goes six ways in this time on a busy machine, too. */
const TIMEOUT_MS = 300_000;

interface Downloaded {
  readonly Path: string;
  readonly Version: string;
  readonly Zip: string;
  readonly GoMod: string;
  readonly Sum: string;
  readonly GoModSum: string;
}

/** What the go command has of them; undefined if it cannot get any. */
async function download(modules: readonly string[]): Promise<Downloaded[] | undefined> {
  const env = { ...process.env, GOFLAGS: "", GOWORK: "off" } as Record<string, string>;
  const words = ["mod", "download", "-json", ...modules];
  const { status, output } = await runProgram("go", words, { env, cwd: temporary("download") });
  if (status !== 0) return undefined;
  return JSON.parse(`[${output.trim().replaceAll("}\n{", "},{")}]`);
}

function cached(count: number): string[] {
  const cache = join(process.env.GOMODCACHE ?? join(process.env.HOME ?? "", "go", "pkg", "mod"), "cache", "download");
  const zips = readdirSync(cache, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".zip"));
  // A module is of one project: of each, one version.
  const paths = new Set(MODULES.map((name) => name.split("@", 1)[0]));
  const isFirst = (name: string): boolean => {
    const [path] = name.split("@", 1);
    return !paths.has(path) && paths.add(path) !== undefined;
  };
  const unescaped = (text: string): string => text.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return zips
    .map((name) => unescaped(name.replace(/\.zip$/, "")).replace("/@v/", "@"))
    .filter((name) => /@v\d+\.\d+\.\d+(\+incompatible)?$/.test(name) && !name.startsWith("golang.org/toolchain"))
    .filter(isFirst)
    .slice(0, count);
}

const names = [...new Set([...MODULES, ...cached(Number(process.env.EVERY_WAY ?? 0))])];
const modules = await download(names);

let remote: GitServer;
let server: TestServer;
let token: string;
let database: string;

beforeAll(async () => {
  database = await testDatabase();
  remote = await gitServer("git.test");
  const reaches = { GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8", GOKURA_UPSTREAM_CA_FILE: remote.caFile };
  server = await testServer({ environment: { DATABASE_URL: database, ...reaches } });
  token = await server.token("acme");
});

/** A module as a repository and a project for it. */
async function placed(module: Downloaded, number: number) {
  const { Path, Version, Zip } = module;
  const project = `acme/m${number}`;
  await createProject(server.registry, OPERATOR, { fullPath: project, visibility: "PUBLIC", modulePrefix: Path });
  const zip = readFileSync(Zip);
  const files: Record<string, Buffer> = {};
  for (const [name, entry] of Object.entries((await JSZip.loadAsync(zip)).files))
    if (!entry.dir) files[name.slice(`${Path}@${Version}/`.length)] = await entry.async("nodebuffer");
  const tag = Version.replace("+incompatible", "");
  const escaped = Path.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
  const address = `/api/v4/projects/${encodeURIComponent(project)}/packages/go/${escaped}/@v/${Version}`;
  // What the go command has of it, and nothing else.
  const cache = temporary("cache");
  const at = join(cache, escaped, "@v");
  cpSync(dirname(Zip), at, {
    recursive: true,
    filter: (name) => name === dirname(Zip) || name.startsWith(Zip.slice(0, -3)),
  });
  return { cache, project, zip, files, tag, address, hasGoMod: files["go.mod"] !== undefined };
}
type Placed = Awaited<ReturnType<typeof placed>>;

/** Waits until a tag is looked through, and demands that it says the same as what was uploaded. */
async function indexed(project: string, tag: string): Promise<void> {
  const explained = await eventually(
    () => explainTags(server.registry, OPERATOR, project, tag),
    (all) => all.length > 0 && all.every(({ verdict }) => verdict !== "waiting"),
    20_000,
  );
  expect(explained.filter(({ reason }) => reason.includes("uploaded"))).toEqual([]);
}

/** By each way: whether the version is new. */
const WAYS: Record<string, (placed: Placed, directory: string) => Promise<boolean>> = {
  async push({ project, tag, address }, directory) {
    const isNew = (await ask(server.url, `${address}.info`)).status === 404;
    await git(["-C", directory, "push", remoteOf(server.url, project, token), "main", `refs/tags/${tag}`]);
    await indexed(project, tag);
    return isNew;
  },
  async mirror({ project, tag, address }, directory) {
    const isNew = (await ask(server.url, `${address}.info`)).status === 404;
    await createMirror(server.registry, OPERATOR, project, { url: `${remote.url}/${basename(directory)}` });
    const { lastError } = await eventually(
      () => demandMirror(server.registry, OPERATOR, project),
      ({ lookedAt, nextLookAt }) => lookedAt !== null && nextLookAt > lookedAt,
      20_000,
    );
    expect(lastError).toBeNull();
    await indexed(project, tag);
    await deleteMirror(server.registry, OPERATOR, project);
    return isNew;
  },
  async zip({ zip, address }) {
    const answer = await ask(server.url, `${address}.zip`, { method: "PUT", headers: bearer(token), body: zip });
    expect([200, 201], answer.text).toContain(answer.status);
    return answer.status === 201;
  },
  async tar({ tag, address, hasGoMod }, directory) {
    if (!hasGoMod) return false;
    const file = join(temporary("tar"), "tree.tar");
    await git(["-C", directory, "archive", "--output", file, tag]);
    const body = readFileSync(file);
    const answer = await ask(server.url, `${address}.tar`, { method: "PUT", headers: bearer(token), body });
    expect([200, 201], answer.text).toContain(answer.status);
    return answer.status === 201;
  },
  async import({ cache }) {
    const words = ["import", "modules", cache, "--json"];
    const { code, stdout, stderr } = await runHere(words, {
      ...{ DATABASE_URL: database, GOKURA_DATA_DIR: server.dataDirectory, GOKURA_MODULE_HOST: "gokura.test" },
      ...{ GOKURA_UPSTREAM: "off", GOKURA_SUMDB: "off", GOKURA_UPSTREAM_VERIFY: "off" },
    });
    expect(code, stdout + stderr).toBe(0);
    return JSON.parse(stdout).new === 1;
  },
  async publish({ hasGoMod, project }, directory) {
    if (!hasGoMod) return false;
    const checkout = join(temporary("checkout"), "work");
    await git(["clone", "--quiet", directory, checkout]);
    const words = ["publish", checkout, "--server", server.url, "--project", project, "--json"];
    const { code, stdout, stderr } = await runHere(words, { GOKURA_TOKEN: token, GIT_CONFIG_GLOBAL: "/dev/null" });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout).published === "yes";
  },
};

describe.skipIf(modules === undefined)("one version by every way", () => {
  test.each((modules ?? []).map((module, number) => [module.Path, module, number] as const))(
    "%s",
    { timeout: TIMEOUT_MS },
    async (_, module, number) => {
      const here = await placed(module, number);
      const directory = join(remote.directory, `m${number}.git`);
      makeRepository(directory, (r) => r.tag(here.tag, r.commit(here.files)));
      const ways = Object.keys(WAYS);
      const order = [...ways.slice(number % ways.length), ...ways.slice(0, number % ways.length)];
      const isNew: boolean[] = [];
      for (const way of order) isNew.push(await WAYS[way]!(here, directory));
      expect(isNew.filter(Boolean)).toHaveLength(1);
      const stored = await server.registry.prisma.moduleVersion.findFirst({
        where: { version: module.Version, module: { path: module.Path } },
      });
      expect(stored).toMatchObject({ h1: module.Sum, goModH1: module.GoModSum });
      expect((await ask(server.url, `${here.address}.mod`)).bytes.equals(readFileSync(module.GoMod))).toBe(true);
    },
  );
});

test.runIf(modules === undefined)("no module could be downloaded, so nothing was compared", () => {
  console.warn("go mod download gets nothing here: every-way.test.ts compares nothing");
});
