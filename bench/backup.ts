// Backups of a server under load, brought back elsewhere: pushes all the while, `gokura backup`, kill -9, `gokura restore --deep`
// into a new directory, a server on that, and a client with an empty module cache that downloads and verifies every version
// (`go mod download`, `go mod verify`) by the checksum database of the registry. Nothing acknowledged before the moment of the
// backup may be missing, and no byte may be another.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { freePort } from "../test/support/free-port.ts";
import { ADMIN_TOKEN, type RunningGokura, startGokura, stopChild } from "./gokura.ts";
import { printTable } from "./table.ts";

const run = promisify(execFile);
const MODULE = "gokura.bench/acme/lib";
const CHECKOUT = join(import.meta.dirname, "..");

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "10" },
    s3: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/backup.ts [--times 10] [--s3]
  --times N  how many backups are made and brought back
  --s3       into a bucket of versitygw, whose program the variable VERSITYGW names
Example: VERSITYGW=/usr/local/bin/versitygw node bench/backup.ts --times 2 --s3`);
  process.exit(0);
}
const parent = mkdtempSync(join(tmpdir(), "gokura-backup-"));
const rows: (string | number)[][] = [];
let failures = 0;

const git = (directory: string, ...args: string[]): Promise<unknown> =>
  run("git", ["-C", directory, "-c", "user.name=A", "-c", "user.email=a@example.com", ...args]);

async function gokura(settings: Record<string, string>, ...words: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: parent,
    GOKURA_UPSTREAM: "off",
    GOKURA_MODULE_HOST: "gokura.bench",
    ...settings,
  };
  const { stdout } = await run(process.execPath, ["bin/gokura.js", ...words], { cwd: CHECKOUT, env, maxBuffer: 1e8 });
  return stdout;
}

/** A client that has nothing: fetches these versions and verifies them by the registry's own database. */
async function verify({ url }: RunningGokura, key: string, versions: readonly string[]): Promise<void> {
  const home = mkdtempSync(join(parent, "client-"));
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: home, GOPATH: join(home, "go"), GOFLAGS: "-modcacherw" },
    ...{ GOPROXY: `${url}/api/v4/packages/go`, GOSUMDB: `${key} ${url}/sumdb`, GOTOOLCHAIN: "local" },
  };
  for (const version of versions) {
    const directory = join(home, version);
    mkdirSync(directory);
    writeFileSync(join(directory, "go.mod"), `module example.com/client\n\ngo 1.21\n\nrequire ${MODULE} ${version}\n`);
    await run("go", ["mod", "download", MODULE], { cwd: directory, env });
    await run("go", ["mod", "verify"], { cwd: directory, env });
  }
  rmSync(home, { recursive: true, force: true });
}

async function once(n: number, target: string, s3: Record<string, string>): Promise<void> {
  const data = join(parent, `data-${n}`);
  const again = join(parent, `again-${n}`);
  const server = await startGokura(data);
  const work = mkdtempSync(join(parent, "work-"));
  await git(work, "init", "--quiet", "--initial-branch", "main");
  await gokura({ GOKURA_DATA_DIR: data }, "group", "create", "acme", "--visibility", "public");
  await gokura({ GOKURA_DATA_DIR: data }, "project", "create", "acme/lib", "--visibility", "public");
  await git(
    work,
    "remote",
    "add",
    "origin",
    server.url.replace("://", `://root:${ADMIN_TOKEN}@`).concat("/acme/lib.git"),
  );
  const acknowledged: { version: string; at: number }[] = [];
  let pushing = true;
  const pushes = (async () => {
    for (let v = 0; pushing; v++) {
      const version = `v1.0.${v}`;
      writeFileSync(join(work, "go.mod"), `module ${MODULE}\n\ngo 1.21\n`);
      writeFileSync(join(work, "a.go"), `package lib // ${version}\n`);
      await git(work, "add", ".");
      await git(work, "commit", "--quiet", "--message", version);
      await git(work, "tag", version);
      await git(work, "push", "--quiet", "origin", "main", version);
      acknowledged.push({ version, at: Date.now() });
    }
  })();
  while (acknowledged.length < 5) await delay(50);
  const began = Date.now();
  const report = JSON.parse(await gokura({ GOKURA_DATA_DIR: data, ...s3 }, "backup", target, "--json"));
  const seconds = (Date.now() - began) / 1000;
  pushing = false;
  await pushes;
  process.kill(server.target.pid, "SIGKILL");
  const restored = JSON.parse(
    await gokura({ GOKURA_DATA_DIR: again, ...s3 }, "restore", target, "--data-dir", again, "--deep", "--json"),
  );
  const back = await startGokura(again);
  try {
    const before = acknowledged.filter(({ at }) => at < Date.parse(report.moment)).map(({ version }) => version);
    const list = await (await fetch(`${back.url}/api/v4/packages/go/${MODULE}/@v/list`)).text();
    const there = list.split("\n").filter(Boolean);
    const lost = before.filter((version) => !there.includes(version));
    const key = (await gokura({ GOKURA_DATA_DIR: again }, "sumdb", "key")).trim();
    await verify(back, key, there);
    if (lost.length > 0 || restored.problems > 0) failures++;
    rows.push([
      n,
      acknowledged.length,
      before.length,
      there.length,
      lost.length,
      restored.problems,
      seconds.toFixed(1),
      report.files,
    ]);
  } finally {
    await back.stop();
    for (const directory of [data, again, work]) rmSync(directory, { recursive: true, force: true });
  }
}

const gateway = values.s3 ? await startGateway() : undefined;
try {
  for (let n = 1; n <= Number(values.times); n++)
    await once(n, gateway ? `s3://modules/backup-${n}` : join(parent, `target-${n}`), gateway?.settings ?? {});
} finally {
  if (gateway) await stopChild(gateway.child);
  rmSync(parent, { recursive: true, force: true });
}
printTable([
  ["run", "pushed", "before the moment", "restored and verified", "lost", "problems", "seconds of the backup", "files"],
  ...rows.map((row) => row.map(String)),
]);
console.log(failures === 0 ? "nothing lost, no byte another" : `${failures} runs lost something`);
process.exitCode = failures === 0 ? 0 : 1;

async function startGateway() {
  const port = await freePort();
  const buckets = join(parent, "buckets");
  mkdirSync(join(buckets, "modules"), { recursive: true });
  const child = spawn(
    process.env.VERSITYGW ?? "versitygw",
    ["--port", `127.0.0.1:${port}`, "--quiet", "posix", buckets],
    {
      env: { ROOT_ACCESS_KEY: "key", ROOT_SECRET_KEY: "secret-of-the-bench", PATH: process.env.PATH ?? "" },
      stdio: "ignore",
    },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(endpoint).then(
      () => true,
      () => false,
    ))
  )
    await delay(50);
  const settings = {
    GOKURA_BACKUP_S3_ENDPOINT: endpoint,
    GOKURA_BACKUP_S3_ACCESS_KEY_ID: "key",
    GOKURA_BACKUP_S3_SECRET_ACCESS_KEY: "secret-of-the-bench",
  };
  return { child, settings };
}
