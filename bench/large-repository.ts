// node bench/large-repository.ts: what a repository costs that is large. It is made by git fast-import into one pack of the
// server's repository: as many commits as tags, each with a go.mod of its own, every second tag annotated, and as many of them
// with a megabyte that cannot be compressed as the gigabytes asked for have. Two things are measured, of a server as `npm start`
// runs it, on its embedded PostgreSQL:
//
//   all at once   a mark says that a push was not recorded, as a crash leaves it, and so the next push records and indexes every
//                 tag: how long that takes, and the most memory meanwhile, as proportional set size
//   one more tag  a branch and a tag are pushed over HTTP, by turns into the server and into a bare repository on a path of the
//                 same machine, which has the same packs and the same fsync: the time of the client from its start to its end,
//                 by when the version is there, and of it what the server took to answer (gokura_http_request_seconds)
//
// A client of so many refs takes its time as well, for whichever server: it reads them all.
import { execFileSync, spawn } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { runningDatabaseUrl } from "../src/database/running-database.ts";
import { repositoryKey } from "../src/storage/object-keys.ts";
import { ADMIN_TOKEN, type RunningGokura, startGokura } from "./gokura.ts";
import { type Memory, memoryOfAll } from "./process-tree.ts";
import { idle } from "./seeded.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    tags: { type: "string", default: "50000" },
    gigabytes: { type: "string", default: "2" },
    pushes: { type: "string", default: "9" },
    checkout: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/large-repository.ts [--tags 50000] [--gigabytes 2] [--pushes 9] [--checkout DIRECTORY]
  --tags N        tags of the repository, each on a commit of its own
  --gigabytes N   bytes of its history that cannot be compressed; 0 for none
  --pushes N      how often one more tag is pushed, 0 for never
  --checkout D    measure the code in another checkout
Example: node bench/large-repository.ts --tags 100000 --gigabytes 0 --pushes 0`);
  process.exit(0);
}
const TAGS = Number(values.tags);
const MEGABYTES = Math.round(Number(values.gigabytes) * 1000);
const PUSHES = Number(values.pushes);
const MODULE = "gokura.bench/root/large";
const MEGABYTE = Buffer.alloc(1_000_000);
const LOOK_MS = 100;
/** A history of so long ago that nothing is made of it in the future. */
const BEGINNING = 1_600_000_000;

const tagOf = (n: number): string => `v1.${Math.floor(n / 100)}.${n % 100}`;

/** Adds commits and tags to what a bare repository has, in one pack. */
async function grow(directory: string): Promise<void> {
  const settings = ["-c", "core.compression=0", "-c", "fastimport.unpackLimit=0"];
  const git = spawn("git", [`--git-dir=${directory}`, ...settings, "fast-import", "--quiet", "--depth=0"], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const ended = once(git, "close");
  const write = async (bytes: string | Buffer): Promise<void> => {
    if (!git.stdin.write(bytes)) await once(git.stdin, "drain");
  };
  const person = (n: number): string => `B <b@example.com> ${BEGINNING + n * 60} +0000`;
  let megabytes = 0;
  for (let n = 0; n < TAGS; n++) {
    const goMod = `module ${MODULE}\n\ngo 1.21\n\nrequire (\n\texample.com/a v1.${n}.0\n\texample.com/b v0.0.${n} // indirect\n)\n`;
    await write(
      `commit refs/heads/main\nmark :${n + 1}\ncommitter ${person(n)}\ndata 1\nx\n` +
        (n === 0 ? "from refs/heads/main^0\n" : "") +
        `M 100644 inline go.mod\ndata ${goMod.length}\n${goMod}\n`,
    );
    for (; megabytes < (MEGABYTES * (n + 1)) / TAGS; megabytes++) {
      await write(`M 100644 inline data.bin\ndata ${MEGABYTE.length}\n`);
      await write(Buffer.concat([randomFillSync(MEGABYTE), Buffer.from("\n")]));
    }
    await write(
      n % 2 === 0
        ? `\nreset refs/tags/${tagOf(n)}\nfrom :${n + 1}\n\n`
        : `\ntag ${tagOf(n)}\nfrom :${n + 1}\ntagger ${person(n)}\ndata 1\nx\n`,
    );
  }
  git.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
  execFileSync("git", [`--git-dir=${directory}`, "pack-refs", "--all"]);
}

/** A clone that shares the objects of a repository: commits and tags are added and pushed from there. */
function clientOf(
  directory: string,
  client: string,
): { tag(name: string): void; push(to: string, tag: string): Promise<number> } {
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: client,
    GIT_CONFIG_NOSYSTEM: "1",
    ...Object.fromEntries(
      ["AUTHOR", "COMMITTER"].flatMap((who) => [
        [`GIT_${who}_NAME`, "b"],
        [`GIT_${who}_EMAIL`, "b@example.com"],
      ]),
    ),
  };
  const git = (words: readonly string[], input = ""): string =>
    execFileSync("git", ["-C", client, ...words], { env: environment, input, encoding: "utf8" }).trim();
  execFileSync("git", ["clone", "--quiet", "--bare", "--shared", directory, client], { stdio: "inherit" });
  return {
    tag(name) {
      const goMod = git(["hash-object", "-w", "--stdin"], `module ${MODULE}\n\ngo 1.21\n// ${name}\n`);
      const tree = git(["mktree"], `100644 blob ${goMod}\tgo.mod\n`);
      const commit = git(["commit-tree", "-p", "refs/heads/main", "-m", name, tree]);
      git(["update-ref", "refs/heads/main", commit]);
      git(["tag", name, commit]);
    },
    async push(to, tag) {
      const start = performance.now();
      const child = spawn("git", ["-C", client, "push", "--quiet", to, "main", tag], {
        env: environment,
        stdio: ["ignore", "inherit", "ignore"],
      });
      const [code] = await once(child, "close");
      if (code !== 0) throw new Error(`git push ended with ${code}`);
      return performance.now() - start;
    },
  };
}

/** The seconds that the server took to answer git, all together, and for tags to become versions. */
async function secondsOf(url: string): Promise<{ readonly answers: number; readonly indexing: number }> {
  const text = await (await fetch(`${url}/-/metrics`)).text();
  const of = (line: RegExp): number => Number(line.exec(text)?.[1] ?? 0);
  return {
    answers: of(/^gokura_http_request_seconds_sum\{[^}]*door="git"[^}]*\} (\S+)$/m),
    indexing: of(/^gokura_indexing_seconds_sum(?:\{[^}]*\})? (\S+)$/m),
  };
}

async function isThere(url: string, version: string): Promise<boolean> {
  const answer = await fetch(`${url}/api/v4/projects/root%2Flarge/packages/go/${MODULE}/@v/${version}.info`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  await answer.arrayBuffer();
  return answer.ok;
}

async function measured(gokura: RunningGokura, data: string, home: string): Promise<void> {
  const remote = `${gokura.url.replace("://", `://bench:${ADMIN_TOKEN}@`)}/root/large.git`;
  const first = join(home, "first");
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", first]);
  const commit = execFileSync(
    "git",
    [
      "-C",
      first,
      "-c",
      "user.name=b",
      "-c",
      "user.email=b@example.com",
      "commit-tree",
      "-m",
      "x",
      "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    ],
    { encoding: "utf8" },
  ).trim();
  execFileSync("git", ["-C", first, "update-ref", "refs/heads/main", commit]);
  execFileSync("git", ["-C", first, "push", "--quiet", remote, "main"]);
  const url = runningDatabaseUrl(data)!;
  const database = new pg.Client(url);
  await database.connect();
  try {
    const { id } = (await database.query("SELECT id FROM project")).rows[0];
    const directory = join(data, repositoryKey(id));
    console.error(`making ${TAGS} tags and ${MEGABYTES} MB`);
    await grow(directory);
    const client = clientOf(directory, join(home, "client"));

    console.error("all at once");
    await database.query("UPDATE project SET push_started_at = now()");
    await delay(1000);
    const before = memoryOfAll(gokura, data);
    const looks = [before];
    const timer = setInterval(() => looks.push(memoryOfAll(gokura, data)), LOOK_MS);
    const start = performance.now();
    client.tag("v2.0.0");
    await client.push(remote, "v2.0.0");
    const recorded = (performance.now() - start) / 1000;
    const waiting = "SELECT count(*)::int AS n FROM ref WHERE NOT indexed";
    while ((await database.query(waiting)).rows[0].n > 0) await delay(LOOK_MS);
    const seconds = (performance.now() - start) / 1000;
    clearInterval(timer);
    const { n } = (await database.query("SELECT count(*)::int AS n FROM module_version")).rows[0];
    if (n < TAGS) throw new Error(`${n} versions of ${TAGS} tags`);
    console.log(
      `${TAGS} tags at once: recorded after ${recorded.toFixed(1)} s, versions after ${seconds.toFixed(1)} s`,
    );
    const row = (name: string, of: (memory: Memory) => number): string[] => [
      ...[name, of(before).toFixed(0)],
      Math.max(...looks.map(of)).toFixed(0),
    ];
    printTable([
      ["memory, MB", "before", "at most"],
      row("the server itself", ({ server, children }) => server - children),
      row("its git processes, with what they read of packs", ({ children }) => children),
      row("both together", ({ server }) => server),
      row("PostgreSQL", ({ postgres }) => postgres),
    ]);
    if (PUSHES === 0) return;

    console.error("waiting until the server has nothing to do");
    await idle(url);
    const bare = join(home, "bare");
    execFileSync("cp", ["-al", directory, bare]); // packs do not change, and git writes refs beside and renames
    for (const setting of ["core.fsync=all", "core.fsyncMethod=batch", "receive.unpackLimit=1", "gc.auto=0"])
      execFileSync("git", ["-C", bare, "config", ...setting.split("=")]);
    const rows: Record<string, number[]> = { bare: [], whole: [], answers: [], indexing: [] };
    for (let n = 1; n <= PUSHES; n++) {
      const name = `v1.${TAGS}.${n}`;
      client.tag(name);
      rows.bare!.push(await client.push(bare, name));
      const earlier = await secondsOf(gokura.url);
      rows.whole!.push(await client.push(remote, name));
      if (!(await isThere(gokura.url, name))) throw new Error(`${name} is not there when its push has ended`);
      const { answers, indexing } = await secondsOf(gokura.url);
      rows.answers!.push((answers - earlier.answers) * 1000);
      rows.indexing!.push((indexing - earlier.indexing) * 1000);
    }
    const quartiles = (times: readonly number[]): string[] =>
      [0.25, 0.5, 0.75].map((part) => times.toSorted((a, b) => a - b)[Math.floor(times.length * part)]!.toFixed(0));
    console.log();
    printTable([
      [`one more tag, ms, of ${PUSHES}`, "first quartile", "median", "third"],
      ["git push into a bare repository on a path", ...quartiles(rows.bare!)],
      ["git push over HTTP, until it is a version", ...quartiles(rows.whole!)],
      ["  of which the server, three requests", ...quartiles(rows.answers!)],
      ["  of that, from the record to the version", ...quartiles(rows.indexing!)],
    ]);
  } finally {
    await database.end();
  }
}

const home = mkdtempSync(join(tmpdir(), "gokura-bench-large-"));
chmodSync(home, 0o755); // as root, PostgreSQL runs as another user
try {
  const data = join(home, "data");
  const gokura = await startGokura(data, {}, values.checkout);
  try {
    await measured(gokura, data, home);
  } finally {
    await gokura.stop();
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
