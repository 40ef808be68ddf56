// What keeps a start from succeeding is one sentence on standard error and exit code 1, with nothing started or left.
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, inject, test } from "vitest";
import { cuttableLink, over } from "../support/cuttable-link.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { canBeNobody, gokura, isRoot, NOBODY, processesOf, spawnGokura } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

const { admin } = inject("postgres");

/** Somebody who may not write everywhere: an account without rights for root, ourselves for everybody else. */
const ordinary = isRoot ? NOBODY : {};

/** A place for data that is not there yet, with the settings that name it. */
function nowhere(): { data: string; environment: Record<string, string> } {
  const data = join(temporary("refused"), "data");
  return { data, environment: { GOKURA_DATA_DIR: data, GOKURA_LISTEN: "127.0.0.1:0" } };
}

describe.concurrent("the settings", () => {
  test("every mistake is told at once, and nothing is touched", async () => {
    const { data, environment } = nowhere();
    const wrong = { ...environment, GOKURA_LISTEN: "here", GOKURA_URL: "there", GOKURA_DATADIR: "x" };
    const { code, stdout, stderr } = await gokura(["serve"], wrong);
    expect(stderr).toBe(
      [
        "gokura: the settings cannot be used:",
        "  - GOKURA_DATADIR is no setting of gokura; did you mean GOKURA_DATA_DIR?",
        '  - GOKURA_LISTEN: "here" is not address:port, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:443',
        '  - GOKURA_URL: "there" is not an http(s) URL such as https://go.example.com',
        "",
      ].join("\n"),
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(existsSync(data)).toBe(false);
  });

  test("are the same for every command", async () => {
    const { data, environment } = nowhere();
    const { code, stderr } = await gokura(["user", "list"], { ...environment, GOKURA_LOGLEVEL: "debug" });
    expect([code, stderr]).toEqual([1, expect.stringContaining("did you mean GOKURA_LOG_LEVEL?")]);
    expect(existsSync(data)).toBe(false);
  });

  test("a certificate that is none", async () => {
    const { environment } = nowhere();
    const file = join(temporary("pem"), "x.pem");
    writeFileSync(file, "not a certificate");
    const { code, stderr } = await gokura(["serve"], {
      ...environment,
      GOKURA_TLS_CERT_FILE: file,
      GOKURA_TLS_KEY_FILE: file,
    });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("GOKURA_TLS_CERT_FILE and GOKURA_TLS_KEY_FILE cannot be used"),
    ]);
  });
});

describe.concurrent("the database", () => {
  const SENTENCE =
    /^(\{.*\}\n)?gokura: PostgreSQL at [^\n]+ cannot be used: [^\n]+\. Check DATABASE_URL and that the server runs\.\n$/;

  test("that is not there by this name, or does not take this password", async () => {
    const wrongName = Object.assign(new URL(admin), { pathname: "/no_such_database" }).href;
    const wrongPassword = Object.assign(new URL(admin), { password: "hush-hush" }).href;
    const ended = await Promise.all(
      [wrongName, wrongPassword].map((url) => gokura(["serve"], { ...nowhere().environment, DATABASE_URL: url })),
    );
    for (const { code, stdout, stderr } of ended) {
      expect(stderr).toMatch(SENTENCE);
      expect(stderr).not.toContain("hush-hush");
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    }
  });

  test("that does not answer is waited for, which a signal ends; and one that comes back is used", async () => {
    const url = await testDatabase();
    const link = await cuttableLink(Number(new URL(url).port), false);
    const waiting = () => spawnGokura(["serve"], { ...nowhere().environment, DATABASE_URL: over(link, url) });
    const [told, patient] = [waiting(), waiting()];
    for (const { stderr } of [told, patient])
      await eventually(
        async () => stderr(),
        (text) => text.includes("does not answer yet"),
        20_000,
      );
    told.child.kill("SIGTERM");
    expect(await told.ended).toMatchObject({ code: 0, stdout: "" });
    await link.mend();
    await eventually(
      async () => patient.stdout(),
      (text) => text.includes("Gokura is at"),
      20_000,
    );
    expect(patient.stdout()).toContain("Gokura is at http://127.0.0.1:");
    patient.child.kill("SIGTERM");
    expect((await patient.ended).code).toBe(0);
  });

  test("of a newer program is left alone", async () => {
    const url = await testDatabase();
    const client = new pg.Client(url);
    await client.connect();
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
         values ('x', $1, '99990101000000_future', now(), 1)`,
      [createHash("sha256").digest("hex")],
    );
    await client.end();
    const { code, stderr } = await gokura(["serve"], { ...nowhere().environment, DATABASE_URL: url });
    expect([code, stderr]).toEqual([
      1,
      "gokura: the database is newer than this program (it has 99990101000000_future): run the newer gokura\n",
    ]);
  });
});

describe.concurrent("the data directory", () => {
  const somebody = isRoot && !canBeNobody; // nobody else can run a checkout below a private home
  test.skipIf(somebody)(
    "that cannot be written (by an ordinary user, who must be able to read the checkout)",
    async () => {
      const directory = temporary("closed");
      chmodSync(directory, 0o555);
      const { code, stdout, stderr } = await gokura(["serve"], { GOKURA_DATA_DIR: join(directory, "data") }, ordinary);
      expect(stderr).toMatch(
        /^gokura: the data directory \S+ cannot be written \(EACCES: [^\n]+\): set GOKURA_DATA_DIR to a directory of yours\n$/,
      );
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(readdirSync(directory)).toEqual([]);
      chmodSync(directory, 0o755);
    },
  );

  test.skipIf(somebody)("that can be written only in part: found at the start, not at the first push", async () => {
    const data = join(temporary("parts"), "data");
    const [repositories, scratch] = [join(data, "repositories"), join(data, "blobs/scratch")];
    for (const part of [repositories, scratch]) mkdirSync(part, { recursive: true });
    chmodSync(data, 0o777);
    for (const part of [repositories, scratch]) chmodSync(part, 0o555);
    const settings = { GOKURA_DATA_DIR: data, DATABASE_URL: await testDatabase(), GOKURA_LISTEN: "127.0.0.1:0" };
    const first = await gokura(["serve"], settings, ordinary);
    expect([first.code, first.stderr]).toEqual([
      1,
      expect.stringMatching(/^gokura: the data directory .* cannot be written/),
    ]);
    chmodSync(repositories, 0o777);
    const second = await gokura(["serve"], settings, ordinary);
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringMatching(/^gokura: blobs cannot be stored in .*EACCES/),
    ]);
    chmodSync(scratch, 0o755);
  });

  test("that is a file", async () => {
    const file = join(temporary("file"), "data");
    writeFileSync(file, "");
    const { code, stderr } = await gokura(["serve"], { GOKURA_DATA_DIR: file });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^gokura: the data directory \S+ cannot be written \((ENOTDIR|EEXIST): [^\n]+\n$/),
    ]);
  });
});

describe.concurrent("the machine", () => {
  test("has no git", async () => {
    const { data, environment } = nowhere();
    const { code, stdout, stderr } = await gokura(["serve"], { ...environment, PATH: temporary("no-git") });
    expect(stderr).toMatch(
      /^gokura: the git program was not found or does not run: install git 2\.39 or newer [^\n]+\n$/,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(existsSync(data)).toBe(false);
  });

  test("has an address that is not this one's", async () => {
    const { data, environment } = nowhere();
    const { code, stderr } = await gokura(["serve"], {
      ...environment,
      GOKURA_LISTEN: "192.0.2.1:8080",
      DATABASE_URL: await testDatabase(),
    });
    expect([code, stderr.split("\n").at(-2)]).toEqual([
      1,
      "gokura: cannot listen on 192.0.2.1:8080: this machine has no such address; set GOKURA_LISTEN",
    ]);
    expect(processesOf(data)).toEqual([]);
  });

  test.skipIf(isRoot)("lets only root listen below 1024 (the tests run as root, or as such)", async () => {
    const { environment } = nowhere();
    const { code, stderr } = await gokura(["serve"], {
      ...environment,
      GOKURA_LISTEN: "127.0.0.1:81",
      DATABASE_URL: await testDatabase(),
    });
    // some kernels let everybody (net.ipv4.ip_unprivileged_port_start)
    if (code !== 0) expect(stderr).toContain("only root may use ports below 1024");
  });

  test("has an older Node", async () => {
    const old = join(temporary("old-node"), "old.cjs");
    writeFileSync(
      old,
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.11.0' } })",
    );
    const { code, stderr } = await gokura(["serve"], { NODE_OPTIONS: `--require ${old}` });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^gokura needs Node 24\.12 or newer; this is [^\n]+\n$/)]);
  });
});
