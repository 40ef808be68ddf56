// node bench/graphql.ts: how long queries take with a thousand and with a million versions, on a server as `npm start`
// runs it, with its embedded PostgreSQL. What lists, searches and statistics cost must not depend on how much is stored;
// the last column says what the larger registry costs in times of the smaller. Each query is asked with other arguments
// every time, by people who see different things; the times are those of the wall as the client sees them, so a busy
// machine shows: ask again when in doubt.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ADMIN_TOKEN } from "./gokura.ts";
import { type Asker, askers } from "./graphql/askers.ts";
import { QUERIES, type Query } from "./graphql/queries.ts";
import { type Size, sizeOf } from "./graphql/seed.ts";
import { seeded } from "./seeded.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    versions: { type: "string", default: "1000,1000000" },
    times: { type: "string", default: "300" },
    only: { type: "string", default: "" },
    keep: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/graphql.ts [--versions 1000,1000000] [--times 300] [--only TEXT] [--keep DIRECTORY]
  --versions LIST   sizes of the registries, 50 versions a module
  --times N         how often each query is asked, half of that at the same time as another
  --only TEXT       only queries whose name holds this
  --keep DIRECTORY  where the seeded registries stay, to be used again`);
  process.exit(0);
}
const TIMES = Number(values.times);
const AT_ONCE = 2;
/** Asked before it counts. */
const WARM_UP = 30;

// ---- asking --------------------------------------------------------------------------------------------------------

/** Milliseconds of each time, ascending. */
async function timesOf(query: Query, people: readonly Asker[], size: Size): Promise<number[]> {
  const taken: number[] = [];
  let n = 0;
  const askOn = async (): Promise<void> => {
    for (let mine = n++; mine < WARM_UP + TIMES; mine = n++) {
      const start = performance.now();
      await people[mine % people.length]!(query.text, query.variables(mine, size.modules));
      if (mine >= WARM_UP) taken.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOn));
  return taken.sort((a, b) => a - b);
}

const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)]!;

async function measureSize(directory: string, versions: number): Promise<Map<string, [p50: number, p99: number]>> {
  const size = sizeOf(versions);
  const running = await seeded(join(directory, `of-${versions}`), size);
  try {
    const people = askers(running.url, ADMIN_TOKEN);
    const found = new Map<string, [number, number]>();
    for (const query of QUERIES.filter(({ name }) => name.includes(values.only))) {
      const taken = await timesOf(query, people, size);
      found.set(query.name, [percentile(taken, 0.5), percentile(taken, 0.99)]);
    }
    return found;
  } finally {
    await running.stop();
  }
}

// ---- the run -------------------------------------------------------------------------------------------------------

const directory = values.keep ?? mkdtempSync(join(tmpdir(), "gokura-bench-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
try {
  const sizes = values.versions.split(",").map(Number);
  const found = [];
  for (const versions of sizes) found.push(await measureSize(directory, versions));
  const [load] = loadavg();
  console.log(
    `milliseconds, median and 99th of 100, ${TIMES} times each, ${AT_ONCE} at once; ${availableParallelism()} cores, load ${load!.toFixed(1)}\n`,
  );
  const rows = [["query", ...sizes.flatMap((size) => [`p50 ${size}`, `p99 ${size}`]), "ratio of p50"]];
  for (const name of found[0]!.keys()) {
    const times = found.map((one) => one.get(name)!);
    rows.push([name, ...times.flat().map((ms) => ms.toFixed(1)), (times.at(-1)![0] / times[0]![0]).toFixed(2)]);
  }
  printTable(rows);
} finally {
  if (values.keep === undefined) rmSync(directory, { recursive: true, force: true });
}
