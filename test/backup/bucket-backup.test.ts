// Backups into a bucket: what is sent, what stays, what comes back; and that a backup of which only the last step is missing,
// in a bucket or in a directory, is never taken for one.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, symlinkSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { backUp } from "../../src/backup/backup.ts";
import { backUpToBucket, backupsIn, readBackup } from "../../src/backup/bucket-backup.ts";
import { directoryOfBackups } from "../../src/backup/one-at-a-time.ts";
import { restoreFiles, restoreFromBucket } from "../../src/backup/restore.ts";
import { examineRegistry } from "../../src/fsck/examine.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { openDiskBlobs } from "../../src/storage/disk-blobs.ts";
import { type Bucket, openBucket } from "../../src/storage/s3/bucket.ts";
import { runHere } from "../cli/run-here.ts";
import { type LyingServer, lyingServer } from "../storage/s3/lying-server.ts";
import { atEnd } from "../support/at-end.ts";
import { eventually } from "../support/eventually.ts";
import { watchSyncs } from "../support/power-cut.ts";
import { git, type PushedRepository, pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const OPTIONS = { gokura: "test", embeddedUrl: undefined, progress: () => {} };

let server: TestServer;
let storage: LyingServer;
let bucket: Bucket;
let pushed: PushedRepository;
let next = 0;

beforeAll(async () => {
  server = await testServer();
  storage = await lyingServer();
  bucket = bucketAt("backup/", 1_000_000);
  pushed = await pushRecipe(
    remoteOf(server.url, "root/lib", ADMIN_TOKEN),
    (r) => void r.commit({ "a.go": "package a\n" }),
  );
});

beforeEach(() => {
  storage.wrong = {};
});

function bucketAt(prefix: string, partBytes: number): Bucket {
  const opened = openBucket({
    ...{ endpoint: storage.url, bucket: "bucket", prefix, region: "us-east-1", pathStyle: true },
    ...{ accessKeyId: "key", secretAccessKey: "secret", caFile: undefined, partBytes },
  });
  atEnd(() => opened.close());
  return opened;
}

/** Pushes one more version, and waits until all that follows from it is done: its zip, its record, its pages. */
async function publish(files: Record<string, string> = {}): Promise<void> {
  const version = `v1.${next++}.0`;
  pushed.change((r) =>
    r.tag(version, r.commit({ "go.mod": "module gokura.test/root/lib\n", "a.go": `// ${version}\n`, ...files })),
  );
  await pushed.push(version);
  const zips = async () =>
    (await server.registry.database.pool.query("SELECT FROM module_version WHERE zip_key IS NULL")).rowCount;
  expect(await eventually(zips, (count) => count === 0, 20_000)).toBe(0);
  const left = `SELECT FROM pgboss.job WHERE state < 'completed' AND start_after <= now()
    UNION ALL SELECT FROM sum_tree WHERE size < (SELECT count(*) FROM module_version WHERE zip_key IS NOT NULL)`;
  const jobs = async () => (await server.registry.database.pool.query(left)).rowCount;
  expect(await eventually(jobs, (count) => count === 0, 60_000)).toBe(0);
}

const save = (keep = 7, to = bucket) => backUpToBucket(server.registry, to, { ...OPTIONS, keep });
const nameOf = (moment: string): string => moment.replaceAll(":", "-");
const objects = (): string[] => [...storage.objects.keys()].filter((key) => key.includes("/backup/objects/"));

/** What fsck says of a data directory beside the present database. */
async function problemsIn(dataDirectory: string): Promise<string[]> {
  const registry = {
    ...server.registry,
    prisma: server.registry.prisma,
    dataDirectory,
    blobs: await openDiskBlobs(join(dataDirectory, "blobs")),
  };
  const repositories = new Repositories();
  try {
    const options = { deep: true, repair: false, progress: () => {}, found: () => {} };
    const { problems } = await examineRegistry(registry, repositories, options);
    return problems.map(({ fault, about }) => `${fault} ${about}`);
  } finally {
    await repositories.close();
  }
}

test("a backup is whole, byte for byte, and a second one sends what is new", async () => {
  await publish();
  const first = await save();
  expect(await save()).toMatchObject({ files: 0, bytes: 0 });
  const second = `v1.${next}.0`;
  await publish();
  const third = await save();
  expect(third.files).toBeGreaterThan(0);
  expect(third.files).toBeLessThan(first.files);
  const restored = temporary("restored");
  expect((await restoreFromBucket(bucket, undefined, restored)).moment).toBe(third.moment);
  expect(await problemsIn(restored)).toEqual([]);
  // The first one is whole as well, and knows nothing of the second version.
  const older = temporary("older");
  await restoreFromBucket(bucket, first.moment, older);
  expect(await problemsIn(older)).toContain(`zip_missing gokura.test/root/lib@${second}`);
});

test("one that is not finished is none, in a bucket and in a directory, and the one before stays whole", async () => {
  const [newest] = await backupsIn(bucket);
  const fresh = `v1.${next}.0`;
  await publish();
  // Everything is sent but the list, as when it is killed before its last step.
  const half: Bucket = {
    ...bucket,
    put: (key, object) => {
      if (key.startsWith("backups/")) throw new Error("killed");
      return bucket.put(key, object);
    },
  };
  await expect(backUpToBucket(server.registry, half, { ...OPTIONS, keep: 7 })).rejects.toThrow("killed");
  expect((await backupsIn(bucket))[0]).toBe(newest);
  const restored = temporary("restored-half");
  expect(nameOf((await restoreFromBucket(bucket, undefined, restored)).moment)).toBe(newest);
  // The database beside it is the present one, which knows one version more.
  expect((await problemsIn(restored)).toSorted()).toEqual([
    `commit_missing gokura.test/root/lib@${fresh}`,
    expect.stringMatching(/^ref_differs/),
    `zip_missing gokura.test/root/lib@${fresh}`,
  ]);

  const target = temporary("half");
  mkdirSync(join(target, "backup.json.new")); // where its last file would be written
  await expect(backUp(server.registry, target, OPTIONS)).rejects.toThrow("EISDIR");
  expect(readdirSync(target)).toContain("data");
  await expect(restoreFiles(target, temporary("never"))).rejects.toMatchObject({ kind: "not-found" });
  rmdirSync(join(target, "backup.json.new"));
  await backUp(server.registry, target, OPTIONS);
  const finished = readFileSync(join(target, "backup.json"), "utf8");
  await publish();
  mkdirSync(join(target, "backup.json.new"));
  await expect(backUp(server.registry, target, OPTIONS)).rejects.toThrow("EISDIR");
  expect(readFileSync(join(target, "backup.json"), "utf8")).toBe(finished);
  const again = temporary("again");
  await restoreFiles(target, again);
  expect((await problemsIn(again)).filter((line) => line.startsWith("zip_"))).toEqual([]);
});

test("repositories whose refs are all in one file come back, and so does the one that stands in for none", async () => {
  const repositories = (directory: string): string[] =>
    readdirSync(join(directory, "repositories")).map((name) => join(directory, "repositories", name));
  const original = repositories(server.dataDirectory);
  expect(original.map((path) => basename(path))).toContain("empty.git");
  for (const path of original) await git(["-C", path, "pack-refs", "--all"]);
  const [target, restored, fromBucket] = [temporary("packed"), temporary("packed-1"), temporary("packed-2")];
  await backUp(server.registry, target, OPTIONS);
  await restoreFiles(target, restored);
  await save();
  await restoreFromBucket(bucket, undefined, fromBucket);
  for (const directory of [restored, fromBucket]) {
    expect(await problemsIn(directory)).toEqual([]);
    for (const path of repositories(directory))
      expect(await git(["-C", path, "for-each-ref"])).toBe(
        await git(["-C", join(server.dataDirectory, "repositories", basename(path)), "for-each-ref"]),
      );
  }
});

test("the newest stay, and what only older ones needed goes when it is a day old", async () => {
  await publish();
  await save();
  const [newest, ...older] = await backupsIn(bucket);
  expect(older.length).toBeGreaterThan(1);
  const before = objects().length;
  for (const object of storage.objects.values()) object.writtenAt -= 25 * 3_600_000;
  await publish();
  const { moment } = await save(2);
  expect(await backupsIn(bucket)).toEqual([nameOf(moment), newest]);
  const needed = new Set<string>();
  for (const one of [moment, newest!])
    for (const { sha256 } of (await readBackup(bucket, one)).files) needed.add(sha256);
  expect(
    objects()
      .map((key) => key.split("/").at(-1)!)
      .toSorted(),
  ).toEqual([...needed].toSorted());
  expect(before).toBeGreaterThan(0);
});

test("an object with other bytes, or none, is not restored", async () => {
  const key = objects().at(-1)!;
  const object = storage.objects.get(key)!;
  storage.objects.set(key, { ...object, bytes: Buffer.from("something else") });
  await expect(restoreFromBucket(bucket, undefined, temporary("other"))).rejects.toMatchObject({ kind: "unavailable" });
  storage.objects.delete(key);
  await expect(restoreFromBucket(bucket, undefined, temporary("none"))).rejects.toMatchObject({ kind: "not-found" });
  // The next backup sees that it is gone, and sends it again.
  expect((await save()).files).toBe(1);
  const restored = temporary("whole");
  await restoreFromBucket(bucket, undefined, restored);
  expect(await problemsIn(restored)).toEqual([]);
  const full = temporary("full");
  mkdirSync(join(full, "something"));
  await expect(restoreFromBucket(bucket, undefined, full)).rejects.toMatchObject({ kind: "conflict" });
});

test("a backup in a directory that says that it is complete survives a power cut", async () => {
  const target = join(temporary("durable"), "target");
  const syncs = await watchSyncs();
  try {
    await backUp(server.registry, target, OPTIONS);
    expect(syncs.lostIn(target)).toEqual([]);
  } finally {
    syncs.stop();
  }
});

/** Environments of commands: with backups in directories only, and in the bucket as well. */
function settings(): { environment: Record<string, string>; s3: Record<string, string> } {
  const environment = {
    DATABASE_URL: server.registry.database.url,
    GOKURA_DATA_DIR: server.dataDirectory,
    GOKURA_UPSTREAM: "off",
  };
  const s3 = {
    ...environment,
    GOKURA_BACKUP_S3_ENDPOINT: storage.url,
    GOKURA_BACKUP_S3_ACCESS_KEY_ID: "key",
    GOKURA_BACKUP_S3_SECRET_ACCESS_KEY: "secret",
  };
  return { environment, s3 };
}

test("a second backup to where one is under way is refused, and one that was killed is in nobody's way", async () => {
  const { environment, s3 } = settings();
  const parent = temporary("at-once");
  const target = join(parent, "target");
  mkdirSync(target);
  symlinkSync(target, join(parent, "link"));
  // A process that is about to back up to both, and is killed.
  const places = [await directoryOfBackups(join(parent, "link")), `${storage.url}/bucket/at-once/`];
  const program = `const { oneAtATime } = await import(${JSON.stringify(resolve("src/backup/one-at-a-time.ts"))});
    const work = () => new Promise(() => console.log("begun"));
    for (const place of ${JSON.stringify(places)})
      void oneAtATime({ log: console }, ${JSON.stringify(environment.DATABASE_URL)}, place, work);`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: other.stdout })[Symbol.asyncIterator]();
  for (const _ of places) await lines.next();
  const commands = [
    () => runHere(["backup", target, "--json"], environment),
    () => runHere(["backup", "s3://bucket/at-once", "--json"], s3),
  ];
  for (const command of commands) {
    const refused = await command();
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("is under way")]);
  }
  expect(readdirSync(target)).toEqual([]);
  expect([...storage.objects.keys()].filter((key) => key.includes("at-once"))).toEqual([]);
  // Elsewhere is elsewhere.
  expect((await runHere(["backup", join(parent, "elsewhere"), "--json"], environment)).code).toBe(0);

  other.kill("SIGKILL");
  await once(other, "close");
  for (const command of commands) await expect.poll(command).toMatchObject({ code: 0, stderr: "" });
});

test("the commands say what is missing, and refuse the bucket of the zips and a server that is not fit", async () => {
  const { environment, s3 } = settings();
  const nowhere = await runHere(["backup", "s3://bucket/backup"], environment);
  expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining("set GOKURA_BACKUP_S3_ENDPOINT")]);
  expect((await runHere(["backup", "s3://UPPER/../x"], s3)).stderr).toContain("is not like s3://bucket/prefix");
  const zips = Object.fromEntries(
    Object.entries({ ENDPOINT: storage.url, BUCKET: "bucket", ACCESS_KEY_ID: "key", SECRET_ACCESS_KEY: "secret" }).map(
      ([name, value]) => [`GOKURA_S3_${name}`, value],
    ),
  );
  expect((await runHere(["backup", "s3://bucket"], { ...environment, ...zips })).stderr).toContain(
    "is where the zips are",
  );
  storage.wrong = { ignoresSums: true };
  expect((await runHere(["backup", "s3://bucket/backup"], s3)).stderr).toContain("SHA-256");
  storage.wrong = {};
  const done = await runHere(["backup", "s3://bucket/backup", "--json"], s3);
  expect([done.code, done.stderr]).toEqual([0, ""]);
  const data = temporary("by-command");
  rmSync(data, { recursive: true });
  const restored = await runHere(["restore", "s3://bucket/backup", "--data-dir", data, "--json"], s3);
  expect([restored.code, restored.stderr]).toEqual([0, ""]);
  expect(JSON.parse(restored.stdout)).toMatchObject({ moment: JSON.parse(done.stdout).moment, problems: 0 });
  expect(existsSync(join(data, "repositories"))).toBe(true);
});

test("what is larger than a part goes in parts, once, and comes back whole", async () => {
  const inParts = bucketAt("parts/", 20_000);
  const noise = () => randomBytes(30_000).toString("hex"); // half as much in a zip or a pack
  const asked = () => storage.asked.filter((line) => line.startsWith("POST ")).length;
  await publish({ "noise.txt": noise() });
  const first = await save(7, inParts);
  const [begunAtFirst, objectsAtFirst] = [asked(), storage.objects.size];
  expect(begunAtFirst).toBeGreaterThan(0);
  expect(await save(7, inParts)).toMatchObject({ files: 0, bytes: 0 });
  // Nothing but the list of the second one has come.
  expect([asked(), storage.objects.size, storage.uploads.size]).toEqual([begunAtFirst, objectsAtFirst + 1, 0]);
  await publish({ "noise.txt": noise() });
  const third = await save(7, inParts);
  expect(asked()).toBeGreaterThan(begunAtFirst);
  expect(third.files).toBeLessThan(first.files);
  const restored = temporary("in-parts");
  await restoreFromBucket(inParts, undefined, restored);
  expect(await problemsIn(restored)).toEqual([]);
});
