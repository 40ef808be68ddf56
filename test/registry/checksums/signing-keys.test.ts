// Where the log's keys come from: made once, kept for us alone, and never thrown away for a new name.
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addName, loadSigners } from "../../../src/registry/checksums/signing-keys.ts";
import { generateSignerKey } from "../../../src/sumdb/note.ts";
import { temporary } from "../../support/temporary.ts";

const settings = (dataDirectory: string, name?: string, keys?: string[]) => ({
  ...{ dataDirectory, name, keys },
  defaultName: "go.example.test/sumdb",
});

test("the first start makes a key of the default name, for us alone; later ones have the same, whatever the host is called", async () => {
  const directory = temporary("keys");
  const starts = await Promise.all([1, 2, 3].map(() => loadSigners(settings(directory))));
  const keys = starts.map(([signer]) => signer!.verifierKey);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^go\.example\.test\/sumdb\+/);
  expect((await stat(join(directory, "sumdb/keys"))).mode & 0o777).toBe(0o600);
  const [moved] = await loadSigners({ ...settings(directory), defaultName: "other.example.test/sumdb" });
  expect(moved!.verifierKey).toBe(keys[0]);
});

test("a new name gets a key of its own and comes first; the old one is signed with as well, and can come back", async () => {
  const directory = temporary("keys");
  const [first] = await loadSigners(settings(directory));
  const names = async (name?: string) => (await loadSigners(settings(directory, name))).map((signer) => signer.name);
  expect(await names("go.example.test/sumdb/2")).toEqual(["go.example.test/sumdb/2", "go.example.test/sumdb"]);
  expect(await names()).toEqual(["go.example.test/sumdb/2", "go.example.test/sumdb"]);
  expect(await names("go.example.test/sumdb")).toEqual(["go.example.test/sumdb", "go.example.test/sumdb/2"]);
  const [, old] = await loadSigners(settings(directory));
  expect(old!.verifierKey).toBe(first!.verifierKey);
  await expect(addName(directory, "go.example.test/sumdb")).rejects.toMatchObject({ kind: "conflict" });
  expect((await addName(directory, "third.test"))[0]!.name).toBe("third.test");
});

test("keys that are set take the place of those that are kept", async () => {
  const directory = temporary("keys");
  const key = generateSignerKey("set.example.test");
  expect((await loadSigners(settings(directory, undefined, [key]))).map(({ name }) => name)).toEqual([
    "set.example.test",
  ]);
  await expect(stat(join(directory, "sumdb"))).rejects.toThrow("ENOENT");
});

test("a damaged file is never replaced, and what is said of it does not hold the key", async () => {
  const directory = temporary("keys");
  await loadSigners(settings(directory));
  const file = join(directory, "sumdb/keys");
  const good = await readFile(file, "utf8");
  await chmod(file, 0o600);
  await writeFile(file, good.replace(/.{4}\n$/, "AAAA\n"));
  const said = await loadSigners(settings(directory)).catch((error: Error) => error.message);
  expect(said).toContain("cannot be read");
  expect(said).toContain(file);
  expect(said).not.toContain(good.split("+").at(-1)!.slice(0, 20));
  await expect(loadSigners(settings(directory, "new.example.test"))).rejects.toThrow("cannot be read");
});
