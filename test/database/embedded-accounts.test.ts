// Whose the embedded PostgreSQL is. It refuses to run as root, so root hands it to an account without rights, which must be
// able to enter its directory; an ordinary user runs it as itself.
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runningDatabaseUrl } from "../../src/database/running-database.ts";
import { canBeNobody, embeddedPid, isRoot, NOBODY, processesOf } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";
import { holdCluster, query } from "./cluster-holders.ts";

const uidOf = (pid: number | undefined): number =>
  Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

/** A directory that belongs to the account without rights. */
function directoryOfNobody(name: string): string {
  const directory = temporary(name);
  chownSync(directory, NOBODY.uid, NOBODY.gid);
  return directory;
}

describe.skipIf(!canBeNobody).concurrent("an ordinary user (needs root, and a checkout that others may read)", () => {
  test("runs it as itself, also below a private home", async () => {
    const home = directoryOfNobody("home");
    chmodSync(home, 0o700);
    const data = join(home, "data");
    const holder = await holdCluster(data, NOBODY);
    expect(holder).toMatchObject({ failure: undefined, adopted: false, directory: join(data, "postgres") });
    expect(uidOf(embeddedPid(data))).toBe(NOBODY.uid);
    expect(await query(holder.url, "select 1 as one")).toEqual([{ one: 1 }]);

    // root, too, would have to run it as another account than the one that it belongs to
    const { failure } = await holdCluster(data);
    expect(failure).toBe(
      `${join(data, "postgres")} belongs to another user: start gokura as that user, or set GOKURA_DATA_DIR to a directory of yours`,
    );
    expect(await holder.stop()).toBe("stopped");
  });

  test("cannot use what is root's, and is told what to do", async () => {
    const directory = temporary("roots");
    const { failure } = await holdCluster(join(directory, "data"), NOBODY);
    expect(failure).toMatch(
      /^the data directory \S+ cannot be written \(EACCES.*\): set GOKURA_DATA_DIR to a directory of yours$/,
    );
    expect(readdirSync(directory)).toEqual([]);

    mkdirSync(join(directory, "data/postgres"), { recursive: true });
    const other = await holdCluster(join(directory, "data"), NOBODY);
    expect(other.failure).toContain("belongs to another user");
  });
});

describe.skipIf(!isRoot).concurrent("root (the account that may enter everywhere, but whose server may not)", () => {
  test("hands the server to an account that is not root", async () => {
    const data = join(temporary("public"), "data");
    const holder = await holdCluster(data);
    expect(uidOf(embeddedPid(data))).toBeGreaterThan(0);
    expect(await holder.stop()).toBe("stopped");
  });

  test("and a careful umask does not keep that account out", async () => {
    const data = join(temporary("umask"), "data");
    const holder = await holdCluster(data, {}, 0o077);
    expect(holder).toMatchObject({ failure: undefined, directory: join(data, "postgres") });
    expect(statSync(join(data, "postgres/cluster")).mode & 0o777).toBe(0o700);
    expect(await holder.stop()).toBe("stopped");
  });

  test("never gets an empty cluster in place of one that its account can enter no more", async () => {
    const home = temporary("closed-later");
    const data = join(home, "data");
    const before = await holdCluster(data);
    await before.stop();
    chmodSync(home, 0o700);
    const { failure } = await holdCluster(data);
    expect(failure).toMatch(
      /^PostgreSQL does not run as root, and uid \d+ cannot enter \S+\/data\/postgres: let it pass/,
    );
    expect(existsSync(join(data, "postgres-elsewhere"))).toBe(false);
  });

  describe("below a private home", { concurrent: false }, () => {
    const home = temporary("private");
    chmodSync(home, 0o700);
    const data = join(home, "data");
    const name = createHash("sha256").update(data).digest("hex").slice(0, 12);
    const elsewhere = join("/var/lib/gokura", name);
    afterAll(() => {
      rmSync(elsewhere, { recursive: true, force: true });
      try {
        rmdirSync("/var/lib/gokura"); // if nobody else's is there
      } catch {}
    });

    test("the cluster goes to /var/lib/gokura, and the data directory says so", async () => {
      const holder = await holdCluster(data);
      expect(holder).toMatchObject({ failure: undefined, adopted: false, directory: elsewhere });
      expect(readFileSync(join(data, "postgres-elsewhere"), "utf8")).toBe(`${elsewhere}\n`);
      expect(existsSync(join(data, "postgres"))).toBe(false);
      expect(statSync(join(elsewhere, "password")).mode & 0o777).toBe(0o600);
      expect(statSync(join(elsewhere, "cluster")).mode & 0o777).toBe(0o700);
      await query(holder.url, "create table kept ()");
      expect(runningDatabaseUrl(data)).toBe(holder.url); // as Prisma's command line finds it
      expect(await holder.stop()).toBe("stopped");
    });

    test("and is found there again, by several at once", async () => {
      const holders = await Promise.all([holdCluster(data), holdCluster(data), holdCluster(data)]);
      for (const { failure, directory } of holders) expect([failure, directory]).toEqual([undefined, elsewhere]);
      expect(await query(holders[0]!.url, "select count(*)::int as rows from kept")).toEqual([{ rows: 0 }]);
      await Promise.all(holders.map((holder) => holder.stop()));
      expect(processesOf(elsewhere)).toEqual([]);
    });

    test("several first starts at once agree on it", async () => {
      const other = join(home, "other");
      const holders = await Promise.all([holdCluster(other), holdCluster(other), holdCluster(other)]);
      const { directory } = holders[0]!;
      try {
        expect(holders.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
        expect(new Set(holders.map((holder) => holder.url)).size).toBe(1);
        await Promise.all(holders.map((holder) => holder.stop()));
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
  });
});
