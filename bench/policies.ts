// node bench/policies.ts: how soon a change of rules is in force when much is stored, on a server as `npm start` runs it. A
// verdict is worked out when a version is asked for and is stored nowhere, so that the change has nothing to do anew; what it
// costs is that every answer in memory is asked of the rules once more. So: answers are made hot, a rule is made by REST that
// refuses all of them, and the time until the last of them is refused is taken on the wall; and back.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { runningDatabaseUrl } from "../src/database/running-database.ts";
import { ADMIN_TOKEN } from "./gokura.ts";
import { sizeOf } from "./graphql/seed.ts";
import { seeded } from "./seeded.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    versions: { type: "string", default: "1000,1000000" },
    hot: { type: "string", default: "500" },
    times: { type: "string", default: "10" },
    keep: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/policies.ts [--versions 1000,1000000] [--hot 500] [--times 10] [--keep DIRECTORY]
  --versions LIST   sizes of the registries
  --hot N           answers that are in memory when the rules change
  --times N         how often a rule comes and goes
  --keep DIRECTORY  where the registries stay, to be used again (that of bench/pages.ts will do)`);
  process.exit(0);
}
const HOT = Number(values.hot);
const TIMES = Number(values.times);
const AT_ONCE = 20;

async function measured(versions: number): Promise<string[]> {
  const size = sizeOf(versions);
  const data = join(directory, `of-${size.versions}`);
  const running = await seeded(data, size, { GOKURA_UPSTREAM: "off" });
  try {
    const paths = await storedGoMods(data);
    const ask = (path: string): Promise<number> => statusOf(`${running.url}/api/v4/packages/go/${path}`);
    const answers = async (status: number): Promise<void> => {
      for (let from = 0; from < paths.length; from += AT_ONCE)
        for (const found of await Promise.all(paths.slice(from, from + AT_ONCE).map(ask)))
          if (found !== status) throw new Error(`${found}, and not ${status}`);
    };
    await answers(200);
    await answers(200);
    const [made, denied, removed, back]: number[][] = [[], [], [], []];
    for (let n = 0; n < TIMES; n++) {
      const start = performance.now();
      const id = await makeRule(running.url);
      made!.push(performance.now() - start);
      await answers(403);
      denied!.push(performance.now() - start);
      const end = performance.now();
      await call(running.url, `policies/${id}`, { method: "DELETE" });
      removed!.push(performance.now() - end);
      await answers(200);
      back!.push(performance.now() - end);
    }
    return [String(versions), String(paths.length), ...[made!, denied!, removed!, back!].map(median)];
  } finally {
    await running.stop();
  }
}

/** Paths of go.mod files of modules from upstream that are stored. */
async function storedGoMods(data: string): Promise<string[]> {
  const url = runningDatabaseUrl(data);
  if (url === undefined) throw new Error("the embedded PostgreSQL does not run");
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ path: string; version: string }>(
      `SELECT m.path, v.version FROM module m CROSS JOIN LATERAL (
          SELECT version FROM module_version WHERE module_id = m.id AND go_mod IS NOT NULL ORDER BY id LIMIT 1) AS v
        WHERE m.origin = 'UPSTREAM' ORDER BY m.id LIMIT $1`,
      [HOT],
    );
    return rows.map(({ path, version }) => `${path}/@v/${version}.mod`);
  } finally {
    await client.end();
  }
}

async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  await answer.arrayBuffer();
  return answer.status;
}

async function call(url: string, path: string, options: RequestInit): Promise<Response> {
  const headers = { "content-type": "application/json", "private-token": ADMIN_TOKEN };
  const answer = await fetch(`${url}/api/v4/${path}`, { ...options, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function makeRule(url: string): Promise<number> {
  const body = JSON.stringify({ pattern: "*", action: "deny", reason: "bench" });
  return ((await (await call(url, "policies", { method: "POST", body })).json()) as { id: number }).id;
}

function median(taken: readonly number[]): string {
  const sorted = taken.toSorted((a, b) => a - b);
  return `${sorted[Math.floor(sorted.length / 2)]!.toFixed(0)} ms`;
}

const rows: string[][] = [
  ["versions", "hot answers", "rule made", "all refused after", "rule removed", "all back after"],
];
const directory = values.keep ?? mkdtempSync(join(tmpdir(), "gokura-bench-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
try {
  for (const versions of values.versions.split(",")) rows.push(await measured(Number(versions)));
} finally {
  if (values.keep === undefined) rmSync(directory, { recursive: true, force: true });
}
printTable(rows);
