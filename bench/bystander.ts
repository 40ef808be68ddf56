// What somebody waits for whom another one's herd is in the way of: one user asks one thing after the other, first alone, then while
// another user asks for the same kind of thing on many connections at once. Its 99th percentile shall be at most twice what it
// was alone. Four kinds: zips that are to be made, modules that upstream has (20 ms away), queries of GraphQL, and what git
// clients ask first.
//
// Both are measured in rounds by turns, so that what else the machine does is in both. Time on the wall is the subject here.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ADMIN_TOKEN, startGokura } from "./gokura.ts";
import { startEndlessUpstream } from "./proxy/endless-upstream.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "32" },
    asks: { type: "string", default: "60" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/bystander.ts [--connections 32] [--asks 60] [--only zips]
  --connections N  on how many connections the herd asks
  --asks N         how often the bystander asks, alone and beside the herd
  --only KIND      one kind alone: zips, upstream, queries or git`);
  process.exit(0);
}
const CONNECTIONS = Number(values.connections);
const ASKS = Number(values.asks);
const ROUNDS = 3;
const UPSTREAM_MS = 20;
/** Tags of each of the two projects. Zips of the newest are made before anybody asks. */
const TAGS = 1_500;
const FILES = 40;

interface Kind {
  readonly name: string;
  /** A request that nobody made before, of one of the two. */
  readonly ask: (who: "herd" | "bystander", n: number) => Promise<unknown>;
}

const parent = mkdtempSync(join(tmpdir(), "gokura-bystander-"));
const upstream = await startEndlessUpstream(UPSTREAM_MS);
const server = await startGokura(join(parent, "data"), {
  GOKURA_UPSTREAM: upstream.url,
  GOKURA_UPSTREAM_VERIFY: "off",
  GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
});
const agents = {
  herd: new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS }),
  bystander: new http.Agent({ keepAlive: true }),
};
const tokens = { herd: "", bystander: "" };
const counts = { herd: 0, bystander: 0 };

try {
  for (const who of ["herd", "bystander"] as const) tokens[who] = await userWithProject(who);
  const kinds: readonly Kind[] = [
    {
      name: "zips",
      ask: (who, n) => get(who, `/api/v4/packages/go/gokura.bench/${who}/lib/@v/v1.0.${n % TAGS}.zip`),
    },
    {
      name: "upstream",
      ask: (who, n) => get(who, `/api/v4/packages/go/example.com/${who}/m${n}/@v/v1.0.0.zip`),
    },
    {
      name: "queries",
      ask: (who) =>
        send(who, "POST", "/api/graphql", {
          query:
            "{ goModules(first: 20) { nodes { path versions(first: 40) { nodes { version time goMod { text } } } } } }",
        }),
    },
    { name: "git", ask: (who) => get(who, `/${who}/lib.git/info/refs?service=git-upload-pack`) },
  ];
  const rows: string[][] = [["", "alone p50", "p99", "with the herd p50", "p99", "p99 times", "herd, a second"]];
  let worst = 0;
  for (const { name, ask } of kinds.filter((kind) => values.only === undefined || kind.name === values.only)) {
    const [alone, beside]: [number[], number[]] = [[], []];
    let [herd, seconds] = [0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(...(await asks(ask)));
      let running = true;
      const began = performance.now();
      const all = Array.from({ length: CONNECTIONS }, async () => {
        while (running) {
          await ask("herd", counts.herd++);
          herd++;
        }
      });
      await delay(500);
      beside.push(...(await asks(ask)));
      running = false;
      await Promise.all(all);
      seconds += (performance.now() - began) / 1000;
    }
    const times = quantile(beside, 0.99) / quantile(alone, 0.99);
    worst = Math.max(worst, times);
    rows.push([
      name,
      ...[quantile(alone, 0.5), quantile(alone, 0.99), quantile(beside, 0.5), quantile(beside, 0.99)].map((ms) =>
        ms.toFixed(1),
      ),
      times.toFixed(2),
      (herd / seconds).toFixed(0),
    ]);
  }
  console.log(`milliseconds; ${CONNECTIONS} connections of the herd, ${ROUNDS} rounds of ${ASKS / ROUNDS} asks`);
  printTable(rows);
  console.log(worst <= 2 ? "holds: at most twice" : "does not hold: more than twice");
} finally {
  for (const agent of Object.values(agents)) agent.destroy();
  await server.stop();
  upstream.close();
  rmSync(parent, { recursive: true, force: true });
}

/** How long each of some requests of the bystander takes, one after the other, in milliseconds. */
async function asks(ask: Kind["ask"]): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < ASKS / ROUNDS; n++) {
    const began = performance.now();
    await ask("bystander", counts.bystander++);
    found.push(performance.now() - began);
  }
  return found;
}

function quantile(numbers: readonly number[], part: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))]!;
}

function get(who: "herd" | "bystander", path: string): Promise<unknown> {
  return send(who, "GET", path);
}

function send(
  who: "herd" | "bystander" | undefined,
  method: string,
  path: string,
  body?: object,
  token?: string,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const auth = Buffer.from(`any:${token ?? tokens[who!]}`).toString("base64");
  const text = body && JSON.stringify(body);
  const headers = {
    authorization: `Basic ${auth}`,
    ...(text === undefined
      ? {}
      : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
  };
  const options = { method, headers, ...(who && { agent: agents[who] }) };
  const request = http.request(`${server.url}${path}`, options, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () => {
      const answer = Buffer.concat(chunks).toString("utf8");
      if (response.statusCode! < 300) resolve(answer);
      else reject(new Error(`${method} ${path}: ${response.statusCode} ${answer.slice(0, 200)}`));
    });
  });
  request.on("error", reject);
  request.end(text);
  return promise;
}

/** Makes a user with a project of many tags, and returns a token of the user. */
async function userWithProject(who: "herd" | "bystander"): Promise<string> {
  const asRoot = (path: string, body: object): Promise<string> => send(undefined, "POST", path, body, ADMIN_TOKEN);
  const { id } = JSON.parse(await asRoot("/api/v4/users", { name: who, username: who, email: `${who}@example.com` }));
  const made = await asRoot(`/api/v4/users/${id}/personal_access_tokens`, {
    name: "bench",
    scopes: ["api", "write_repository"],
  });
  const { token } = JSON.parse(made);
  const directory = join(parent, who);
  const git = (args: readonly string[], input?: string): void => {
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
      ...{ stdio: ["pipe", "ignore", "inherit"] as const, env: { PATH: process.env.PATH, HOME: parent } },
      ...(input === undefined ? {} : { input }),
    });
  };
  git(["init", "--quiet", "--initial-branch", "main", directory]);
  writeFileSync(join(directory, "go.mod"), `module gokura.bench/${who}/lib\n`);
  for (let n = 0; n < FILES; n++)
    writeFileSync(join(directory, `f${n}.go`), `package lib\n\n${`// ${who} ${n} ${"x".repeat(70)}\n`.repeat(40)}`);
  git(["-C", directory, "add", "."]);
  git(["-C", directory, "commit", "--quiet", "--message", "all"]);
  const tags = Array.from({ length: TAGS }, (_, n) => `create refs/tags/v1.0.${n} HEAD\n`).join("");
  const head = execFileSync("git", ["-C", directory, "rev-parse", "HEAD"], { encoding: "utf8" }).trim();
  git(["-C", directory, "update-ref", "--stdin"], tags.replaceAll("HEAD", head));
  const remote = server.url.replace("://", `://any:${token}@`).concat(`/${who}/lib.git`);
  for (const what of ["--all", "--tags"]) git(["-C", directory, "push", "--quiet", remote, what]);
  tokens[who] = token;
  // Until all are versions.
  for (;;) {
    const list = await send(who, "GET", `/api/v4/packages/go/gokura.bench/${who}/lib/@v/list`).catch(() => "");
    if (list.split("\n").length > TAGS) return token;
    await delay(200);
  }
}
