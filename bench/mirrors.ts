// node bench/mirrors.ts: what mirrors cost. A server with its embedded PostgreSQL, and git's own http-backend over TLS on
// loopback with a repository for each mirror. Figures:
//
//   at rest     requests and processor time of the server for a look that finds nothing new, and what 200 mirrors then cost in
//               an hour that look every six hours (nothing changes), or every five minutes (--interval 5m)
//   a new tag   from the tag at the remote to the version in the list: with a hook, and without one for a client that asks
//
// The processor time is that of the server's threads; its PostgreSQL and the git server are not counted.
import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { runningDatabaseUrl } from "../src/database/running-database.ts";
import { ensureSelfSigned } from "../src/http/self-signed-certificate.ts";
import { ADMIN_TOKEN, startGokura } from "./gokura.ts";
import { processorTime } from "./measure.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: { mirrors: { type: "string", default: "200" }, help: { type: "boolean", default: false } },
});
if (values.help) {
  console.log(`usage: node bench/mirrors.ts [--mirrors 200]
  --mirrors N  how many projects follow a remote repository`);
  process.exit(0);
}
const MIRRORS = Number(values.mirrors);
const ROUNDS = 5;

const home = mkdtempSync(join(tmpdir(), "gokura-mirrors-"));
const repositories = join(home, "repositories");
mkdirSync(repositories);
mkdirSync(join(home, "tls"));
const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { encoding: "utf8" });
const { cert, key } = await ensureSelfSigned(join(home, "tls"), ["127.0.0.1"]);
const caFile = join(home, "ca.pem");
writeFileSync(caFile, cert);
let requests = 0;
const remote = https.createServer({ cert, key }, (req, res) => {
  requests++;
  const { pathname, search } = new URL(req.url!, "https://x");
  const backend = spawn("git", ["http-backend"], {
    env: {
      ...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: repositories, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: pathname },
      ...{ QUERY_STRING: search.slice(1), REQUEST_METHOD: req.method, CONTENT_TYPE: req.headers["content-type"] ?? "" },
      HTTP_CONTENT_ENCODING: req.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(req.headers["git-protocol"] ?? ""),
    },
  });
  req.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.once("close", () => {
    const said = Buffer.concat(chunks);
    const end = said.indexOf("\r\n\r\n");
    for (const line of said.subarray(0, end).toString("latin1").split("\r\n")) {
      const [name = "", value = ""] = line.split(/: (.*)/s);
      if (name === "Status") res.statusCode = Number(value.slice(0, 3));
      else res.setHeader(name, value);
    }
    res.end(said.subarray(end + 4));
  });
});
await new Promise<void>((done) => remote.listen(0, "127.0.0.1", done));
const origin = `https://127.0.0.1:${(remote.address() as AddressInfo).port}`;

const bare = join(repositories, "m0.git");
git("init", "-q", "--bare", "--initial-branch=main", bare);
const tag = (name: string): void => {
  const blob = execFileSync("git", ["-C", bare, "hash-object", "-w", "--stdin"], {
    input: `module gokura.bench/root/m0\n// ${name}\n`,
  });
  const tree = execFileSync("git", ["-C", bare, "mktree"], { input: `100644 blob ${String(blob).trim()}\tgo.mod\n` });
  const commit = git("-C", bare, "commit-tree", "-m", name, String(tree).trim()).trim();
  git("-C", bare, "update-ref", "refs/heads/main", commit);
  git("-C", bare, "tag", name, commit);
};
tag("v1.0.0");
for (let n = 1; n < MIRRORS; n++) git("clone", "-q", "--bare", bare, join(repositories, `m${n}.git`));

const data = join(home, "data");
mkdirSync(data);
const gokura = await startGokura(data, {
  GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
  GOKURA_UPSTREAM_CA_FILE: caFile,
});
const headers = { "private-token": ADMIN_TOKEN, "content-type": "application/json" };
const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> =>
  (
    await fetch(`${gokura.url}${path}`, { method, headers, body: body === undefined ? null : JSON.stringify(body) })
  ).json() as never;
for (let n = 0; n < MIRRORS; n++)
  await call("POST", "/api/v4/projects", { path: `m${n}`, mirror: true, import_url: `${origin}/m${n}.git` });
const database = new pg.Client(runningDatabaseUrl(data)!);
await database.connect();
const count = async (condition: string): Promise<number> =>
  (await database.query(`SELECT count(*)::int AS n FROM mirror WHERE ${condition}`)).rows[0].n;
while ((await count("looked_at IS NULL OR look_started_at IS NOT NULL")) > 0) await delay(200);
await delay(3_000);

const looks = MIRRORS * ROUNDS;
requests = 0;
const before = processorTime(gokura.target.pid);
for (let round = 0; round < ROUNDS; round++) {
  const { now } = (await database.query("UPDATE mirror SET next_look_at = now() RETURNING now() AS now")).rows[0];
  while ((await count(`looked_at < '${now.toISOString()}' OR look_started_at IS NOT NULL`)) > 0) await delay(100);
}
const perLook = (processorTime(gokura.target.pid) - before) / looks / 1_000_000;
const perHour = (seconds: number): string[] => {
  const hourly = (MIRRORS * 3600) / seconds;
  const cpu = hourly * perLook;
  return [String(Math.round((hourly * requests) / looks)), cpu.toFixed(1), `${((cpu / 3600) * 100).toFixed(3)} %`];
};
console.log(
  `a look that finds nothing new: ${(requests / looks).toFixed(1)} requests, ${(perLook * 1000).toFixed(1)} ms\n`,
);
printTable([
  [`${MIRRORS} mirrors at rest, an hour`, "requests", "CPU seconds", "of a core"],
  ["every six hours", ...perHour(6 * 3600)],
  ["every five minutes", ...perHour(300)],
]);

const { data: made } = (await call("POST", "/api/graphql", {
  query: `mutation { mirrorDelete(input: { projectPath: "root/m0" }) { errors }
    mirrorCreate(input: { projectPath: "root/m0", url: "${origin}/m0.git" }) { hookSecret mirror { hookUrl } } }`,
})) as { data: { mirrorCreate: { hookSecret: string; mirror: { hookUrl: string } } } };
const { hookSecret, mirror } = made.mirrorCreate;
const list = `${gokura.url}/api/v4/projects/root%2Fm0/packages/go/gokura.bench/root/m0/@v/list`;
const until = async (version: string): Promise<number> => {
  const begun = performance.now();
  for (;;) {
    if ((await (await fetch(list, { headers })).text()).includes(`${version}\n`)) return performance.now() - begun;
    await delay(10);
  }
};
await until("v1.0.0");
const withHook: number[] = [];
const withoutHook: number[] = [];
for (let n = 1; n <= 5; n++) {
  await delay(11_000);
  tag(`v1.${n}.0`);
  const body = "{}";
  const signature = `sha256=${createHmac("sha256", hookSecret).update(body).digest("hex")}`;
  const sent = { "x-github-event": "create", "x-hub-signature-256": signature };
  const answered = await fetch(mirror.hookUrl, { method: "POST", body, headers: sent });
  if (answered.status !== 202) throw new Error(`the hook was answered with ${answered.status}`);
  withHook.push(await until(`v1.${n}.0`));
  await delay(11_000);
  tag(`v1.${n + 10}.0`);
  withoutHook.push(await until(`v1.${n + 10}.0`));
}
const median = (times: number[]): string => `${Math.round(times.sort((a, b) => a - b)[2]!)} ms`;
console.log(`\nfrom a tag to a version: ${median(withHook)} with a hook, ${median(withoutHook)} when a client asks`);

await database.end();
await gokura.stop();
remote.closeAllConnections();
remote.close();
rmSync(home, { recursive: true, force: true });
