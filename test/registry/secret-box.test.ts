// Secrets of others in the database: what seals them, and what does not open them.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSecretBox } from "../../src/registry/secret-box.ts";
import { testRegistry } from "../support/registry.ts";
import { temporary } from "../support/temporary.ts";

const PURPOSE = "credential for https://git.example.com";

test("what was sealed opens again, with the key that the first use made, and says nothing by itself", async () => {
  const directory = temporary("secrets");
  const box = await openSecretBox(directory, undefined);
  const sealed = box.seal("s3cret ü", PURPOSE);
  expect(sealed).not.toContain("s3cret");
  expect(box.seal("s3cret ü", PURPOSE)).not.toBe(sealed);
  expect((await openSecretBox(directory, undefined)).open(sealed, PURPOSE)).toBe("s3cret ü");
  expect(statSync(join(directory, "secret-key")).mode & 0o777).toBe(0o600);
  const key = readFileSync(join(directory, "secret-key"), "utf8").trim();
  expect((await openSecretBox(temporary("elsewhere"), key)).open(sealed, PURPOSE)).toBe("s3cret ü");
});

test("for another purpose, with another key, and damaged, it does not open", async () => {
  const box = await openSecretBox(temporary("secrets"), undefined);
  const sealed = box.seal("s3cret", PURPOSE);
  expect(() => box.open(sealed, "credential for https://evil.example")).toThrow(/sealed for something else/);
  const other = await openSecretBox(temporary("secrets"), undefined);
  expect(() => other.open(sealed, PURPOSE)).toThrow(/sealed with another key/);
  expect(() => box.open(`${sealed.slice(0, -2)}AA`, PURPOSE)).toThrow(/damaged/);
  expect(() => box.open("", PURPOSE)).toThrow(/cannot be opened/);
});

test("two first uses at once make one key, and a file that holds none is not written over", async () => {
  const directory = temporary("secrets");
  const [one, other] = await Promise.all([openSecretBox(directory, undefined), openSecretBox(directory, undefined)]);
  expect(other!.open(one!.seal("x", PURPOSE), PURPOSE)).toBe("x");
  writeFileSync(join(directory, "secret-key"), "");
  await expect(openSecretBox(directory, undefined)).rejects.toThrow(/put a copy in its place/);
});

test("a server whose key is put back in its place has it without another start", async () => {
  const { dataDirectory, secrets } = await testRegistry();
  const file = join(dataDirectory, "secret-key");
  writeFileSync(file, "");
  await expect(secrets()).rejects.toThrow(/put a copy in its place/);
  const key = (await openSecretBox(temporary("secrets"), "k".repeat(43))).seal("s3cret", PURPOSE);
  writeFileSync(file, `${"k".repeat(43)}\n`);
  expect((await secrets()).open(key, PURPOSE)).toBe("s3cret");
});
