// node bench/vulnerabilities.ts: what a large vulnerability feed costs a server as `npm start` runs it: how long it takes over
// a feed of so many advisories (GOKURA_VULNDB=file://…), how large the process grows meanwhile, and how long others wait, by
// asking it for its liveness all the time. Then one advisory changes, and the server starts again: what a small change costs.
// The last columns are a GET of both indexes, and a verdict on a version that has ten known vulnerabilities.
import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { startGokura } from "./gokura.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: { advisories: { type: "string", default: "5000,100000" }, help: { type: "boolean", default: false } },
});
if (values.help) {
  console.log(`usage: node bench/vulnerabilities.ts [--advisories 5000,100000]
  --advisories LIST  how many advisories the feeds have, one after the other`);
  process.exit(0);
}
/** Advisories about one module. */
const ABOUT_ONE = 10;
/** How often the server is asked whether it lives. */
const ASK_MS = 10;
/** As those of the public database have in the median. */
const DETAILS = "An attacker may do what the authors did not expect. ".repeat(40);

const idOf = (n: number): string => `GO-2026-${String(n).padStart(6, "0")}`;
const moduleOf = (n: number): string => `example.com/vulnerable/m${Math.floor(n / ABOUT_ONE)}`;

async function writeAdvisory(directory: string, n: number, modified: string): Promise<void> {
  const ranges = [
    { type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.5.0" }, { introduced: "1.6.0" }] },
    { type: "SEMVER", events: [{ introduced: "1.2.0" }, { fixed: "1.7.0" }] },
  ];
  const affected = [{ package: { name: moduleOf(n), ecosystem: "Go" }, ranges, ecosystem_specific: {} }];
  const about = { id: idOf(n), modified, published: modified, summary: "a fault", details: DETAILS };
  const osv = { schema_version: "1.3.1", ...about, affected, database_specific: { review_status: "REVIEWED" } };
  await writeFile(join(directory, "ID", `${idOf(n)}.json`), JSON.stringify(osv));
}

async function writeIndexes(directory: string, advisories: number, modified: string, changed?: string): Promise<void> {
  const vulns = Array.from({ length: advisories }, (_, n) => ({
    id: idOf(n),
    modified: n === 0 ? (changed ?? modified) : modified,
  }));
  const modules = [...Map.groupBy(vulns.keys(), moduleOf)].map(([path, of]) => ({
    path,
    vulns: of.map((n) => vulns[n]!),
  }));
  await writeFile(join(directory, "index/vulns.json"), JSON.stringify(vulns));
  await writeFile(join(directory, "index/modules.json"), JSON.stringify(modules));
  await writeFile(join(directory, "index/db.json"), JSON.stringify({ modified: changed ?? modified }));
}

const kilobytesOf = (pid: number, what: "VmHWM" | "VmRSS"): number =>
  Number(new RegExp(`^${what}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

/** Starts a server on the feed and waits until it has taken over that state of it. */
async function takenOver(data: string, feed: string, modified: string): Promise<string[]> {
  const running = await startGokura(data, { GOKURA_VULNDB: pathToFileURL(feed).href });
  try {
    const { pid } = running.target;
    const before = kilobytesOf(pid, "VmRSS");
    const start = performance.now();
    let longest = 0;
    for (;;) {
      const asked = performance.now();
      const { status } = await fetch(`${running.url}/-/health`);
      if (status !== 200) throw new Error(`liveness is ${status}`);
      longest = Math.max(longest, performance.now() - asked);
      const now = await fetch(`${running.url}/vulndb/index/db.json`).then(async (answer) =>
        answer.ok ? ((await answer.json()) as { modified: string }).modified : "",
      );
      if (now === modified) break;
      await setTimeout(ASK_MS);
    }
    const took = performance.now() - start;
    const grown = (kilobytesOf(pid, "VmHWM") - before) / 1024;
    const timed = async (path: string): Promise<number> => {
      const asked = performance.now();
      const answer = await fetch(`${running.url}${path}`);
      if (answer.status !== 200) throw new Error(`${path} is ${answer.status}`);
      await answer.arrayBuffer();
      return performance.now() - asked;
    };
    const indexes = (await timed("/vulndb/index/modules.json")) + (await timed("/vulndb/index/vulns.json"));
    const verdict = await timed(`/api/v4/policy_verdict?module=${moduleOf(0)}&version=v1.2.3`);
    return [
      ...[`${(took / 1000).toFixed(1)} s`, `+${grown.toFixed(0)} MB`, `${longest.toFixed(0)} ms`],
      ...[`${indexes.toFixed(0)} ms`, `${verdict.toFixed(0)} ms`],
    ];
  } finally {
    await running.stop();
  }
}

const rows = [["feed", "taken over", "memory", "longest wait", "both indexes", "a verdict"]];
for (const advisories of values.advisories.split(",").map(Number)) {
  const home = await mkdtemp(join(tmpdir(), "gokura-bench-vulnerabilities-"));
  await chmod(home, 0o755);
  const [data, feed] = [join(home, "data"), join(home, "feed")];
  try {
    for (const directory of ["ID", "index"]) await mkdir(join(feed, directory), { recursive: true });
    await mkdir(data);
    await chmod(data, 0o755);
    const first = "2026-01-01T00:00:00Z";
    for (let n = 0; n < advisories; n += 1_000)
      await Promise.all(
        Array.from({ length: Math.min(1_000, advisories - n) }, (_, more) => writeAdvisory(feed, n + more, first)),
      );
    await writeIndexes(feed, advisories, first);
    rows.push([`${advisories} advisories`, ...(await takenOver(data, feed, first))]);
    const second = "2026-01-02T00:00:00Z";
    await writeAdvisory(feed, 0, second);
    await writeIndexes(feed, advisories, first, second);
    rows.push([`${advisories}, one changed`, ...(await takenOver(data, feed, second))]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
printTable(rows);
