// node bench/rest.ts: what Gokura needs while nobody asks it anything. Three figures:
//
//   a command     how long `gokura user list` takes beside a running server, in turns with a bare `node -e 0` and
//                 `gokura version`: medians with quartiles on the wall, and processor time (user and system)
//   memory        of the server and of all processes of its embedded PostgreSQL, as proportional set size (proc(5):
//                 a page that several processes share counts for each in part, so that sums are true): at rest after
//                 a start, and again after every door was used once
//   the disk      with --install: a production install (`npm ci`, `npm prune --omit=dev`) of what git tracks, in MB
//
// The memory is that of a second start: the first one makes the cluster and fills Node's compile cache.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ADMIN_TOKEN, startGokura } from "./gokura.ts";
import { memoryOfAll } from "./process-tree.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    repetitions: { type: "string", default: "7" },
    settle: { type: "string", default: "75" },
    install: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/rest.ts [--repetitions 7] [--settle 75] [--install]
  --repetitions N  how often each command runs, in turns
  --settle N       seconds of quiet before memory is looked at: connections to the database are kept for a minute
  --install        also measure what a production install takes on disk`);
  process.exit(0);
}
const ROOT = join(import.meta.dirname, "..");
const REPETITIONS = Number(values.repetitions);
const SETTLE_MS = Number(values.settle) * 1000;

// ---- time --------------------------------------------------------------------------------------------------------------

interface Cost {
  /** On the wall. */
  readonly ms: number;
  /** User and system, of the process and of those that it waited for. */
  readonly cpuMs: number;
}

/** Runs a program to its end. Its processor time is what bash's `times` says of the children that it waited for. */
async function costOf(words: readonly string[], environment: Readonly<Record<string, string>>): Promise<Cost> {
  const start = performance.now();
  const shell = spawn("bash", ["-c", '"$@" >/dev/null; code=$?; times; exit $code', "bash", ...words], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  shell.stdout.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(shell, "close");
  const ms = performance.now() - start;
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}`);
  const times = said
    .trim()
    .split("\n")
    .at(-1)!
    .matchAll(/(\d+)m([\d.]+)s/g);
  const cpuMs = [...times].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
    0,
  );
  return { ms, cpuMs };
}

const quantile = (numbers: readonly number[], part: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.round((numbers.length - 1) * part)]!;

async function measureCommands(dataDirectory: string): Promise<void> {
  const environment = { HOME: dataDirectory, GOKURA_DATA_DIR: dataDirectory };
  const gokura = [process.execPath, "bin/gokura.js"];
  const programs = {
    "node -e 0": [process.execPath, "-e", "0"],
    "gokura version": [...gokura, "version"],
    "gokura user list": [...gokura, "user", "list"],
    "gokura project list": [...gokura, "project", "list"],
  };
  const costs = new Map<string, Cost[]>(Object.keys(programs).map((name) => [name, []]));
  for (const words of Object.values(programs)) await costOf(words, environment); // the compile cache is filled
  for (let round = 0; round < REPETITIONS; round++)
    for (const [name, words] of Object.entries(programs)) costs.get(name)!.push(await costOf(words, environment));
  const bare = quantile(
    costs.get("node -e 0")!.map(({ ms }) => ms),
    0.5,
  );
  const rows = [["command beside a running server", "median ms", "quartiles", "processor ms", "of bare node"]];
  for (const [name, list] of costs) {
    const wall = list.map(({ ms }) => ms);
    const median = quantile(wall, 0.5);
    rows.push([
      name,
      median.toFixed(0),
      `${quantile(wall, 0.25).toFixed(0)}-${quantile(wall, 0.75).toFixed(0)}`,
      quantile(
        list.map(({ cpuMs }) => cpuMs),
        0.5,
      ).toFixed(0),
      (median / bare).toFixed(1),
    ]);
  }
  printTable(rows);
}

// ---- memory ------------------------------------------------------------------------------------------------------------

/** Asks once at every door: REST, its document, GraphQL, the Go endpoint, git. */
async function useEveryDoor(url: string): Promise<void> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const query = "{ currentUser { username } projects(first: 5) { nodes { fullPath } } }";
  const asked = [
    fetch(`${url}/api/v4/projects`, { headers }),
    fetch(`${url}/api/v4/openapi.json`, { headers }),
    fetch(`${url}/api/v4/packages/go/gokura.bench/root/lib/@v/list`, { headers }),
    fetch(`${url}/root/lib.git/info/refs?service=git-upload-pack`, { headers }),
    fetch(`${url}/api/graphql`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ query }),
    }),
  ];
  for (const answer of await Promise.all(asked)) await answer.arrayBuffer();
}

// ---- disk --------------------------------------------------------------------------------------------------------------

/** What a file or a directory with all below it takes on disk, in MB. */
function sizeOf(path: string): number {
  const { blocks } = lstatSync(path);
  const below = lstatSync(path).isDirectory() ? readdirSync(path).map((name) => sizeOf(join(path, name))) : [];
  return below.reduce((sum, size) => sum + size, (blocks * 512) / 1024 ** 2);
}

function measureInstall(directory: string): void {
  const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" });
  for (const name of tracked.split("\0").slice(0, -1)) cpSync(join(ROOT, name), join(directory, name));
  const npm = (...words: string[]) =>
    execFileSync("npm", [...words, "--no-audit", "--no-fund"], {
      cwd: directory,
      stdio: ["ignore", "ignore", "inherit"],
    });
  npm("ci"); // with the tools that generate code
  const everything = sizeOf(directory);
  npm("prune", "--omit=dev");
  execFileSync(join(directory, "node_modules/.bin/node"), ["bin/gokura.js", "version"], { cwd: directory });
  const packages = join(directory, "node_modules");
  const names = readdirSync(packages).filter((name) => !name.startsWith("."));
  const largest = names.map((name) => [name, sizeOf(join(packages, name))] as const).sort((a, b) => b[1] - a[1]);
  console.log();
  printTable([
    ["on disk", "MB"],
    ["after npm ci", everything.toFixed(0)],
    ["after npm prune --omit=dev", sizeOf(directory).toFixed(0)],
    ...largest.slice(0, 6).map(([name, mb]) => [`  node_modules/${name}`, mb.toFixed(0)]),
  ]);
}

// ---- the run -----------------------------------------------------------------------------------------------------------

const directory = mkdtempSync(join(tmpdir(), "gokura-bench-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
try {
  const data = join(directory, "data");
  await (await startGokura(data)).stop();
  const gokura = await startGokura(data);
  try {
    await delay(SETTLE_MS);
    const atRest = memoryOfAll(gokura, data);
    await useEveryDoor(gokura.url);
    await delay(SETTLE_MS);
    const used = memoryOfAll(gokura, data);
    printTable([
      ["memory, MB", "server", "PostgreSQL", "together", "processes"],
      ...(
        [
          ["at rest", atRest],
          ["after every door was used", used],
        ] as const
      ).map(([name, memory]) => [
        name,
        memory.server.toFixed(0),
        memory.postgres.toFixed(0),
        (memory.server + memory.postgres).toFixed(0),
        String(memory.processes),
      ]),
    ]);
    console.log();
    await measureCommands(data);
  } finally {
    await gokura.stop();
  }
  if (values.install) measureInstall(join(directory, "install"));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
