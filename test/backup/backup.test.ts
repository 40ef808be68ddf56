// A backup beside a server that takes pushes all the while, and what comes back out of it: everything that was acknowledged
// before the moment that the backup names, byte for byte, and nothing half.
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { piecesOf, restorableEntries, type SavedCluster } from "../../src/backup/cluster-pieces.ts";
import { pieceOfKey, piecePath, piecesInDirectory } from "../../src/backup/piece-places.ts";
import { restoreFiles } from "../../src/backup/restore.ts";
import { lyingServer } from "../storage/s3/lying-server.ts";
import { git as gitHere } from "../support/git-fixture.ts";
import { gokura, type ServingProcess, serveGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { temporary } from "../support/temporary.ts";

const TOKEN = "administrator-token-of-the-tests";
const MODULE = "gokura.test/root/lib";
const GO = `/api/v4/projects/root%2Flib/packages/go/${MODULE}/@v`;

const get = (server: ServingProcess, path: string) => ask(server.url, `${GO}/${path}`, { headers: bearer(TOKEN) });
const versionsOf = async (server: ServingProcess): Promise<string[]> =>
  (await get(server, "list")).text.split("\n").filter(Boolean);

test("a backup under pushes, a second one that copies what is new, and a restore that is whole", {
  timeout: 300_000,
}, async () => {
  const parent = temporary("backup");
  const [data, target, again] = ["data", "target", "again"].map((name) => join(parent, name)) as [
    string,
    string,
    string,
  ];
  const settings = {
    GOKURA_DATA_DIR: data,
    GOKURA_ADMIN_TOKEN: TOKEN,
    GOKURA_MODULE_HOST: "gokura.test",
    GOKURA_UPSTREAM: "off",
    GOKURA_REPOSITORIES: "blobs",
  };
  const server = await serveGokura(settings);
  const pushed = await pushRecipe(remoteOf(server.url, "root/lib", TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" }));
  });
  await gitHere(["-C", pushed.directory, "remote", "add", "here", remoteOf(server.url, "root/lib", TOKEN)]);
  const acknowledged: { readonly version: string; readonly at: number }[] = [{ version: "v1.0.0", at: Date.now() }];
  let pushing = true;
  const pushes = (async () => {
    for (let n = 1; pushing; n++) {
      const version = `v1.0.${n}`;
      pushed.change((r) => r.tag(version, r.commit({ "b.go": `package lib // ${n}\n` })));
      expect((await tryGit(["-C", pushed.directory, "push", "here", version])).status).toBe(0);
      acknowledged.push({ version, at: Date.now() });
    }
  })();

  const first = await gokura(["backup", target, "--json"], settings);
  expect([first.code, first.stderr]).toEqual([0, ""]);
  const second = await gokura(["backup", target, "--json"], settings);
  pushing = false;
  await pushes;
  expect([second.code, second.stderr]).toEqual([0, ""]);
  const report = JSON.parse(second.stdout) as { moment: string; files: number };
  expect(readdirSync(target).filter((name) => name.startsWith("database-"))).toHaveLength(1);
  const [all, more] = [first.stdout, (await gokura(["backup", target, "--json"], settings)).stdout].map(
    (text) => JSON.parse(text) as { files: number; bytes: number },
  ) as [{ files: number; bytes: number }, { files: number; bytes: number }];
  expect(more.files).toBeLessThan(all.files);
  // Of the database as well only what has changed.
  expect(more.bytes).toBeLessThan(all.bytes / 2);

  const before = acknowledged.filter(({ at }) => at < Date.parse(report.moment)).map(({ version }) => version);
  const zip = await get(server, "v1.0.0.zip");
  expect(zip.status).toBe(200);
  await server.stop("SIGKILL");
  const restored = await gokura(["restore", target, "--data-dir", again, "--deep"], { GOKURA_UPSTREAM: "off" });
  expect([restored.code, restored.stderr]).toEqual([0, ""]);
  expect(restored.stdout).toMatch(/^problems +0$/m);

  rmSync(join(again, "repositories"), { recursive: true }); // what they are made of is in the backup too
  const back = await serveGokura({ ...settings, GOKURA_DATA_DIR: again });
  const versions = await versionsOf(back);
  expect(versions).toEqual(expect.arrayContaining(before));
  expect((await get(back, "v1.0.0.zip")).bytes.equals(zip.bytes)).toBe(true);
  // It goes on: the next push is the next version.
  pushed.change((r) => r.tag("v1.9.0", r.commit({ "c.go": "package lib\n" })));
  await gitHere(["-C", pushed.directory, "remote", "add", "back", remoteOf(back.url, "root/lib", TOKEN)]);
  expect((await tryGit(["-C", pushed.directory, "push", "back", "v1.9.0"])).status).toBe(0);
  expect(await versionsOf(back)).toContain("v1.9.0");
  expect((await back.stop()).code).toBe(0);

  // Into a bucket, where what no backup needs any more goes when it is a day old.
  const storage = await lyingServer();
  const s3 = {
    ...{ ...settings, GOKURA_DATA_DIR: again, GOKURA_BACKUP_S3_ENDPOINT: storage.url },
    ...{ GOKURA_BACKUP_S3_ACCESS_KEY_ID: "key", GOKURA_BACKUP_S3_SECRET_ACCESS_KEY: "secret" },
  };
  const sent = async () => {
    const { code, stdout, stderr } = await gokura(["backup", "s3://bucket/b", "--keep", "1", "--json"], s3);
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as { bytes: number };
  };
  const piecesThere = (): string[] => [...storage.objects.keys()].filter((key) => key.includes("/pieces/"));
  const whole = await sent();
  for (const object of storage.objects.values()) object.writtenAt -= 25 * 3_600_000;
  const earlier = piecesThere();
  expect((await sent()).bytes).toBeLessThan(whole.bytes / 2);
  expect(earlier.filter((key) => !piecesThere().includes(key)).length).toBeGreaterThan(0);
  const [list] = [...storage.objects.values()].filter(({ bytes }) => bytes.includes('{"entries":'));
  expect(piecesThere().map(pieceOfKey).toSorted()).toEqual([...piecesOf(JSON.parse(String(list!.bytes)))].toSorted());

  // What cannot be restored says so, and restores nothing.
  const over = await gokura(["restore", target, "--data-dir", again], {});
  expect([over.code, over.stderr]).toEqual([1, expect.stringContaining("not empty")]);
  const [database] = readdirSync(target).filter((name) => name.startsWith("database-"));
  const cluster = JSON.parse(readFileSync(join(target, database!, "cluster.json"), "utf8")) as SavedCluster;
  const pieces = join(target, "pieces");
  const there = (readdirSync(pieces, { recursive: true }) as string[]).filter((name) => name.endsWith(".gz"));
  expect(there.toSorted()).toEqual([...piecesOf(cluster)].map(piecePath).toSorted());
  // A piece that is damaged or missing is told by its name, and is no piece.
  const contentOf = (path: string) =>
    [...restorableEntries(cluster, piecesInDirectory(target))].find((entry) => entry.path === path)!.content!;
  const [name] = cluster.entries.find(({ path }) => path === "PG_VERSION")!.pieces!;
  const bytes = readFileSync(join(pieces, piecePath(name!)));
  writeFileSync(join(pieces, piecePath(name!)), readFileSync(join(pieces, there.find((one) => !one.includes(name!))!)));
  await expect(buffer(contentOf("PG_VERSION"))).rejects.toThrow(`piece ${name} is not what its name says`);
  rmSync(join(pieces, piecePath(name!)));
  await expect(buffer(contentOf("PG_VERSION"))).rejects.toThrow(`it has no piece ${name}`);
  writeFileSync(join(pieces, piecePath(name!)), bytes);
  expect(String(await buffer(contentOf("PG_VERSION")))).toBe("18\n");

  const manifest = join(target, database!, "backup_manifest");
  const text = readFileSync(manifest, "utf8");
  writeFileSync(manifest, text.replace(/"Path": "PG_VERSION", "Size": 3/, '"Path": "PG_VERSION", "Size": 4'));
  const damaged = await gokura(["restore", target, "--data-dir", join(parent, "damaged")], {});
  expect([damaged.code, damaged.stderr]).toEqual([
    1,
    expect.stringContaining("PG_VERSION is not as its manifest says"),
  ]);
  // The database of one that an earlier Gokura has written is a tar.
  rmSync(join(target, database!, "cluster.json"));
  const older = join(parent, "older");
  await expect(restoreFiles(target, older)).rejects.toThrow("restore it with the program that has written it");
  expect(existsSync(older)).toBe(false);
  rmSync(join(target, "backup.json"));
  const unfinished = await gokura(["restore", target, "--data-dir", join(parent, "unfinished")], {});
  expect([unfinished.code, unfinished.stderr]).toEqual([1, expect.stringContaining("no finished backup")]);
  appendFileSync(join(parent, "other"), "");
  const strange = await gokura(["backup", parent], settings);
  expect([strange.code, strange.stderr]).toEqual([1, expect.stringContaining("holds other things")]);
});
