// npm run bench: what an answer of the Go endpoint costs, in microseconds of processor time of the whole server process
// (user and system, from the scheduler's accounting), beside a bare node:http server that answers the very same bytes. Time on the wall
// would say as much about the machine and its other guests; processor time says what the code costs.
//
// A server as `npm start` runs it, on its embedded PostgreSQL in a temporary directory; one public project with one module,
// pushed by git; keep-alive connections that each ask again as soon as they are answered. Every answer is asked for once
// before it is measured, so all of them are hits. The smallest of some rounds counts: the others were disturbed.
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ADMIN_TOKEN, startGokura, stopChild } from "./gokura.ts";
import { costOfAnswer, memoryOf, type Target } from "./measure.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "16" },
    milliseconds: { type: "string", default: "700" },
    rounds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
    reference: { type: "boolean", default: false }, // of ourselves, see serveReference()
  },
});
if (values.help) {
  console.log(`usage: npm run bench -- [--connections 16] [--milliseconds 700] [--rounds 3]
  --connections N   keep-alive connections that ask at the same time
  --milliseconds N  how long each answer is asked for in a round
  --rounds N        the smallest figure of so many rounds counts
What else is measured: npm run bench -- faults --help, npm run bench -- servers --help, and node bench/NAME.ts --help`);
  process.exit(0);
}
const CONNECTIONS = Number(values.connections);
const MILLISECONDS = Number(values.milliseconds);
const ROUNDS = Number(values.rounds);

const MODULE = "gokura.bench/root/lib";
const BASE = "/api/v4/projects/root%2Flib/packages/go";
const ZIP_BYTES = 100_000;
const TAGS = 20;

const PATHS = {
  ".info": `${BASE}/${MODULE}/@v/v1.0.0.info`,
  ".mod": `${BASE}/${MODULE}/@v/v1.0.0.mod`,
  list: `${BASE}/${MODULE}/@v/list`,
  "@latest": `${BASE}/${MODULE}/@latest`,
  "zip, 100 kB": `${BASE}/${MODULE}/@v/v1.0.0.zip`,
};

interface Answer {
  readonly path: string;
  readonly headers: string[];
  readonly body: Buffer;
}

// ---- the reference -------------------------------------------------------------------------------------------------

/** The floor: node:http, headers and body ready in memory, nothing looked at but the path. */
function serveReference(): void {
  process.once("message", (sent: { path: string; headers: string[]; body: string }[]) => {
    const answers = new Map(
      sent.map(({ path, headers, body }) => [path, { headers, body: Buffer.from(body, "base64") }]),
    );
    const server = http.createServer((req, res) => {
      const { headers, body } = answers.get(req.url!)!;
      res.writeHead(200, headers);
      res.end(body);
    });
    server.listen(0, "127.0.0.1", () => process.send!((server.address() as net.AddressInfo).port));
  });
}

async function startReference(answers: readonly Answer[]): Promise<{ child: ChildProcess; target: Target }> {
  const child = fork(new URL(import.meta.url).pathname, ["--reference"]);
  child.send(answers.map(({ body, ...rest }) => ({ ...rest, body: body.toString("base64") })));
  const [port] = (await once(child, "message")) as [number];
  return { child, target: { pid: child.pid!, port } };
}

// ---- the server ----------------------------------------------------------------------------------------------------

function pushModule(directory: string, url: string): void {
  const repository = join(directory, "repository");
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", repository, ...words], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env.PATH ?? "",
        HOME: directory,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "b",
        GIT_AUTHOR_EMAIL: "b@example.com",
        GIT_COMMITTER_NAME: "b",
        GIT_COMMITTER_EMAIL: "b@example.com",
      },
    });
  mkdirSync(repository);
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(join(repository, "go.mod"), `module ${MODULE}\n\ngo 1.21\n\nrequire golang.org/x/mod v0.20.0\n`);
  writeFileSync(join(repository, "lib.go"), "package lib\n");
  writeFileSync(join(repository, "data.bin"), randomBytes(ZIP_BYTES));
  git("add", ".");
  git("commit", "--quiet", "--message=bench");
  for (let n = 0; n < TAGS; n++) git("tag", `v1.${n}.0`);
  git("push", "--quiet", url.replace("://", `://bench:${ADMIN_TOKEN}@`).concat("/root/lib.git"), "main", "--tags");
}

/** Asks until the answer is there and settled. */
async function answerOf(url: string, path: string): Promise<Answer> {
  for (let patience = 100; ; patience--) {
    const response = await fetch(`${url}${path}`);
    const body = Buffer.from(await response.arrayBuffer());
    if (response.status === 200) {
      const kept = ["content-type", "content-length", "etag", "cache-control", "x-content-type-options"];
      return { path, body, headers: kept.flatMap((name) => [name, response.headers.get(name) ?? ""]) };
    }
    if (patience === 0) throw new Error(`${path} answers ${response.status}: ${body}`);
    await delay(100);
  }
}

async function makePublic(url: string): Promise<void> {
  const query = `mutation { a: groupUpdate(input: { fullPath: "root", visibility: PUBLIC }) { errors }
    b: projectUpdate(input: { fullPath: "root/lib", visibility: PUBLIC }) { errors } }`;
  const response = await fetch(`${url}/api/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${ADMIN_TOKEN}` },
    body: JSON.stringify({ query }),
  });
  const text = await response.text();
  if (!response.ok || /"errors":\[[^\]]/.test(text)) throw new Error(`cannot make the project public: ${text}`);
}

// ---- the run -------------------------------------------------------------------------------------------------------

async function run(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "gokura-bench-"));
  chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
  const stops: (() => Promise<void>)[] = [];
  try {
    const gokura = await startGokura(join(directory, "data"));
    stops.push(gokura.stop);
    const atRest = memoryOf(gokura.target.pid);
    pushModule(directory, gokura.url);
    await makePublic(gokura.url);
    const answers = [];
    for (const path of Object.values(PATHS)) answers.push(await answerOf(gokura.url, path));
    const reference = await startReference(answers);
    stops.push(() => stopChild(reference.child));

    const smallest = new Map<string, [plain: number, withToken: number, floor: number]>();
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, path] of Object.entries(PATHS)) {
        const found = smallest.get(name) ?? [Infinity, Infinity, Infinity];
        smallest.set(name, [
          Math.min(found[0], await costOfAnswer(gokura.target, path, CONNECTIONS, MILLISECONDS)),
          Math.min(found[1], await costOfAnswer(gokura.target, path, CONNECTIONS, MILLISECONDS, ADMIN_TOKEN)),
          Math.min(found[2], await costOfAnswer(reference.target, path, CONNECTIONS, MILLISECONDS)),
        ]);
      }
    print(answers, smallest);
    console.log(
      `\nmemory of the server: ${atRest.toFixed(0)} MB at rest, ${memoryOf(gokura.target.pid).toFixed(0)} MB now (resident)`,
    );
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function print(answers: readonly Answer[], smallest: ReadonlyMap<string, readonly [number, number, number]>): void {
  console.log(
    `microseconds of processor time for each answer, ${CONNECTIONS} keep-alive connections, smallest of ${ROUNDS} rounds\n`,
  );
  const rows = [["answer", "bytes", "gokura", "with token", "node:http", "ratio", "with token"]];
  for (const [n, [name, [plain, withToken, floor]]] of [...smallest].entries())
    rows.push([
      name,
      String(answers[n]!.body.length),
      plain.toFixed(1),
      withToken.toFixed(1),
      floor.toFixed(1),
      (plain / floor).toFixed(2),
      (withToken / floor).toFixed(2),
    ]);
  printTable(rows);
}

if (values.reference) serveReference();
else await run();
