import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { CatFile } from "../../../src/git/objects/cat-file.ts";
import { git, gitProcesses, makeRepository, temporaryDirectory } from "../../support/git-fixture.ts";

const scratch = temporaryDirectory();
afterAll(() => scratch.dispose());

const big = "0123456789abcdef".repeat(20_000);
const directory = join(scratch.path, "r.git");
const made = makeRepository(directory, (r) => ({
  commit: r.commit({ "go.mod": "module m\n", big, empty: "", "with newline\nin name": "odd" }),
  blob: r.blob("one\ntwo\nx blob 3\n"),
}));

const readers = (): number[] => gitProcesses(directory);

test("objects are read whole, by id and by path", async () => {
  const reader = new CatFile(directory);
  const blob = await reader.read(made.blob.oid, 100);
  expect(blob).toMatchObject({ oid: made.blob.oid, type: "blob", size: 17 });
  expect(blob?.content.toString()).toBe("one\ntwo\nx blob 3\n");
  expect((await reader.read(`${made.commit.oid}:go.mod`, 100))?.content.toString()).toBe("module m\n");
  expect((await reader.read(`${made.commit.oid}:empty`, 0))?.content.length).toBe(0);
  expect((await reader.read(`${made.commit.oid}:big`, 1 << 20))?.content.toString()).toBe(big);
  expect(await reader.header(`${made.commit.oid}^{tree}`)).toMatchObject({ type: "tree" });
  await reader.close();
});

test("what is not there is undefined", async () => {
  const reader = new CatFile(directory);
  expect(await reader.read("0".repeat(40), 100)).toBeUndefined();
  expect(await reader.header(`${made.commit.oid}:nothing here`)).toBeUndefined();
  expect(await reader.header("-x --help")).toBeUndefined();
  expect(await reader.header("")).toBeUndefined();
  expect(await reader.header(made.commit.oid)).toMatchObject({ type: "commit" });
  await reader.close();
});

test("an object beyond the limit is refused before it is read, and the conversation goes on", async () => {
  const reader = new CatFile(directory);
  await expect(reader.read(`${made.commit.oid}:big`, big.length - 1)).rejects.toMatchObject({ kind: "too-large" });
  expect((await reader.read(`${made.commit.oid}:go.mod`, 100))?.size).toBe(9);
  await reader.close();
});

test("a line break in a name is refused", async () => {
  const reader = new CatFile(directory);
  await expect(reader.header(`${made.commit.oid}:with newline\nin name`)).rejects.toMatchObject({ kind: "invalid" });
  await reader.close();
});

test("thousands of requests at once are answered in order by one process", async () => {
  const reader = new CatFile(directory);
  const specs = Array.from({ length: 3000 }, (_, n) => [`:go.mod`, ":big", ":empty", ":none"][n % 4] ?? "");
  const answers = await Promise.all(specs.map((path) => reader.read(made.commit.oid + path, 1 << 20)));
  expect(answers.map((answer) => answer?.size)).toEqual(
    specs.map((path) => ({ ":go.mod": 9, ":big": big.length, ":empty": 0 })[path]),
  );
  await reader.close();
});

test("an idle process ends and the next request starts another", async () => {
  const reader = new CatFile(directory, { idleMs: 30 });
  expect((await reader.header(made.blob.oid))?.size).toBe(17);
  const [first] = readers();
  expect(first).toBeDefined();
  await expect.poll(readers, { timeout: 5_000 }).toEqual([]);
  expect((await reader.header(made.blob.oid))?.size).toBe(17);
  await reader.close();
  expect(readers()).toEqual([]);
});

test("a git that is killed costs nobody an answer", async () => {
  const reader = new CatFile(directory);
  await reader.header(made.blob.oid);
  const answers = Array.from({ length: 20 }, () => reader.header(made.blob.oid));
  for (const pid of readers()) process.kill(pid, "SIGKILL");
  expect((await Promise.all(answers)).map((header) => header?.size)).toEqual(answers.map(() => 17));
  await reader.close();
});

/** Answers as `git cat-file --batch-command --buffer` does, and dies of one object with all that it has not said yet. */
const FRAGILE_GIT = `#!${process.execPath}
let said = "";
require("node:readline").createInterface(process.stdin).on("line", (line) => {
  if (line === "flush") require("node:fs").writeSync(1, said), (said = "");
  else if (line === "info ${"d".repeat(40)}") process.kill(process.pid, "SIGKILL");
  else said += line.split(" ")[1] + " blob 1\\n";
});
`;

test("an object that git dies of is the only one that fails, whatever is asked beside it", async () => {
  const programs = join(scratch.path, "fragile");
  mkdirSync(programs);
  writeFileSync(join(programs, "git"), FRAGILE_GIT, { mode: 0o755 });
  vi.stubEnv("PATH", `${programs}:${process.env.PATH}`);
  const reader = new CatFile(directory);
  const asked = ["a", "b", "d", "c", "e"].map((digit) => reader.header(digit.repeat(40)));
  const answers = await Promise.allSettled(asked);
  expect(answers.map(({ status }) => status === "fulfilled")).toEqual([true, true, false, true, true]);
  await reader.close();
  vi.unstubAllEnvs();
});

test("what has no room is not read, and the conversation goes on", async () => {
  const reader = new CatFile(directory);
  const sizes: number[] = [];
  const take = (bytes: number): void => {
    sizes.push(bytes);
    if (bytes > 100) throw new Error("no room");
  };
  await expect(reader.read(`${made.commit.oid}:big`, 1 << 20, take)).rejects.toThrow("no room");
  expect((await reader.read(`${made.commit.oid}:go.mod`, 100, take))?.size).toBe(9);
  expect(sizes).toEqual([big.length, 9]);
  await reader.close();
});

test("a corrupt object is an error of its own reader only", async () => {
  const corrupt = join(scratch.path, "corrupt.git");
  const { blobs } = makeRepository(corrupt, (r) => ({ blobs: ["a", "b", "c"].map((text) => r.blob(text)) }));
  // fast-import keeps few objects loose; write one that is broken.
  const bad = git([`--git-dir=${corrupt}`, "hash-object", "-w", "--stdin"], { input: "bad" }).trim();
  const path = join(corrupt, "objects", bad.slice(0, 2), bad.slice(2));
  rmSync(path);
  writeFileSync(path, "garbage");
  const reader = new CatFile(corrupt);
  const answers = await Promise.allSettled(
    [blobs[0]?.oid, bad, blobs[1]?.oid, blobs[2]?.oid].map((oid) => reader.read(oid ?? "", 10)),
  );
  expect(answers[1]).not.toMatchObject({ status: "fulfilled", value: { type: "blob" } });
  for (const n of [0, 2, 3]) expect(answers[n]).toMatchObject({ status: "fulfilled", value: { size: 1 } });
  await reader.close();
});

test("where there is no repository every request fails", async () => {
  const reader = new CatFile(join(scratch.path, "absent.git"));
  const answers = await Promise.allSettled(Array.from({ length: 50 }, () => reader.header(made.blob.oid)));
  expect(answers.every((answer) => answer.status === "rejected" && answer.reason.kind === "unavailable")).toBe(true);
  await reader.close();
});

test("closing answers what was asked and refuses what comes after", async () => {
  const reader = new CatFile(directory);
  const asked = reader.header(made.blob.oid);
  const closing = reader.close();
  expect((await asked)?.size).toBe(17);
  await closing;
  await expect(reader.header(made.blob.oid)).rejects.toMatchObject({ kind: "unavailable" });
});
