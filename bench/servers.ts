// npm run bench -- servers: several servers of one instance, as docs/scale.md has them. Two may lead, one or two only read; the
// one that leads is killed again and again, or stopped and woken, while clients push through a reader and others download;
// every third time what was killed comes back without its disk. Then a reader comes and goes under load, the database crashes
// and fails over, and the bucket is away. Nothing that was acknowledged may be lost, and no byte may be wrong. At last the
// database fails over to a standby that lacks the last pushes: these may be lost, whole, and are pushed again.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { freePort } from "../test/support/free-port.ts";
import { ADMIN_TOKEN, MODULE_HOST } from "./faults/server.ts";
import { beginWriting, compare, type Writing } from "./faults/writers.ts";
import { processorTime } from "./measure.ts";
import { failOvers, loseTransactions } from "./servers/failovers.ts";
import { type Instance, openInstance } from "./servers/instance.ts";
import { beginLoad } from "./servers/load.ts";
import { beginFollowing, startRemote } from "./servers/mirrored.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "50" },
    failovers: { type: "string", default: "4" },
    away: { type: "string", default: "60" },
    registry: { type: "string" },
    versitygw: { type: "string", default: process.env.VERSITYGW ?? "versitygw" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: npm run bench -- servers [--kills 50] [--failovers 4] [--away 60] [--registry DIRECTORY] [--versitygw PROGRAM]
  --kills N             how often the server that leads is killed, or stopped for a while
  --failovers N         how often the database fails over to a synchronous standby: its primary is killed, stopped, made read-only
                        or left alive, by turns, and the last two keep the connections that they have. 0: nor to an asynchronous one
  --away SECONDS        how long the bucket is away
  --registry DIRECTORY  a data directory of growth.ts --keep, of a server that is stopped: the instance begins with a copy of its
                        database, for example of a million versions
  --versitygw PROGRAM   go install github.com/versity/versitygw/cmd/versitygw@v1.8.0`);
  process.exit(0);
}

const WRITERS = 2;
const BYTES = 100_000;
const READING_CLIENTS = 4;
const HIT_CLIENTS = 16;
const HITS_MS = 5_000;
const BACK_MS = 60_000;
/** Longer than a lease is good. */
const STOPPED_MS = 9_000;

const rows: string[][] = [["what", "figure"]];
const faults: string[] = [];
/** Said at once as well: a run with many faults is long. */
const tell = (what: string, figure: string | number): void => {
  console.error(`${what}: ${figure}`);
  rows.push([what, String(figure)]);
};
const median = (all: number[]): number => all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
const listPath = (project: string): string =>
  `/api/v4/projects/${encodeURIComponent(project)}/packages/go/${MODULE_HOST}/${project}/@v`;
const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };

async function until(check: () => Promise<boolean> | boolean, withinMs: number): Promise<number | undefined> {
  const begun = performance.now();
  while (performance.now() - begun < withinMs) {
    if (await check()) return performance.now() - begun;
    await delay(10);
  }
  return undefined;
}

const acknowledged = ({ writers }: Writing): number =>
  writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0);

/** How long it takes until a push is seen at every server after its client has heard that it is done. */
async function measureSight(instance: Instance, directory: string, reader: string, when = ""): Promise<void> {
  mkdirSync(directory);
  const probe = await beginWriting(directory, reader, 1, 1_000, `probe${when.replaceAll(" ", "-")}`);
  const { project, acknowledged: told } = { ...probe.writers[0]! };
  const times: number[] = [];
  for (let n = 0; n < 20; n++) {
    const before = told.length;
    if ((await until(() => told.length > before, BACK_MS)) === undefined) break;
    const version = told.at(-1)!;
    const begun = performance.now();
    for (const { url } of instance.servers.values()) {
      const seen = await until(async () => {
        const answer = await fetch(`${url}${listPath(project)}/list`, { headers });
        return (await answer.text()).split("\n").includes(version);
      }, BACK_MS);
      if (seen === undefined) faults.push(`${version} was never seen at ${url}`);
    }
    times.push(performance.now() - begun);
  }
  await probe.stop();
  tell(
    `a push is seen at all servers${when}, median and most`,
    `${Math.round(median(times))}, ${Math.round(Math.max(...times))} ms`,
  );
}

/** Who leads, as soon as somebody does. A server that lost its lease on a busy machine has ended, and is started again, as by its supervisor. */
async function leaderOf(instance: Instance): Promise<string> {
  let name: string | undefined;
  await until(async () => {
    for (const [one, server] of instance.servers) {
      if (!server.ended()) continue;
      console.error(`${one} ended by itself: ${server.errors().at(-1) ?? "without an error"}`);
      await instance.start(one, one === "c" ? "read" : "all");
    }
    name = await instance.leader();
    return name !== undefined;
  }, BACK_MS);
  if (name === undefined) throw new Error("nobody leads");
  return name;
}

async function killLeaders(instance: Instance, writing: Writing): Promise<void> {
  const back: number[] = [];
  const taken: number[] = [];
  const ways = { "kill -9": 0, "kill -9, and its disk is lost": 0, "stopped and woken": 0 };
  for (let n = 0; n < Number(values.kills); n++) {
    await delay(500 + Math.random() * 1_500);
    const name = await leaderOf(instance);
    const leader = instance.servers.get(name)!;
    const before = acknowledged(writing);
    const isStop = n % 5 === 4;
    leader.child.kill(isStop ? "SIGSTOP" : "SIGKILL");
    ways[isStop ? "stopped and woken" : n % 3 === 2 ? "kill -9, and its disk is lost" : "kill -9"]++;
    const changed = await until(async () => {
      const now = await instance.leader().catch(() => undefined);
      return now !== undefined && now !== name;
    }, BACK_MS);
    taken.push(changed ?? Number.NaN);
    // One that was acknowledged may just not have been heard of.
    const wrote = await until(() => acknowledged(writing) > before + 1, BACK_MS);
    const took = wrote === undefined ? undefined : wrote + (changed ?? 0);
    if (took === undefined) faults.push(`nothing was written for ${BACK_MS} ms after fault ${n}`);
    else back.push(took);
    console.error(
      `fault ${n + 1}: another leads after ${Math.round(changed ?? Number.NaN)} ms, writes again after ${Math.round(took ?? Number.NaN)} ms`,
    );
    if (isStop) {
      await delay(Math.max(0, STOPPED_MS - (took ?? 0)));
      leader.child.kill("SIGCONT");
      await delay(2_000);
    } else {
      await leader.stop("SIGKILL");
      await instance.start(name, "all", n % 3 === 2);
    }
  }
  tell(
    "the leader was",
    Object.entries(ways)
      .map(([way, times]) => `${way}: ${times}`)
      .join("; "),
  );
  tell("another leads after, median and most", `${Math.round(median(taken))}, ${Math.round(Math.max(...taken))} ms`);
  tell("writes again after, median and most", `${Math.round(median(back))}, ${Math.round(Math.max(...back))} ms`);
  if (Math.max(...back) > 10_000) faults.push("it took more than 10 s until somebody wrote again");
}

const directory = mkdtempSync(join(tmpdir(), "gokura-servers-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
const remote = await startRemote(directory, await freePort());
const instance = await openInstance(directory, values.versitygw, remote.settings, values.registry);

/** What a hit costs one reader, and each of two that share the same clients; microseconds of processor time. */
async function measureHits(paths: readonly string[], first: string): Promise<void> {
  const second = await instance.start("e", "read");
  const costOf = async (names: readonly string[]): Promise<number> => {
    const running = names.map((name) => instance.servers.get(name)!);
    const load = await beginLoad(
      running.map(({ url }) => url),
      paths,
      HIT_CLIENTS,
    );
    await delay(1_000);
    const used = (): number => running.reduce((sum, { child }) => sum + processorTime(child.pid!), 0);
    const [before, begun] = [load.counts.answered, used()];
    await delay(HITS_MS);
    const cost = (used() - begun) / (load.counts.answered - before);
    await load.stop();
    return cost;
  };
  const [one, two] = [await costOf([first]), await costOf([first, "e"])];
  await second.stop("SIGTERM");
  instance.servers.delete("e");
  tell("a hit of .info costs, at one reader, at each of two", `${one.toFixed(1)}, ${two.toFixed(1)} us`);
}

try {
  await instance.start("a", "all");
  await instance.start("b", "all");
  const reader = await instance.start("c", "read");
  const clients = join(directory, "clients");
  mkdirSync(clients);
  const writing = await beginWriting(clients, reader.url, WRITERS, BYTES);
  await until(() => acknowledged(writing) > 2, BACK_MS);
  const { project, acknowledged: first } = writing.writers[0]!;
  await until(() => first.length > 0, BACK_MS);
  const paths = ["info", "mod", "zip"].map((kind) => `${listPath(project)}/${first[0]}.${kind}`);
  const load = await beginLoad([reader.url], [...paths], READING_CLIENTS);

  await measureHits([paths[0]!], "c");
  const following = await beginFollowing(directory, remote, reader.url);
  await measureSight(instance, join(directory, "probe"), reader.url);
  if (Number(values.kills) > 0) await killLeaders(instance, writing);

  const before = { ...load.counts };
  for (let n = 0; n < 3; n++) {
    const more = await instance.start("d", "read");
    load.targets.add(more.url);
    await delay(2_000);
    load.targets.delete(more.url); // as a balancer does before it has a server stopped
    await delay(200);
    await more.stop("SIGTERM");
    instance.servers.delete("d");
  }
  tell(
    "a reader came and went three times: requests, failed",
    `${load.counts.answered - before.answered}, ${load.counts.failed - before.failed}`,
  );

  const acknowledgedThen = acknowledged(writing);
  await instance.crashDatabase();
  const backAfterCrash = await until(() => acknowledged(writing) > acknowledgedThen + WRITERS, BACK_MS);
  tell("the database crashed: writes again after", `${Math.round(backAfterCrash ?? Number.NaN)} ms`);
  const failedInCrash = load.counts.failed;

  const told = { tell, fault: (what: string) => void faults.push(what) };
  if (Number(values.failovers) > 0) {
    await failOvers(instance, writing, Number(values.failovers), told);
    tell("downloads that failed meanwhile", load.counts.failed - failedInCrash);
    await measureSight(instance, join(directory, "probe-again"), reader.url, " after failovers");
  }

  await instance.stopBucket();
  const failedBefore = load.counts.failed;
  const writtenBefore = acknowledged(writing);
  await delay(Number(values.away) * 1_000);
  tell(`the bucket was away for ${values.away} s: what is cached failed`, load.counts.failed - failedBefore);
  tell("and pushes that were acknowledged meanwhile", acknowledged(writing) - writtenBefore);
  await instance.startBucket();
  const writtenThen = acknowledged(writing);
  const backAfterBucket = await until(() => acknowledged(writing) > writtenThen + WRITERS, 2 * BACK_MS);
  tell("writes again after it came back", `${Math.round(backAfterBucket ?? Number.NaN)} ms`);
  if (backAfterBucket === undefined) faults.push("nothing was written after the bucket came back");

  const followed = await following.settle();
  tell("tags of a mirror's remote, missing in the mirror", `${followed.tags}, ${followed.missing.length}`);
  faults.push(...followed.missing.map((tag) => `the mirror has no ${tag}`));
  await load.stop();
  await writing.stop();
  tell(
    "downloads answered, failed (of them while the database crashed), wrong",
    `${load.counts.answered}, ${load.counts.failed} (${failedInCrash - before.failed}), ${load.counts.wrong}`,
  );
  if (load.counts.wrong > 0) faults.push(`${load.counts.wrong} downloads had wrong bytes`);
  for (const failure of load.failures) console.log(`download: ${failure}`);
  for (const [name, { url }] of instance.servers) {
    const truth = await compare(url, writing.writers);
    tell(
      `pushes acknowledged, lost, half visible at ${name}`,
      [truth.acknowledged, truth.lost.length, truth.halfVisible.length].join(", "),
    );
    faults.push(...[...truth.lost, ...truth.halfVisible].map((what) => `${name}: ${what}`));
  }
  if (Number(values.failovers) > 0) await loseTransactions(instance, join(directory, "late"), reader.url, told);
} finally {
  await instance.close();
  await remote.server.stop("SIGTERM");
  rmSync(directory, { recursive: true, force: true });
}
printTable(rows);
for (const fault of faults) console.log(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
