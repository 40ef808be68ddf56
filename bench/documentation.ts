// node bench/documentation.ts [--module DIRECTORY]: what documentation costs, over the packages of a module that lies in the
// module cache (golang.org/x/tools unless told otherwise). The figures:
//
//   of a process      processor time from nothing (no thread yet, no grammar compiled) to the documentation of one package,
//                     each in a process of its own, for every fifth package of the module: quartiles; and on the wall,
//                     which says something on a quiet machine only
//   of a prepared one the same in a process of which pages were read, where a thread documented a package of its own before
//   of a thread       the same in a new thread of a process that documented packages before
//   the next one      the same in a thread that is there
//   the whole module  processor time of the process for all of its packages, one after the other in one thread
//   memory            resident memory of the process: before, at most, and when the thread was ended
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  type DirectoryToDocument,
  type DocumentationThreads,
  openDocumentationThreads,
} from "../src/godoc/thread/documentation-threads.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    module: { type: "string" },
    one: { type: "string" },
    prepared: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/documentation.ts [--module DIRECTORY]
  --module DIRECTORY  where a module lies; the newest golang.org/x/tools of the module cache if it is not given
  --one DIRECTORY     only what a first package of a process costs: that in this directory of the module, as JSON
  --prepared          that of a process of which pages were read before`);
  process.exit(0);
}

const EVERY = 5;
const LOOK_MS = 20;
const SETTLE_MS = 3_000;
const MB = 1024 * 1024;

function newestTools(): string {
  const cache = execFileSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" }).trim();
  const found = readdirSync(join(cache, "golang.org/x")).filter((name) => name.startsWith("tools@"));
  const newest = found.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
  if (!newest)
    throw new Error("golang.org/x/tools is not in the module cache: go mod download golang.org/x/tools@latest");
  return join(cache, "golang.org/x", newest);
}

/** The packages of a module, read. */
function packagesOf(root: string): Map<string, DirectoryToDocument> {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".go"));
  const byDirectory = Map.groupBy(names, (name) => name.slice(0, Math.max(0, name.lastIndexOf("/"))));
  const wanted = [...byDirectory].filter(
    ([path, some]) =>
      !/(?:^|\/)(?:testdata|vendor)(?:\/|$)/.test(path) && some.some((name) => !name.endsWith("_test.go")),
  );
  return new Map(
    wanted.map(([path, some]) => {
      const files = some.map((name) => ({
        name: name.slice(path === "" ? 0 : path.length + 1),
        bytes: readFileSync(join(root, name)),
      }));
      return [path, { files, problems: [] }];
    }),
  );
}

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function costOf(threads: DocumentationThreads, directory: DirectoryToDocument): Promise<Cost> {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await threads.document(directory, true);
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - wall };
}

interface WholeModule {
  readonly cpuMs: number;
  readonly before: number;
  readonly most: number;
  readonly after: number;
}

async function wholeModule(all: Iterable<DirectoryToDocument>): Promise<WholeModule> {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, LOOK_MS);
  const threads: DocumentationThreads = openDocumentationThreads();
  const start = process.cpuUsage();
  for (const directory of all) await threads.document(directory, false);
  const { user, system } = process.cpuUsage(start);
  await threads.close();
  await delay(SETTLE_MS);
  clearInterval(look);
  return { cpuMs: (user + system) / 1000, before, most, after: process.memoryUsage.rss() };
}

enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/gokura")); // as bin/gokura.js does
const root = values.module ?? newestTools();
const packages = packagesOf(root);
if (values.one !== undefined) {
  const directory = packages.get(values.one);
  if (!directory) throw new Error(`there is no package in ${values.one} of ${root}`);
  const threads = openDocumentationThreads();
  if (values.prepared) await prepared(threads);
  console.log(JSON.stringify(await costOf(threads, directory)));
  await threads.close();
  process.exit(0);
}

/** As long as whoever reads a page takes for it. */
async function prepared(threads: DocumentationThreads): Promise<void> {
  threads.prepare();
  await delay(SETTLE_MS);
}

const whole = await wholeModule(packages.values());
const again = await wholeModule(packages.values());
const [ofProcess, ofPrepared, ofThread, next]: [Cost[], Cost[], Cost[], Cost[]] = [[], [], [], []];
const threads = openDocumentationThreads();
await threads.document(packages.values().next().value!, true);
for (const [n, [path, directory]] of [...packages].entries()) {
  if (n % EVERY !== 0) continue;
  const one = [import.meta.filename, "--module", root, "--one", path];
  ofProcess.push(JSON.parse(execFileSync(process.execPath, one, { encoding: "utf8" })));
  ofPrepared.push(JSON.parse(execFileSync(process.execPath, [...one, "--prepared"], { encoding: "utf8" })));
  await threads.rest();
  ofThread.push(await costOf(threads, directory));
  next.push(await costOf(threads, directory));
}
await threads.close();
const quartiles = (costs: readonly Cost[], of: keyof Cost): string => {
  const times = costs.map((cost) => cost[of]).sort((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((part) => times[Math.floor(times.length * part)]!.toFixed(0)).join(", ");
};
const mb = (bytes: number): string => `${(bytes / MB).toFixed(0)} MB`;
console.log(`${root}: ${packages.size} packages`);
printTable([
  ["what", "figure", "to hold"],
  ["the first package of a process, processor time in ms, quartiles", quartiles(ofProcess, "cpuMs"), ""],
  ["… on the wall", quartiles(ofProcess, "wallMs"), ""],
  ["… of a process whose pages were read, processor time", quartiles(ofPrepared, "cpuMs"), "100"],
  ["… on the wall", quartiles(ofPrepared, "wallMs"), "100"],
  ["the first of a later thread, processor time in ms, quartiles", quartiles(ofThread, "cpuMs"), "100"],
  ["… on the wall", quartiles(ofThread, "wallMs"), "100"],
  ["the next one, processor time in ms, quartiles", quartiles(next, "cpuMs"), ""],
  ["… on the wall", quartiles(next, "wallMs"), ""],
  ["all packages, processor time", `${(whole.cpuMs / 1000).toFixed(2)} s`, "3 s (x/tools)"],
  ["memory that documenting takes, at most", mb(whole.most - whole.before), "256 MB"],
  ["… that is left when its thread was ended", mb(whole.after - whole.before), ""],
  ["… that is left more after all of it once more", mb(again.after - whole.after), "0 MB"],
]);
