// The life of the embedded PostgreSQL: made by the first process, shared by all, stopped by the last, and back after every
// kind of crash with all that was committed. One cluster for the whole file; the tests follow each other.
import { spawn } from "node:child_process";
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAlive, readPostmasterPid } from "../../src/database/postmaster-pid.ts";
import { runningDatabaseUrl } from "../../src/database/running-database.ts";
import { eventually } from "../support/eventually.ts";
import { embeddedPid, processesOf } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";
import { crash, type Holder, holdCluster, query } from "./cluster-holders.ts";

const data = join(temporary("cluster"), "data");
const directory = join(data, "postgres");
const cluster = join(directory, "cluster");

let first: Holder;
beforeAll(async () => {
  first = await holdCluster(data);
});

describe("the first start", () => {
  test("makes a cluster inside the data directory that answers to its own password only", async () => {
    expect(first).toMatchObject({ adopted: false, directory });
    expect(await query(first.url, "select 1 as one")).toEqual([{ one: 1 }]);
    const wrong = new URL(first.url);
    wrong.password = "wrong";
    await expect(query(wrong.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
    wrong.password = "";
    await expect(query(wrong.href, "select 1")).rejects.toThrow(/password/);
  });

  test("listens on this machine alone", async () => {
    expect(new URL(first.url).hostname).toBe("127.0.0.1");
    const [settings] = await query(
      first.url,
      `select current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets`,
    );
    expect(settings).toEqual({ addresses: "127.0.0.1", sockets: "" });
  });

  test("is durable, checks its pages, and sorts by bytes in UTC on every machine", async () => {
    const names = ["fsync", "synchronous_commit", "full_page_writes", "data_checksums", "server_encoding", "TimeZone"];
    const [row] = await query(
      first.url,
      `select ${names.map((name) => `current_setting('${name}') as "${name}"`).join(", ")}, datlocprovider as provider,
         datlocale as locale, 'Z' < 'a' and 'z' < 'ä' as bytes from pg_database where datname = current_database()`,
    );
    expect(row).toEqual({
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      data_checksums: "on",
      server_encoding: "UTF8",
      TimeZone: "UTC",
      provider: "b",
      locale: "C.UTF-8",
      bytes: true,
    });
  });

  test("keeps its password and its data from other accounts, and never runs as root", () => {
    expect(statSync(join(directory, "password")).mode & 0o777).toBe(0o600);
    expect(statSync(cluster).mode & 0o777).toBe(0o700);
    const status = readFileSync(`/proc/${embeddedPid(data)}/status`, "utf8");
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
    if (process.getuid?.() === 0) expect(uid).not.toBe(0);
    else expect(uid).toBe(process.getuid?.());
  });

  test("gives the server nothing of our environment, where secrets are", () => {
    // The file belongs to the server's account; root may read it, and an ordinary user is that account.
    const environment = readFileSync(`/proc/${embeddedPid(data)}/environ`, "utf8")
      .split("\0")
      .filter(Boolean);
    expect(environment.map((line) => line.split("=")[0]).sort()).toEqual(expect.arrayContaining(["LC_ALL", "PATH"]));
    expect(environment.some((line) => line.startsWith("HOME="))).toBe(false);
  });

  test("is found by Prisma's command line without asking anybody", () => {
    expect(runningDatabaseUrl(data)).toBe(first.url);
  });
});

describe("more than one process", () => {
  test("share the server that runs; the last one stops it", async () => {
    const pid = embeddedPid(data)!;
    const second = await holdCluster(data);
    expect(second).toMatchObject({ adopted: true, url: first.url });
    await query(first.url, "create table kept (n int); insert into kept values (1)");
    expect(await first.stop()).toBe("still in use");
    expect(first.usedBy()).toEqual([expect.stringMatching(`^process ${second.child.pid} \\(.*cluster-holder.ts `)]);
    expect(isAlive(pid)).toBe(true);
    expect(await query(second.url, "select n from kept")).toEqual([{ n: 1 }]);
    expect(await second.stop()).toBe("stopped");
    expect(isAlive(pid)).toBe(false);
    expect(processesOf(cluster)).toEqual([]);
    expect(runningDatabaseUrl(data)).toBeUndefined();
  });

  test("share it also when they know the directory by different names", async () => {
    const other = join(temporary("link"), "data");
    symlinkSync(data, other);
    const [one, two] = [await holdCluster(data), await holdCluster(other)];
    expect(two).toMatchObject({ failure: undefined, adopted: true, url: one.url, directory });
    expect(await one.stop()).toBe("still in use");
    expect(await two.stop()).toBe("stopped");
    const three = await holdCluster(other);
    expect(await query(three.url, "select n from kept")).toEqual([{ n: 1 }]);
    expect(await three.stop()).toBe("stopped");
  });

  test("a later start finds everything again", async () => {
    const later = await holdCluster(data);
    expect(later.adopted).toBe(false);
    expect(await query(later.url, "select n from kept")).toEqual([{ n: 1 }]);
    expect(await later.stop()).toBe("stopped");
  });

  test("many that start and stop at the same time neither fail nor leave anything", async () => {
    const holders = await Promise.all(Array.from({ length: 6 }, () => holdCluster(data)));
    expect(holders.map(({ failure }) => failure)).toEqual(Array(6).fill(undefined));
    expect(new Set(holders.map(({ url }) => url)).size).toBe(1);
    const outcomes = await Promise.all(holders.map((holder) => holder.stop()));
    expect(outcomes).toContain("stopped"); // two that leave together may both be the last
    expect(processesOf(cluster)).toEqual([]);
  });
});

describe("after kill -9", () => {
  test("of the process that started it: the next one takes the running server over, and can stop it", async () => {
    const owner = await holdCluster(data);
    const pid = embeddedPid(data)!;
    await owner.kill();
    expect(isAlive(pid)).toBe(true);
    const next = await holdCluster(data);
    expect(next).toMatchObject({ adopted: true, url: owner.url });
    expect(await next.stop()).toBe("stopped");
    expect(isAlive(pid)).toBe(false);
  });

  test("of the server and its owner: nothing committed is lost, nothing uncommitted is there", async () => {
    const owner = await holdCluster(data);
    const open = new pg.Client(owner.url);
    open.on("error", () => {});
    await open.connect();
    await open.query("begin");
    await open.query("insert into kept values (99)");
    await query(owner.url, "insert into kept select generate_series(2, 500)");
    await Promise.all([owner.kill(), crash(data)]);
    expect(readPostmasterPid(cluster)).toBeDefined(); // its file stayed behind
    const next = await holdCluster(data); // at once, while its children may still be ending
    expect(next).toMatchObject({ adopted: false, failure: undefined });
    expect(await query(next.url, "select count(*)::int as rows, max(n) as last from kept")).toEqual([
      { rows: 500, last: 500 },
    ]);
    expect(await next.stop()).toBe("stopped");
    await open.end().catch(() => {});
  });

  test("of the server alone: whoever uses it starts it again, at the same address, and the last one stops it", async () => {
    const owner = await holdCluster(data);
    await crash(data);
    expect(await rowsSoon(owner.url)).toBe(500);
    expect(await owner.stop()).toBe("stopped");
    expect(processesOf(cluster)).toEqual([]);
  });

  test("of the server alone, and the one who used it is told to stop at that moment: nothing runs on", async () => {
    const owner = await holdCluster(data);
    await crash(data);
    expect(await owner.stop()).toBe("stopped");
    expect(processesOf(cluster)).toEqual([]);
  });

  test("of one back-end, with which every lock is gone: who comes and goes meanwhile takes nobody's server away", async () => {
    const owner = await holdCluster(data);
    const [backend] = await query(
      owner.url,
      "select pid from pg_stat_activity where application_name like 'gokura % in use'",
    );
    process.kill(backend!.pid as number, "SIGKILL"); // PostgreSQL then ends all back-ends, and recovers
    expect(await rowsSoon(owner.url)).toBe(500);
    const locks = "select count(*)::int as n from pg_locks where locktype = 'advisory'";
    const taken = await eventually(
      async () => (await query(owner.url, locks))[0]!.n,
      (n) => n === 1,
      5_000,
    );
    expect(taken).toBe(1);
    const guest = await holdCluster(data);
    expect(await guest.stop()).toBe("still in use");
    expect(await rowsSoon(owner.url)).toBe(500);
    expect(await owner.stop()).toBe("stopped");
    expect(processesOf(cluster)).toEqual([]);
  });

  test("of a start that was making a cluster: the next one takes what it left away, its password too", async () => {
    const directories = ["cluster.4190001", "postgresql-18.4.4190001"].map((name) => join(directory, name));
    const files = ["cluster.4190001.pw", "password.4190001"].map((name) => join(directory, name));
    for (const path of directories) mkdirSync(path);
    for (const path of files) writeFileSync(path, "secret");
    const inTheMaking = join(directory, `cluster.${process.pid}`); // of a process that lives
    mkdirSync(inTheMaking);
    const programs = statSync(join(directory, "postgresql-18.4")).ino;
    const next = await holdCluster(data);
    expect(await next.stop()).toBe("stopped");
    expect(statSync(join(directory, "postgresql-18.4")).ino).toBe(programs); // they are not half made
    expect(readdirSync(directory).sort()).toEqual(
      ["cluster", `cluster.${process.pid}`, "password", "postgres.log", "postgresql-18.4"].sort(),
    );
    rmdirSync(inTheMaking);
  });
});

/** How many rows were kept, as soon as the server says so. */
function rowsSoon(url: string): Promise<unknown> {
  return eventually(
    async () =>
      (await query(url, "select count(*)::int as rows from kept").catch(() => [{ rows: undefined }]))[0]!.rows,
    (rows) => rows !== undefined,
    15_000,
  );
}

describe("a lock file that means nothing", () => {
  /** As a server that was killed leaves it, with the server's account as its owner. */
  function leaveLockFile(pid: number, port: number): void {
    const path = join(cluster, "postmaster.pid");
    const lines = [pid, cluster, 1_700_000_000, port, "", "127.0.0.1", "  1234567 1", "ready   ", ""];
    writeFileSync(path, lines.join("\n"), { mode: 0o600 });
    const { uid, gid } = statSync(cluster);
    chownSync(path, uid, gid);
  }

  test("names a process that is somebody else by now", async () => {
    const stranger = spawn("sleep", ["60"]);
    try {
      leaveLockFile(stranger.pid!, 5432);
      const next = await holdCluster(data);
      expect(next).toMatchObject({ adopted: false, failure: undefined });
      expect(isAlive(stranger.pid!)).toBe(true);
      expect(await next.stop()).toBe("stopped");
    } finally {
      stranger.kill();
    }
  });

  test("names nobody", async () => {
    leaveLockFile(4_190_000, 5432);
    const next = await holdCluster(data);
    expect(next).toMatchObject({ adopted: false, failure: undefined });
    expect(await next.stop()).toBe("stopped");
  });

  test("names a port where something else answers: our password is not taken there as proof of anything", async () => {
    const impostor = createServer((socket) => socket.destroy());
    await new Promise<void>((done) => impostor.listen(0, "127.0.0.1", done));
    try {
      const { port } = impostor.address() as { port: number };
      leaveLockFile(process.pid, port);
      const next = await holdCluster(data);
      expect(next).toMatchObject({ adopted: false, failure: undefined });
      expect(new URL(next.url).port).not.toBe(String(port));
      expect(await next.stop()).toBe("stopped");
    } finally {
      await new Promise((done) => impostor.close(done));
    }
  });
});

test("a server that cannot start says where to look", async () => {
  const broken = join(temporary("broken"), "data");
  const made = await holdCluster(broken);
  await made.stop();
  writeFileSync(join(broken, "postgres/cluster/postgresql.conf"), "no_such_setting = 1\n");
  const { failure } = await holdCluster(broken);
  expect(failure).toBe(`the embedded PostgreSQL did not start: see ${join(broken, "postgres/postgres.log")}`);
  expect(readFileSync(join(broken, "postgres/postgres.log"), "utf8")).toContain("no_such_setting");
});

afterAll(() => {
  expect(processesOf(data)).toEqual([]);
});
