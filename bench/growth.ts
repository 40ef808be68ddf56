// node bench/growth.ts: how cost grows with what is stored. For registries of some sizes (graphql/seed.ts), the processor time of the
// server with its PostgreSQL and with the git processes that it starts, and the statements that PostgreSQL is sent, of seven things that
// must not depend on how much is stored: a hot hit, a cold zip, a cold list, the push of a tag until it is a version, a lookup in
// the checksum database, the query of a module, a search. The last column is the exponent of growth, the slope of a line
// through the logarithms of size and processor time (least squares): 0 is no growth, 1 as the size, 0.15 doubles in a hundredfold.
//
// The statements are those of a second, shorter run, which PostgreSQL writes down, so that what that costs is in no other figure.
// Nothing is measured before the server is idle (untilIdle): a registry that has just been filled has records to log and tables
// to be vacuumed, which takes minutes with a million versions, and is none of what is asked about.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { postgresDirectory, runningDatabaseUrl } from "../src/database/running-database.ts";
import { JOB_SCHEMA } from "../src/jobs/queue.ts";
import { ADMIN_TOKEN, type RunningGokura } from "./gokura.ts";
import { askers } from "./graphql/askers.ts";
import { QUERIES } from "./graphql/queries.ts";
import { type Size, sizeOf } from "./graphql/seed.ts";
import { familyTime } from "./measure.ts";
import { Upstream } from "./proxy/upstream.ts";
import { seeded } from "./seeded.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    versions: { type: "string", default: "1000,10000,100000" },
    times: { type: "string", default: "60" },
    keep: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/growth.ts [--versions 1000,10000,100000] [--times 60] [--keep DIRECTORY]
  --versions LIST   sizes of the registries, 50 versions a module; a million takes some minutes to fill
  --times N         how often each thing is done; hits forty times as often, queries twice and thrice, pushes and lookups a fifth
  --keep DIRECTORY  where the seeded registries stay, to be used again
Example: node bench/growth.ts --versions 1000,10000,100000,1000000 --keep /tmp/growth`);
  process.exit(0);
}
const TIMES = Number(values.times);
/** Done before it counts, so that code is compiled and connections are there. */
const WARM_UP = 40;
/** Of these the statements are counted. */
const WRITTEN_DOWN = 10;
/** What was begun by what was asked, such as the description of a module, waits up to a second for its turn. */
const GATHER_MS = 1_500;
/** So long nothing may be under way, looked at so often, before the server counts as idle. */
const QUIET_LOOKS = 4;
const LOOK_MS = 250;
/** What a server does by itself is measured for so long. */
const IDLE_MS = 10_000;

/** Something that is done for the nth time. */
type Act = (n: number) => Promise<unknown>;

interface Cost {
  readonly microseconds: number;
  readonly statements: number;
}

// ---- what is done --------------------------------------------------------------------------------------------------

async function get(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}: ${text.slice(0, 300)}`);
  return text;
}

/** In front of the names of the modules that are cold in this run. */
let prefix = "";

const coldModule = (n: number): string => `example.com/${prefix}/cold${n}`;

/** A repository with a module, whose tags are pushed one by one. */
function pusher(running: RunningGokura, directory: string): { readonly module: string; readonly push: Act } {
  const name = `growth-${Date.now()}`;
  const module = `gokura.bench/root/${name}`;
  const repository = join(directory, name);
  const environment = { GIT_CONFIG_NOSYSTEM: "1", HOME: directory, PATH: process.env.PATH ?? "" };
  const person = ["-c", "user.name=b", "-c", "user.email=b@example.com"];
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", repository, ...person, ...words], {
      stdio: ["ignore", "ignore", "pipe"],
      env: environment,
    });
  mkdirSync(repository);
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(join(repository, "go.mod"), `module ${module}\n\ngo 1.21\n`);
  writeFileSync(join(repository, "lib.go"), "package lib\n");
  git("add", ".");
  git("commit", "--quiet", "--message=growth");
  const remote = `${running.url.replace("://", `://bench:${ADMIN_TOKEN}@`)}/root/${name}.git`;
  git("push", "--quiet", remote, "main");
  const base = `${running.url}/api/v4/projects/root%2F${name}/packages/go/${module}/@v`;
  const push: Act = async (n) => {
    git("tag", `v1.${n}.0`);
    git("push", "--quiet", remote, `v1.${n}.0`);
    await get(`${base}/v1.${n}.0.info`);
  };
  return { module, push };
}

/** The seven, each with how often it is done in times of the others. A lookup is of what was published before. */
async function acts(running: RunningGokura, directory: string, size: Size): Promise<[string, Act, number][]> {
  const { url } = running;
  const go = `${url}/api/v4/packages/go`;
  const hot = `${go}/${coldModule(0)}/@v/v1.0.0.info`;
  await get(`${go}/${coldModule(0)}/@v/v1.0.0.zip`);
  const [administrator] = askers(url, ADMIN_TOKEN);
  const query = (name: string): Act => {
    const { text, variables } = QUERIES.find((one) => one.name === name)!;
    return (n) => administrator!(text, variables(n, size.modules));
  };
  const { module, push } = pusher(running, directory);
  return [
    ["hot hit", () => get(hot), 40],
    ["cold zip", (n) => get(`${go}/${coldModule(n + 1)}/@v/v1.0.0.zip`), 1],
    ["cold list", (n) => get(`${go}/${coldModule(n + 1)}/@v/list`), 1],
    ["publish", push, 0.2],
    ["lookup", (n) => get(`${url}/sumdb/lookup/${module}@v1.${n}.0`), 0.2],
    ["module query", query("a module and its newest versions"), 3],
    ["search", query("search: a word"), 2],
  ];
}

// ---- measuring -----------------------------------------------------------------------------------------------------

async function measureSize(directory: string, versions: number, upstream: Upstream): Promise<Map<string, Cost>> {
  const size = sizeOf(versions);
  const data = join(directory, `of-${versions}`);
  const running = await seeded(data, size, {
    GOKURA_UPSTREAM: upstream.url,
    GOKURA_UPSTREAM_VERIFY: "off",
    GOKURA_FSCK: "off", // begins half an hour after the start
    GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
  });
  const client = new pg.Client({ connectionString: runningDatabaseUrl(data)! });
  await client.connect();
  try {
    const found = new Map<string, Cost>();
    const { pid } = running.target;
    const list = await acts(running, directory, size);
    await client.query("VACUUM ANALYZE"); // or autovacuum does it in the middle
    await untilIdle(client);
    // What a server does by itself meanwhile, with whoever looks whether it is idle, is not the subject.
    const watch = async (): Promise<void> => {
      await delay(IDLE_MS);
      await untilIdle(client);
    };
    const windows = [await spent(pid, watch), await spent(pid, watch), await spent(pid, watch)];
    const perMs = windows.map(({ amount, milliseconds }) => amount / milliseconds).sort((a, b) => a - b)[1]!;
    const idleStatements = await statementsOf(client, data, watch);
    for (const [name, act, share] of list) {
      const times = Math.ceil(TIMES * share);
      let n = 0;
      const repeat = async (count: number): Promise<void> => {
        for (const end = n + count; n < end; n++) await act(n);
        await untilIdle(client);
      };
      await repeat(Math.ceil(WARM_UP * share));
      const whole = await spent(pid, () => repeat(times));
      const microseconds = whole.amount - perMs * whole.milliseconds;
      const written = Math.min(WRITTEN_DOWN, times);
      const sent = await statementsOf(client, data, () => repeat(written));
      const statements = sent.amount - (idleStatements.amount / idleStatements.milliseconds) * sent.milliseconds;
      found.set(name, { microseconds: microseconds / times, statements: Math.max(statements, 0) / written });
    }
    return found;
  } finally {
    await client.end();
    await running.stop();
  }
}

/** How much of something was spent, and in how long. */
interface Spent {
  readonly amount: number;
  readonly milliseconds: number;
}

/** The processor time, in microseconds, of a server with all its processes meanwhile. */
async function spent(pid: number, work: () => Promise<void>): Promise<Spent> {
  const [before, start] = [familyTime(pid), performance.now()];
  await work();
  return { amount: familyTime(pid) - before, milliseconds: performance.now() - start };
}

/** How many statements PostgreSQL is sent meanwhile, without those that look whether it is idle. */
async function statementsOf(client: pg.Client, data: string, work: () => Promise<void>): Promise<Spent> {
  const logFile = join(postgresDirectory(data), "postgres.log");
  await client.query("ALTER SYSTEM SET log_statement = 'all'");
  await client.query("SELECT pg_reload_conf()");
  await delay(GATHER_MS);
  const [from, start] = [statSync(logFile).size, performance.now()];
  await work();
  const milliseconds = performance.now() - start;
  const log = readFileSync(logFile).subarray(from).toString();
  await client.query("ALTER SYSTEM RESET log_statement");
  await client.query("SELECT pg_reload_conf()");
  const all = log.match(/LOG: +(?:statement|execute [^:]+): /g)?.length ?? 0;
  return { amount: all - log.split(IDLE_MARK).length + 1, milliseconds };
}

const IDLE_MARK = "/* idle? */";

/** Waits until no job waits or runs, no statement but ours is under way, and autovacuum has nothing to do. */
async function untilIdle(client: pg.Client): Promise<void> {
  await delay(GATHER_MS);
  for (let quiet = 0; quiet < QUIET_LOOKS; await delay(LOOK_MS)) {
    const { rows } = await client.query<{ busy: boolean }>(`${IDLE_MARK} SELECT EXISTS (
        SELECT FROM ${JOB_SCHEMA}.job WHERE state < 'completed' AND start_after <= now())
      OR EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid()
        AND (backend_type = 'autovacuum worker' OR (backend_type = 'client backend' AND state <> 'idle'))) AS busy`);
    quiet = rows[0]!.busy ? 0 : quiet + 1;
  }
}

/** The slope of the line through the logarithms, least squares. */
function exponent(sizes: readonly number[], costs: readonly number[]): number {
  const [x, y] = [sizes.map(Math.log), costs.map(Math.log)];
  const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, one, n) => sum + (one - meanX) * (y[n]! - meanY), 0);
  return covariance / x.reduce((sum, one) => sum + (one - meanX) ** 2, 0);
}

// ---- the run -------------------------------------------------------------------------------------------------------

const directory = values.keep ?? mkdtempSync(join(tmpdir(), "gokura-bench-growth-"));
mkdirSync(directory, { recursive: true });
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
const work = mkdtempSync(join(tmpdir(), "gokura-bench-growth-"));
try {
  const sizes = values.versions.split(",").map(Number);
  const found: Map<string, Cost>[] = [];
  for (const versions of sizes) {
    // Each size has modules of its own run: what is kept from another run is not cold any more.
    prefix = `growth${Date.now()}`;
    const upstream = new Upstream();
    await upstream.start();
    try {
      for (let n = 0; n <= WARM_UP + TIMES + WRITTEN_DOWN; n++) await upstream.add(coldModule(n), "v1.0.0", 5_000);
      found.push(await measureSize(directory, versions, upstream));
    } finally {
      upstream.stop();
    }
  }
  printTable([
    ["microseconds of processor", ...sizes.map(String), "exponent", "statements"],
    ...[...found[0]!.keys()].map((name) => {
      const costs = found.map((one) => one.get(name)!);
      const times = costs.map(({ microseconds }) => microseconds);
      const statements = costs.map((one) => one.statements.toFixed(1)).join(" ");
      return [name, ...times.map((one) => one.toFixed(0)), exponent(sizes, times).toFixed(2), statements];
    }),
  ]);
} finally {
  rmSync(work, { recursive: true, force: true });
  if (values.keep === undefined) rmSync(directory, { recursive: true, force: true });
}
