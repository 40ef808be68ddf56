// kill -9, and what is still true afterwards. A push that git was told about is a version for ever; one that was cut off has
// moved nothing.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { git as gitHere } from "../support/git-fixture.ts";
import { embeddedPid, processesOf, type ServingProcess, serveGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { packsOnTheirWay, pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { temporary } from "../support/temporary.ts";

const TOKEN = "administrator-token-of-the-tests";
const MODULE = "gokura.test/root/lib";
const GO = `/api/v4/projects/root%2Flib/packages/go/${MODULE}/@v`;

const get = (server: ServingProcess, path: string) => ask(server.url, `${GO}/${path}`, { headers: bearer(TOKEN) });

const listOf = (server: ServingProcess, wanted: string, withinMs = 5_000): Promise<string> =>
  eventually(
    async () => (await get(server, "list")).text,
    (text) => text === wanted,
    withinMs,
  );

test("nothing that was acknowledged is lost: server and database killed right after a push", async () => {
  const data = join(temporary("killed"), "data");
  const settings = { GOKURA_DATA_DIR: data, GOKURA_ADMIN_TOKEN: TOKEN, GOKURA_MODULE_HOST: "gokura.test" };
  const first = await serveGokura(settings);
  expect(first.stdout()).toContain("Its token is the one given by GOKURA_ADMIN_TOKEN.\n");
  expect(first.stdout() + first.stderr()).not.toContain(TOKEN);
  const pushed = await pushRecipe(remoteOf(first.url, "root/lib", TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" }));
  });
  process.kill(embeddedPid(data)!, "SIGKILL");
  await first.stop("SIGKILL");

  const second = await serveGokura(settings);
  expect(second.stdout()).toBe(`Gokura is at ${second.url}\n`);
  expect(await listOf(second, "v1.0.0\n")).toBe("v1.0.0\n");
  const zip = await get(second, "v1.0.0.zip");
  expect(zip.status).toBe(200);

  // once more, without a word to the database: its PostgreSQL lives on and is taken over
  pushed.change((r) => r.tag("v1.1.0", r.commit({ "b.go": "package lib\n" })));
  await gitHere(["-C", pushed.directory, "remote", "add", "again", remoteOf(second.url, "root/lib", TOKEN)]);
  expect((await tryGit(["-C", pushed.directory, "push", "again", "v1.1.0"])).status).toBe(0);
  await second.stop("SIGKILL");
  expect(embeddedPid(data)).toBeDefined();
  const third = await serveGokura(settings);
  expect(await listOf(third, "v1.0.0\nv1.1.0\n")).toBe("v1.0.0\nv1.1.0\n");
  expect((await get(third, "v1.0.0.zip")).bytes.equals(zip.bytes)).toBe(true);
  expect((await third.stop()).code).toBe(0);
  expect(processesOf(data)).toEqual([]);
});

test("a push that was cut off moved no ref and made no version, and can be pushed again", async () => {
  const data = temporary("cut");
  const settings = {
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: data,
    GOKURA_ADMIN_TOKEN: TOKEN,
    GOKURA_MODULE_HOST: "gokura.test",
  };
  const first = await serveGokura(settings);
  const pushed = await pushRecipe(remoteOf(first.url, "root/lib", TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n` }));
  });
  expect(await listOf(first, "v1.0.0\n")).toBe("v1.0.0\n");

  // The client sends through a door that lets a third of it pass and then nothing: the server is in the middle of it.
  pushed.change((r) => r.tag("v1.1.0", r.commit({ big: randomBytes(3_000_000) })));
  const door = await slowDoor(first.port, 1_000_000);
  const client = spawn(
    "git",
    ["-C", pushed.directory, "push", "--force", remoteOf(door.url, "root/lib", TOKEN), "main", "v1.1.0"],
    { stdio: "ignore", env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", GIT_TERMINAL_PROMPT: "0" } },
  );
  const exited = new Promise<number | null>((resolve) => client.once("exit", resolve));
  await door.stuck;
  await expect.poll(() => packsOnTheirWay(data), { timeout: 10_000 }).toHaveLength(1);
  await first.stop("SIGKILL");
  door.close();
  expect(await exited).not.toBe(0);

  const second = await serveGokura(settings);
  expect(await listOf(second, "v1.0.0\n", 1_000)).toBe("v1.0.0\n");
  expect((await get(second, "v1.1.0.info")).status).toBe(404);
  const remote = remoteOf(second.url, "root/lib", TOKEN);
  const refs = (await tryGit(["ls-remote", remote])).output;
  expect(refs).toContain("refs/tags/v1.0.0");
  expect(refs).not.toContain("v1.1.0");
  const database = new pg.Client(settings.DATABASE_URL);
  await database.connect();
  const { rows } = await database.query(
    "select (select count(*) from ref where name like '%v1.1.0')::int as refs, push_started_at from project",
  );
  await database.end();
  expect(rows).toEqual([{ refs: 0, push_started_at: null }]); // the next start looked after what was left open
  expect(processesOf(data)).toEqual([]); // and no git of the killed server still holds it

  expect((await tryGit(["-C", pushed.directory, "push", "--force", remote, "main", "v1.1.0"])).status).toBe(0);
  expect(await listOf(second, "v1.0.0\nv1.1.0\n")).toBe("v1.0.0\nv1.1.0\n");
  expect((await get(second, "v1.1.0.zip")).status).toBe(200);
  expect((await second.stop()).code).toBe(0);
  expect(readdirSync(join(data, "blobs/scratch"))).toEqual([]);
});

test("tags that were still being looked at become versions after the next start, without a new push", async () => {
  const settings = {
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: temporary("midway"),
    GOKURA_ADMIN_TOKEN: TOKEN,
    GOKURA_MODULE_HOST: "gokura.test",
  };
  const first = await serveGokura(settings);
  const database = new pg.Client(settings.DATABASE_URL);
  await database.connect();
  atEnd(() => database.end().catch(() => {}));
  const waiting = async (): Promise<number> =>
    (await database.query("select count(*)::int as n from ref where not indexed")).rows[0].n;

  const count = 800;
  const pushing = pushRecipe(remoteOf(first.url, "root/lib", TOKEN), (r) => {
    for (let n = 0; n < count; n++)
      r.tag(`v1.${n}.0`, r.commit({ "go.mod": `module ${MODULE}\n\nrequire example.com/x v1.${n}.0\n` }));
  }).catch(() => {}); // it may be told before or after
  const left = await eventually(waiting, (n) => n > 0 && n < count, 30_000);
  await first.stop("SIGKILL");
  await pushing;
  expect(left).toBeGreaterThan(0);
  expect(await waiting()).toBeGreaterThan(0);

  const second = await serveGokura(settings);
  expect(await eventually(waiting, (n) => n === 0, 20_000)).toBe(0);
  expect((await get(second, "list")).text.split("\n")).toHaveLength(count + 1);
  expect((await second.stop()).code).toBe(0);
});

interface SlowDoor {
  readonly url: string;
  /** Resolves when nothing more is let through. */
  readonly stuck: Promise<void>;
  close(): void;
}

/** A door in front of the server that passes requests on until one has brought `limit` bytes, and then stops reading. */
async function slowDoor(port: number, limit: number): Promise<SlowDoor> {
  let tellStuck: () => void;
  const stuck = new Promise<void>((resolve) => {
    tellStuck = resolve;
  });
  const server = http.createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const onwards = http.request({ port, host: "127.0.0.1", method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    onwards.on("error", () => outgoing.destroy());
    let passed = 0;
    incoming.on("data", (chunk: Buffer) => {
      if (passed >= limit) return;
      onwards.write(chunk);
      passed += chunk.length;
      if (passed < limit) return;
      incoming.pause();
      tellStuck();
    });
    incoming.on("end", () => onwards.end());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    stuck,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
