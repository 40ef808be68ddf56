// Module zips: the choice of files, the check of foreign zips and the writer, against golang.org/x/mod/zip and dirhash.

import { createHash, randomBytes } from "node:crypto";
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { selectZipFiles, type ZipEntry } from "../../../src/gomod/module-zip.ts";
import { checkModuleZip } from "../../../src/gomod/zip-check.ts";
import { type FileToZip, type WrittenZip, writeModuleZip } from "../../../src/gomod/zip-writer.ts";
import fc from "../../support/properties.ts";
import { buildOracle, type Oracle } from "./oracle.ts";

let oracle: Oracle;
let directory: string;
beforeAll(() => {
  oracle = buildOracle();
  directory = mkdtempSync(join(tmpdir(), "gokura-zips-"));
}, 120_000);
afterAll(() => {
  oracle.remove();
  rmSync(directory, { recursive: true, force: true });
});

const MiB = 1024 * 1024;
const element = fc.constantFrom(
  "a",
  "A",
  "b.go",
  "B.go",
  "go.mod",
  "GO.MOD",
  "Go.mod",
  "LICENSE",
  "license",
  "vendor",
  "Vendor",
  "modules.txt",
  "pkg",
  "vendorx",
  "aux",
  "con.txt",
  "a b",
  "é",
  "É",
  "k",
  "K",
  "s",
  "ſ",
  "ß",
  "ss",
  ".",
  "..",
  "",
  ".git",
  ".hg_archival.txt",
  "x'",
  "end.",
  "☺",
  "ı",
  "i",
  "I",
  "𐐷",
  "𐐏",
); // prettier-ignore
const somePath = fc.array(element, { minLength: 1, maxLength: 4 }).map((elements) => elements.join("/"));
const size = fc.oneof(
  { weight: 12, arbitrary: fc.nat(100) },
  fc.constantFrom(16 * MiB, 16 * MiB + 1, 200 * MiB, 500 * MiB, 500 * MiB + 1),
);
const kind = fc.constantFrom("file", "file", "file", "file", "symlink", "directory", "other");
const entry = fc.record({ path: somePath, kind, size }) as fc.Arbitrary<ZipEntry>;
const goMod = fc.constantFrom(
  undefined,
  "module a.b/c\n",
  "go 1.23\n",
  "go 1.24\n",
  "go 1.24rc1 // x\n",
  "go 1.24\nrequire x\n",
  'go "1.24"\n',
  "go 1.24\nfoo bar\n",
  "go 1.25-x\n",
  "go 1.24.1rc1",
);
const tree = fc.tuple(fc.array(entry, { maxLength: 10 }), goMod).map(([entries, content]) => ({
  content,
  entries:
    content === undefined ? entries : [...entries, { path: "go.mod", kind: "file" as const, size: content.length }],
}));

test("the same files are chosen, left out and refused, for the same reasons", async () => {
  const seen = { trees: 0, valid: 0, newRule: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(tree, { minLength: 2500, maxLength: 2500 }), async (batch) => {
      const answers = oracle.ask(
        batch.map(({ entries, content }) => ({
          op: "checkFiles",
          args: [entries.map((one) => ({ ...one, content: one.path === "go.mod" ? (content ?? "") : "" }))],
        })),
      );
      for (const [i, { entries, content }] of batch.entries()) {
        const { kept, omitted, invalid, sizeError } = await selectZipFiles(entries, { goMod: content });
        const ours = { valid: kept, omitted, invalid, sizeError: sizeError ?? null };
        expect({ entries, content, ...ours }).toEqual({ entries, content, ...(answers[i] as object) });
        seen.trees++;
        if (invalid.length === 0 && sizeError === undefined) seen.valid++;
        if (kept.some((path) => /.\/vendor\/[^/]*$/.test(path))) seen.newRule++;
      }
    }),
    { numRuns: 6, endOnFailure: true },
  );
  expect(seen.valid).toBeGreaterThan(seen.trees / 20);
  expect(seen.newRule).toBeGreaterThan(20);
});

test("the same foreign zips are refused, for the same reasons", async () => {
  const prefix = fc.constantFrom(
    "a.b/c@v1.0.0/",
    "a.b/c@v1.0.0/",
    "a.b/c@v1.0.0/",
    "a.b/c@v1.0.1/",
    "a.b/c@v1.0.0",
    "",
  );
  const foreign = fc.record({
    path: fc.tuple(prefix, somePath, fc.constantFrom("", "", "", "/")).map((parts) => parts.join("")),
    size: fc.oneof({ weight: 12, arbitrary: fc.nat(100) }, fc.constantFrom(16 * MiB + 1, 300 * MiB, 500 * MiB + 1)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(foreign, { maxLength: 8 }), { minLength: 1500, maxLength: 1500 }),
      async (batch) => {
        const answers = oracle.ask(
          batch.map((entries) => ({ op: "checkZipNames", args: ["a.b/c", "v1.0.0", entries] })),
        );
        for (const [i, entries] of batch.entries()) {
          const names = entries.map(({ path, size: bytes }) => ({ name: path, size: bytes }));
          const { valid, invalid, sizeError } = await checkModuleZip("a.b/c@v1.0.0", names, 1000);
          const ours = { valid, omitted: [], invalid, sizeError: sizeError ?? null };
          expect({ entries, ...ours }).toEqual({ entries, ...(answers[i] as object) });
        }
      },
    ),
    { numRuns: 2, endOnFailure: true },
  );
});

async function write(files: AsyncIterable<FileToZip> | Iterable<FileToZip>): Promise<WrittenZip & { file: string }> {
  const file = join(directory, `${randomBytes(8).toString("hex")}.zip`);
  const sink = createWriteStream(file);
  const written = await writeModuleZip("a.b/c@v1.0.0", files, sink);
  sink.end();
  await finished(sink);
  expect(statSync(file).size).toBe(written.size);
  return { ...written, file };
}

test("written zips are unpacked by the go command's code and hash to what we say", async () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc.tuple(fc.nat(1_500_000), fc.constantFrom("zero", "text", "noise")).map(([length, look]) => {
      if (look === "zero") return new Uint8Array(length);
      if (look === "text") return Buffer.from("package text // the quick brown fox\n".repeat(length / 36));
      // Noise that is the same on every run.
      const block = createHash("sha512").update(String(length)).digest();
      return Buffer.concat(
        Array.from({ length: length / 64 }, (_, i) =>
          createHash("sha512").update(block).update(String(i)).digest(),
        ).slice(0, 8000),
      );
    }),
  );
  const names = fc.uniqueArray(
    fc
      .array(fc.constantFrom("a", "b", "é", "ж", "𐐷", "\uff21", "-", "0", "_", " x"), { minLength: 1, maxLength: 8 })
      .map((parts) => `${parts.join("")}.go`),
    { maxLength: 14, selector: (name) => name.toLowerCase() },
  );
  const cases = fc.sample(
    fc.tuple(names, fc.array(fc.tuple(content, fc.boolean()), { minLength: 14, maxLength: 14 })),
    30,
  );
  const written: (WrittenZip & { file: string })[] = [];
  for (const [list, contents] of cases) {
    const sources = list.map((name, i): FileToZip => {
      const [bytes = new Uint8Array(), isStream = false] = contents[i] ?? [];
      return {
        name,
        content: isStream
          ? pieces(bytes, i % 3 === 0 ? 1 + Math.floor(bytes.length / 50) : 1000 + ((i * 7919) % 100_000))
          : bytes,
      };
    });
    written.push(await write(sources));
  }
  const answers = oracle.ask(written.map(({ file }) => ({ op: "checkZip", args: ["a.b/c", "v1.0.0", file] })));
  expect(answers).toEqual(written.map(({ h1, entries }) => ({ h1, entries })));
});

test("more entries than fit into 16 bits", async () => {
  async function* many(count: number): AsyncGenerator<FileToZip> {
    for (let i = 0; i < count; i++) yield { name: `d/${i}`, content: Buffer.from(String(i)) };
  }
  const { h1, entries, file } = await write(many(65_540));
  expect(entries).toBe(65_540);
  expect(oracle.ask([{ op: "hashZip", args: ["a.b/c", "v1.0.0", file] }])).toEqual([{ h1, entries }]);
});

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
