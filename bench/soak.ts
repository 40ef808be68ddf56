// Everything at once for an hour, at a pace that a machine can keep: pushes of new tags, uploads, clones, modules from upstream that
// nobody has asked for, answers from memory, the checksum database, a mirror of a repository that grows, backups, GraphQL, REST
// and pages, wrong tokens. What a server takes is written down at the beginning, after each tenth and at the end, and then how
// each figure grows in an hour: memory, descriptors, connections, processes and temporary files must not. What of the memory is
// in use is asked for after a full garbage collection (soak/memory-in-use.ts): the rest of RSS is garbage and malloc's holes.
import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import JSZip from "jszip";
import { freePort } from "../test/support/free-port.ts";
import { ADMIN_TOKEN, MODULE_HOST } from "./faults/server.ts";
import { startGokura } from "./gokura.ts";
import { memoryOf } from "./measure.ts";
import { memoryOfAll } from "./process-tree.ts";
import { startEndlessUpstream } from "./proxy/endless-upstream.ts";
import { beginFollowing, startRemote } from "./servers/mirrored.ts";
import { printTable } from "./table.ts";

const run = promisify(execFile);
const { values } = parseArgs({
  options: { minutes: { type: "string", default: "60" }, help: { type: "boolean", default: false } },
});
if (values.help) {
  console.log(`usage: node bench/soak.ts [--minutes 60]
  --minutes N  how long it goes on`);
  process.exit(0);
}
const MINUTES = Number(values.minutes);
const PARTS = 10;

const parent = mkdtempSync(join(tmpdir(), "gokura-soak-"));
chmodSync(parent, 0o755); // as root, PostgreSQL runs as another user
const data = join(parent, "data");
const upstream = await startEndlessUpstream(20);
const remote = await startRemote(parent, await freePort());
const memoryFile = join(parent, "memory-in-use");
const settings = {
  MEMORY_IN_USE: memoryFile,
  GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
  GOKURA_MODULE_HOST: MODULE_HOST,
  GOKURA_LOG_LEVEL: "error",
  GOKURA_LIMITS: "on",
  GOKURA_LIMIT_COLD_FETCHES: "0",
  GOKURA_LIMIT_GRAPHQL_COST: "0",
  GOKURA_UPSTREAM: upstream.url,
  GOKURA_UPSTREAM_VERIFY: "off",
  GOKURA_UPSTREAM_MAX_BYTES: "50M",
  ...remote.settings,
};
const server = await startGokura(data, settings, undefined, [
  "--expose-gc",
  `--import=${join(import.meta.dirname, "soak/memory-in-use.ts")}`,
]);
const authorization = `Basic ${Buffer.from(`root:${ADMIN_TOKEN}`).toString("base64")}`;
const repository = server.url.replace("://", `://root:${ADMIN_TOKEN}@`).concat("/root/lib.git");
const done = new Map<string, number>();
const failed = new Map<string, string>();
const ended = new AbortController();
let over = false;
let serial = 0;

async function ask(
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await fetch(`${server.url}${path}`, {
    ...{ method, headers: { authorization, ...headers } },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : new Uint8Array(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 100)}`);
  return text;
}

const work = join(parent, "work");
const git = (...args: string[]): Promise<unknown> =>
  run("git", ["-C", work, "-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
    env: { PATH: process.env.PATH, HOME: parent },
  });
mkdirSync(work);
await git("init", "--quiet", "--initial-branch", "main");
await git("remote", "add", "origin", repository);

async function push(): Promise<void> {
  const version = `v1.0.${serial++}`;
  writeFileSync(join(work, "go.mod"), `module ${MODULE_HOST}/root/lib\n`);
  writeFileSync(join(work, "a.go"), `package lib // ${version}\n`);
  await git("add", ".");
  await git("commit", "--quiet", "--message", version);
  await git("tag", version);
  await git("push", "--quiet", "origin", "main", version);
}
await push();

const GO = "/api/v4/packages/go";
/** What is done again and again, each with its pause in milliseconds. */
const KINDS: Readonly<Record<string, readonly [pauseMs: number, act: () => Promise<unknown>]>> = {
  push: [2_000, push],
  upload: [
    3_000,
    async () => {
      const version = `v1.1.${serial++}`;
      const zip = new JSZip();
      zip.file(`${MODULE_HOST}/root/lib@${version}/go.mod`, `module ${MODULE_HOST}/root/lib\n`, {
        createFolders: false,
      });
      const body = await zip.generateAsync({ type: "nodebuffer" });
      await ask("PUT", `/api/v4/projects/root%2Flib/packages/go/${MODULE_HOST}/root/lib/@v/${version}.zip`, body);
    },
  ],
  clone: [
    5_000,
    async () => {
      const to = mkdtempSync(join(parent, "clone-"));
      await run("git", ["clone", "--quiet", "--depth", "1", repository, join(to, "lib")]);
      rmSync(to, { recursive: true, force: true });
    },
  ],
  cold: [
    200,
    async () => {
      const path = `example.com/m${serial++}`;
      for (const file of ["@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip", "@v/list"])
        await ask("GET", `${GO}/${path}/${file}`);
    },
  ],
  hits: [
    20,
    async () => {
      for (const file of ["v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"])
        await ask("GET", `${GO}/${MODULE_HOST}/root/lib/@v/${file}`);
    },
  ],
  sumdb: [
    200,
    async () => {
      await ask("GET", `/sumdb/lookup/${MODULE_HOST}/root/lib@v1.0.0`);
      await ask("GET", "/sumdb/latest");
    },
  ],
  backup: [
    300_000,
    () =>
      run(process.execPath, ["bin/gokura.js", "backup", join(parent, "backup")], {
        cwd: join(import.meta.dirname, ".."),
        env: { PATH: process.env.PATH, HOME: parent, GOKURA_DATA_DIR: data, GOKURA_MODULE_HOST: MODULE_HOST },
      }),
  ],
  graphql: [
    500,
    () =>
      ask(
        "POST",
        "/api/graphql",
        JSON.stringify({
          query: "{ goModules(first: 20) { nodes { path versions(first: 10) { nodes { version } } } } }",
        }),
        {
          "content-type": "application/json",
        },
      ),
  ],
  rest: [500, () => ask("GET", "/api/v4/projects/root%2Flib/packages?per_page=50")],
  page: [500, () => ask("GET", `/-/go/mod/${MODULE_HOST}/root/lib`, undefined, { accept: "text/html" })],
  wrong: [
    1_000,
    async () => {
      await fetch(`${server.url}/api/v4/projects`, { headers: { "private-token": `wrong ${serial++}` } }).then(
        (answer) => answer.text(),
      );
    },
  ],
};

interface Figures {
  readonly minute: number;
  readonly rss: number;
  readonly heap: number;
  readonly buffers: number;
  readonly postgres: number;
  readonly processes: number;
  readonly descriptors: number;
  readonly connections: number;
  readonly temporary: number;
}

/** What a descriptor is of; "" if it is closed by now. */
function linkOf(pid: number, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return "";
  }
}

/** All below a directory, by paths in it. A push makes directories, and takes them away while they are read. */
function filesIn(directory: string): string[] {
  for (;;)
    try {
      return readdirSync(directory, { recursive: true, encoding: "utf8" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
}

/** What the server has in use after a full garbage collection, in bytes: objects, and what is outside of V8's heap. */
async function memoryInUse(): Promise<NodeJS.MemoryUsage> {
  process.kill(server.target.pid, "SIGUSR2");
  while (!existsSync(memoryFile)) await delay(50);
  const usage = JSON.parse(readFileSync(memoryFile, "utf8"));
  rmSync(memoryFile);
  return usage;
}

/**
 * Megabytes of the server, of what is in use in it, and of its PostgreSQL, how many processes both are, the open descriptors of
 * the server, those of them that are connections (of clients and to PostgreSQL), and files that are half done.
 */
async function figures(began: number): Promise<Figures> {
  const { pid } = server.target;
  const open = readdirSync(`/proc/${pid}/fd`);
  const files = filesIn(data);
  const { postgres, processes } = memoryOfAll(server, data);
  const rss = memoryOf(pid);
  const { heapUsed, external } = await memoryInUse();
  const now = {
    minute: (performance.now() - began) / 60_000,
    ...{ rss, heap: heapUsed / 2 ** 20, buffers: external / 2 ** 20 },
    ...{ postgres, processes },
    descriptors: open.length,
    connections: open.filter((fd) => linkOf(pid, fd).startsWith("socket:")).length,
    temporary: files.filter((name) => /blobs\/scratch\/.|\.lock$|\/tmp_(?:pack|idx|obj)/.test(name)).length,
  };
  console.log(JSON.stringify(now)); // what is known if it does not come to its end
  return now;
}

const following = await beginFollowing(parent, remote, server.url);
const began = performance.now();
const seen: Figures[] = [await figures(began)];
const loops = Object.entries(KINDS).map(async ([name, [pauseMs, act]]) => {
  while (!over) {
    await act().then(
      () => done.set(name, (done.get(name) ?? 0) + 1),
      (error: unknown) => failed.set(name, String(error)),
    );
    await delay(pauseMs, undefined, { signal: ended.signal }).catch(() => {});
  }
});
try {
  for (let part = 1; part <= PARTS; part++) {
    await delay((MINUTES * 60_000) / PARTS);
    seen.push(await figures(began));
  }
  over = true;
  ended.abort();
  await Promise.all(loops);
  await delay(5_000);
  seen.push(await figures(began));
  const { tags, missing } = await following.settle();
  done.set("mirrored", tags);
  if (missing.length > 0) failed.set("mirrored", `the mirror has not ${missing.join(", ")}`);
} finally {
  over = true;
  await server.stop();
  await remote.server.stop("SIGTERM");
  upstream.close();
  rmSync(parent, { recursive: true, force: true });
}
printTable([
  ["minute", "RSS, MB", "objects in use, MB", "buffers in use, MB", "PostgreSQL, MB"].concat([
    ...["processes", "descriptors", "connections", "temporary files"],
  ]),
  ...seen.map(({ minute, rss, heap, buffers, postgres, processes, descriptors, connections, temporary }) => [
    ...[minute.toFixed(1), rss.toFixed(0), heap.toFixed(1), buffers.toFixed(1), postgres.toFixed(0), String(processes)],
    ...[String(descriptors), String(connections), String(temporary)],
  ]),
]);
// The first tenths fill caches.
const later = seen.slice(Math.ceil(PARTS * 0.3), -1);
for (const what of [
  "rss",
  "heap",
  "buffers",
  "postgres",
  "processes",
  "descriptors",
  "connections",
  "temporary",
] as const)
  console.log(`${what}: ${(slope(later.map((each) => [each.minute, each[what]])) * 60).toFixed(1)} more in an hour`);
console.log([...done].map(([name, count]) => `${name} ${count}`).join(", "));
for (const [name, error] of failed) console.log(`failed: ${name}: ${error}`);

/** The slope of the straight line that fits best, by least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([a]) => a), mean(([, b]) => b)];
  return (
    points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0)
  );
}
