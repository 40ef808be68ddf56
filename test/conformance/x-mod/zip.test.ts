// Module zips: the choice of files, the check of foreign zips and the writer, against golang.org/x/mod/zip and dirhash.

import { createHash, randomBytes } from "node:crypto";
import { createWriteStream, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import JSZip from "jszip";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selectZipFiles, type ZipEntry } from "../../../src/gomod/module-zip.ts";
import { checkModuleZip } from "../../../src/gomod/zip-check.ts";
import { type FileToZip, type WrittenZip, writeModuleZip } from "../../../src/gomod/zip-writer.ts";
import type { ZipSource } from "../../../src/storage/zip-reader.ts";
import { admitZip, Refused } from "../../../src/upstream/admission.ts";
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

describe("the bytes of foreign zips", () => {
  const P = "a.b/c@v1.0.0";

  /** Zips as programs write them: with and without sums behind the content, compressed or not, of folders, with a comment. */
  async function ordinary(): Promise<Buffer[]> {
    const zips: Buffer[] = [];
    for (const streamFiles of [true, false])
      for (const compression of ["STORE", "DEFLATE"] as const)
        for (const createFolders of [true, false]) {
          const zip = new JSZip();
          const files = {
            "go.mod": "module a.b/c\n",
            "d/é.txt": "é".repeat(40),
            "empty.go": "",
            "n.bin": Buffer.of(1, 2, 3),
          };
          for (const [name, content] of Object.entries(files)) zip.file(`${P}/${name}`, content, { createFolders });
          const comment = createFolders ? "a comment" : "PK\x05\x06";
          const made = await zip.generateAsync({ type: "nodebuffer", streamFiles, compression, comment });
          zips.push(made, ...(createFolders ? [inZip64(made)] : []));
        }
    return zips;
  }

  /** The same zip, with the numbers of its first entry where those stand that do not fit into 32 bits. */
  function inZip64(zip: Buffer): Buffer {
    const [at, end] = [zip.indexOf("PK\x01\x02"), zip.lastIndexOf("PK\x05\x06")];
    const field = Buffer.alloc(28);
    field.writeUInt16LE(1, 0);
    field.writeUInt16LE(24, 2);
    for (const [n, from] of [24, 20, 42].entries())
      field.writeBigUInt64LE(BigInt(zip.readUInt32LE(at + from)), 4 + 8 * n);
    const header = Buffer.from(zip.subarray(at, at + 46));
    for (const place of [24, 20, 42]) header.writeUInt32LE(0xffffffff, place);
    header.writeUInt16LE(header.readUInt16LE(30) + field.length, 30);
    const name = at + 46 + zip.readUInt16LE(at + 28);
    const tail = Buffer.from(zip.subarray(end));
    tail.writeUInt32LE(tail.readUInt32LE(12) + field.length, 12);
    return Buffer.concat([
      zip.subarray(0, at),
      header,
      zip.subarray(at + 46, name),
      field,
      zip.subarray(name, end),
      tail,
    ]);
  }

  type Mutation = (zip: Buffer) => Buffer;
  const changed =
    (change: (zip: Buffer) => unknown): Mutation =>
    (zip) => {
      const copy = Buffer.from(zip);
      change(copy);
      return copy;
    };
  /** Where a record begins of which there may be several, or the beginning. */
  const placeOf = (zip: Buffer, signature: string, n: number): number => {
    const found: number[] = [];
    for (let at = zip.indexOf(signature); at >= 0; at = zip.indexOf(signature, at + 1)) found.push(at);
    return found[n % Math.max(found.length, 1)] ?? 0;
  };
  const value = fc.constantFrom(0, 1, 8, 45, 0x50, 0x7f, 0xff);
  const record = fc.constantFrom<[string, number]>(["PK\x05\x06", 22], ["PK\x01\x02", 46], ["PK\x03\x04", 30]);
  const mutation: fc.Arbitrary<Mutation> = fc.oneof(
    fc
      .tuple(fc.nat(), fc.nat(255))
      .map(([at, byte]) => changed((zip) => zip.fill(byte, at % zip.length, (at % zip.length) + 1))),
    fc.tuple(record, fc.nat(5), fc.nat(), value).map(([[signature, length], n, field, byte]) =>
      changed((zip) => {
        const at = placeOf(zip, signature, n) + (field % length);
        if (at < zip.length) zip[at] = byte;
      }),
    ),
    fc.tuple(fc.nat(5), fc.constantFrom(16, 20, 24, 42), fc.constantFrom(0, 5, 0xffffffff)).map(([n, field, number]) =>
      changed((zip) => {
        const at = placeOf(zip, "PK\x01\x02", n) + field;
        if (at + 4 <= zip.length) zip.writeUInt32LE(number, at);
      }),
    ),
    fc.nat(5).map((n) =>
      changed((zip) => {
        const at = placeOf(zip, "PK\x01\x02", n) + 8;
        if (at < zip.length) zip[at]! ^= 8;
      }),
    ),
    fc.nat().map(
      (length): Mutation =>
        (zip) =>
          zip.subarray(0, length % (zip.length + 1)),
    ),
    fc.tuple(fc.nat(40), value).map(
      ([length, byte]): Mutation =>
        (zip) =>
          Buffer.concat([zip, Buffer.alloc(length, byte)]),
    ),
    fc.tuple(fc.nat(40), value).map(
      ([length, byte]): Mutation =>
        (zip) =>
          Buffer.concat([Buffer.alloc(length, byte), zip]),
    ),
    fc.constant<Mutation>((zip) => Buffer.concat([zip, zip.subarray(zip.lastIndexOf("PK\x05\x06"))])),
  );

  test("are taken and refused as Go's reader takes and refuses them, from memory and from a file, and hash to the same", async () => {
    const bases = await ordinary();
    const cases = fc.sample(
      fc.tuple(fc.nat(bases.length - 1), fc.array(mutation, { maxLength: 3 })),
      Number(process.env.ODD_ZIPS ?? 600),
    );
    const files = cases.map(([base, mutations], n) => {
      let zip = bases[base]!;
      for (const mutate of mutations) if (zip.length > 0) zip = mutate(zip);
      const file = join(directory, `odd-${n}.zip`);
      writeFileSync(file, zip);
      return { file, zip };
    });
    const answers = oracle.ask(files.map(({ file }) => ({ op: "checkZip", args: ["a.b/c", "v1.0.0", file] })));
    const good = Buffer.from("module a.b/c\n");
    const sumOf = (source: ZipSource, size: number): Promise<string> =>
      admitZip("a.b/c", "v1.0.0", source, size, good).then(
        ({ h1 }) => h1,
        (error: unknown) => {
          if (!(error instanceof Refused)) throw error;
          return "refused";
        },
      );
    let taken = 0;
    for (const [n, { file, zip }] of files.entries()) {
      const { h1 = "refused" } = answers[n] as { h1?: string };
      const opened = await open(file);
      const ours = [await sumOf(zip, zip.length), await sumOf(opened, zip.length)];
      await opened.close();
      expect([file, answers[n], ...ours]).toEqual([file, answers[n], h1, h1]);
      if (h1 !== "refused") taken++;
    }
    expect(taken).toBeGreaterThan(cases.length / 10);
    expect(taken).toBeLessThan(cases.length);
  });
});

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
