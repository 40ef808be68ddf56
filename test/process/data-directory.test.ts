// The data directory: nobody else reads it, one server at a time has it, and what killed processes left in it is taken away.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { tidy } from "../../src/git/hosting/tidying.ts";
import { deadByAge } from "../../src/git/objects/leftovers.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gokura, type ServingProcess, serveGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { type PushedRepository, pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { temporary } from "../support/temporary.ts";

const TOKEN = "administrator-token-of-the-tests";
const data = join(temporary("mine"), "data");
const repository = join(data, "repositories", "1.git");

let settings: Record<string, string>;
let server: ServingProcess;
let pushed: PushedRepository;
let remote: string;

beforeAll(async () => {
  settings = {
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: data,
    GOKURA_ADMIN_TOKEN: TOKEN,
    GOKURA_MODULE_HOST: "gokura.test",
    GOKURA_TLS: "self-signed",
  };
  server = await serveGokura(settings);
  remote = remoteOf(server.url, "root/lib", TOKEN);
  pushed = await pushRecipe(
    remote,
    (r) => r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/root/lib\n" })),
    trusting(),
  );
});

function trusting(): Record<string, string> {
  return { GIT_SSL_CAINFO: join(data, "tls/cert.pem") };
}

/** What others may do with anything below a directory. */
function openToOthers(directory: string): string[] {
  const paths = [
    directory,
    ...readdirSync(directory, { recursive: true, encoding: "utf8" }).map((n) => join(directory, n)),
  ];
  return paths.filter((path) => {
    const found = statSync(path, { throwIfNoEntry: false }); // a zip that is being made is gone soon
    return found && found.mode & 0o077 && !found.isSocket();
  });
}

test("nobody else reads anything, and at the next start nothing that an older release left readable", async () => {
  const ca = join(data, "tls/cert.pem");
  expect(existsSync(ca) && existsSync(repository)).toBe(true);
  expect(openToOthers(data)).toEqual([]);
  expect((await server.stop()).code).toBe(0);
  for (const path of [data, repository, join(data, "repositories"), join(data, "blobs")]) chmodSync(path, 0o755);
  chmodSync(join(repository, "HEAD"), 0o644);
  server = await serveGokura(settings);
  expect(openToOthers(data)).toEqual([]);
});

test("docs/operations.md says what everything in it is", () => {
  const [table] = readFileSync("docs/operations.md", "utf8")
    .split("\n## The data directory\n")[1]!
    .split("\n\nNobody else");
  const documented = [...table!.matchAll(/`([\w.-]+)(?:\/[^`]*)?`/g)].map(([, name]) => name!);
  expect(readdirSync(data).filter((name) => !documented.includes(name))).toEqual([]);
});

test("a second server is refused with the reason; commands are not, and a killed server does not stay in the way", async () => {
  const second = await gokura(["serve"], { ...settings, GOKURA_LISTEN: "127.0.0.1:0" });
  expect([second.code, second.stdout, second.stderr]).toEqual([
    1,
    "",
    `gokura: another server (process ${server.child.pid}) uses the data directory ${data}: stop it first, or set GOKURA_DATA_DIR to another directory\n`,
  ]);
  expect((await gokura(["user", "list"], settings)).code).toBe(0);
  await server.stop("SIGKILL");
  server = await serveGokura(settings);
  expect((await gokura(["serve"], settings)).stderr).toContain(`(process ${server.child.pid})`);
});

/** What a git that was killed leaves, and half a repository. */
function litter(): string[] {
  const left = [
    "1.git/refs/tags/v1.1.0.lock",
    "1.git/packed-refs.lock",
    "1.git/objects/tmp_objdir-incoming-abc/pack/tmp_pack_x",
    "1.git/objects/pack/tmp_pack_y",
    "7.git.new-0123456789ab/HEAD",
  ].map((name) => join(data, "repositories", name));
  for (const path of left) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
    utimesSync(path, 1, 1);
    utimesSync(dirname(path), 1, 1);
  }
  utimesSync(join(repository, "objects/tmp_objdir-incoming-abc"), 1, 1);
  return left;
}

test("a lock that a killed git left refuses a push without a word of where the server keeps things", async () => {
  litter();
  pushed.change((r) => r.tag("v1.1.0", r.commit({ "a.go": "package lib\n" })));
  remote = remoteOf(server.url, "root/lib", TOKEN);
  const refused = await tryGit(["-C", pushed.directory, "push", remote, "v1.1.0"], trusting());
  expect(refused.status).not.toBe(0);
  expect(refused.output).toContain("refs/tags/v1.1.0");
  expect(refused.output).not.toContain(data);
  expect(refused.output).not.toContain("repositories/");
});

test("the hourly look takes away what is old, and nothing of a push that is under way", async () => {
  const fresh = join(repository, "refs/tags/v9.0.0.lock");
  writeFileSync(fresh, "");
  const removed = await tidy(data, deadByAge(), () => false);
  expect(removed.length).toBe(5);
  expect(existsSync(fresh)).toBe(true);
});

test("a start takes away whatever is older than itself, and the tag can be pushed", async () => {
  const left = litter();
  await server.stop("SIGKILL");
  server = await serveGokura(settings);
  const there = await eventually(
    async () => left.filter((path) => existsSync(path)),
    (paths) => paths.length === 0,
    5_000,
  );
  expect(there).toEqual([]);
  remote = remoteOf(server.url, "root/lib", TOKEN);
  expect(await tryGit(["-C", pushed.directory, "push", remote, "v1.1.0"], trusting())).toMatchObject({ status: 0 });
  expect((await server.stop()).code).toBe(0);
});

test("the first server is ready only once its administrator's token works", async () => {
  const first = serveGokura({
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: temporary("ready"),
    GOKURA_ADMIN_TOKEN: TOKEN,
    GOKURA_LISTEN: "127.0.0.1:18080",
  });
  const url = "http://127.0.0.1:18080";
  const seen: [readiness: number, withToken: number][] = [];
  await eventually(
    async () => {
      const status = (path: string): Promise<number> =>
        ask(url, path, { headers: bearer(TOKEN) }).then(
          (answer) => answer.status,
          () => 0,
        );
      const readiness = await status("/-/readiness");
      seen.push([readiness, await status("/api/v4/user")]);
      return readiness;
    },
    (status) => status === 200,
    20_000,
  );
  // not ready: nobody, or "try again"; never "this token is wrong"
  expect(seen.filter(([, withToken]) => ![0, 200, 503].includes(withToken))).toEqual([]);
  expect(seen.at(-1)).toEqual([200, 200]);
  expect((await (await first).stop()).code).toBe(0);
});
