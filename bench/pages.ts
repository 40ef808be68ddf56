// node bench/pages.ts: what pages cost in a registry of a million versions, on a server as `npm start` runs it, with its
// embedded PostgreSQL: processor time of the server for a page, once everything is loaded, and how long two browsers at once
// wait. Every page is of another module; the times of waiting are those of the wall, so a busy machine shows. A module's page has
// its readme and the documentation of the package in its root, which is that of container/list.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ADMIN_TOKEN } from "./gokura.ts";
import { modulePath } from "./graphql/names.ts";
import { sizeOf } from "./graphql/seed.ts";
import { processorTime } from "./measure.ts";
import { seeded } from "./seeded.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    versions: { type: "string", default: "1000000" },
    times: { type: "string", default: "300" },
    keep: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/pages.ts [--versions 1000000] [--times 300] [--keep DIRECTORY]
  --versions N      the size of the registry, 50 versions a module
  --times N         how often each kind of page is asked for
  --keep DIRECTORY  where the registry stays, to be used again (that of bench/graphql.ts will do)`);
  process.exit(0);
}
const TIMES = Number(values.times);
const AT_ONCE = 2;
const WARM_UP = 30;

const PAGES: readonly (readonly [name: string, path: (n: number) => string])[] = [
  ["module", (n) => `/-/go/${modulePath(n)}`],
  ["versions", (n) => `/-/go/${modulePath(n)}?tab=versions`],
  ["go.mod", (n) => `/-/go/${modulePath(n)}?tab=gomod`],
  ["required by", (n) => `/-/go/${modulePath(n)}?tab=importedby`],
  ["home", () => "/"],
  ["search", (n) => `/-/search?q=${modulePath(n).split("/").at(-1)}`],
];

const directory = values.keep ?? mkdtempSync(join(tmpdir(), "gokura-bench-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
try {
  const size = sizeOf(Number(values.versions));
  const running = await seeded(join(directory, `of-${size.versions}`), size, { GOKURA_LOG_LEVEL: "fatal" });
  try {
    const visit = async (path: string): Promise<void> => {
      const headers = { accept: "text/html", authorization: `Bearer ${ADMIN_TOKEN}` };
      const answer = await fetch(running.url + path, { headers });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
    };
    const rows = [["page", "CPU ms", "p50 ms", "p99 ms"]];
    for (const [name, path] of PAGES) {
      const taken: number[] = [];
      let n = 0;
      // Modules all over the registry, none twice.
      const next = (): string => path(Math.floor((n++ * size.modules) / (TIMES + WARM_UP)));
      while (n < WARM_UP) await visit(next());
      const before = processorTime(running.target.pid);
      const walk = async (): Promise<void> => {
        while (n < TIMES + WARM_UP) {
          const start = performance.now();
          await visit(next());
          taken.push(performance.now() - start);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, walk));
      const cost = (processorTime(running.target.pid) - before) / taken.length;
      taken.sort((a, b) => a - b);
      const at = (part: number): number => taken[Math.min(Math.floor(taken.length * part), taken.length - 1)]!;
      rows.push([name, (cost / 1_000).toFixed(1), at(0.5).toFixed(1), at(0.99).toFixed(1)]);
    }
    const [load] = loadavg();
    console.log(
      `${size.versions} versions, ${TIMES} times each, ${AT_ONCE} at once; ${availableParallelism()} cores, load ${load!.toFixed(1)}\n`,
    );
    printTable(rows);
  } finally {
    await running.stop();
  }
} finally {
  if (values.keep === undefined) rmSync(directory, { recursive: true, force: true });
}
