// Packages are documented in a thread: nothing that a source does reaches the process around it, and its memory comes back.

import type { WorkerOptions } from "node:worker_threads";
import { brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { PackageDocumentation } from "../../src/godoc/documentation.ts";
import {
  type DocumentationThreads,
  type DocumentedDirectory,
  openDocumentationThreads,
} from "../../src/godoc/thread/documentation-threads.ts";
import { FIRST_PACKAGE } from "../../src/godoc/thread/first-package.ts";

/** What each thread was given, beside being started as always. */
const given: unknown[] = vi.hoisted(() => []);
vi.mock("node:worker_threads", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:worker_threads")>();
  class Worker extends original.Worker {
    constructor(file: URL, options: WorkerOptions) {
      super(file, options);
      given.push(options.workerData);
    }
  }
  return { ...original, Worker };
});

let threads: DocumentationThreads;
beforeAll(() => {
  threads = openDocumentationThreads();
});
afterAll(() => threads.close());

const directory = (...texts: string[]) => ({
  files: texts.map((text, n) => ({ name: `f${n}.go`, bytes: Buffer.from(text) })),
  problems: [],
});
const read = (found: DocumentedDirectory | undefined): PackageDocumentation =>
  JSON.parse(brotliDecompressSync(found!.content).toString());

test("a package comes back with what lists need, and with everything", async () => {
  const found = await threads.document(
    {
      ...directory(
        '// Package p does. More.\npackage p\n\nimport "os"\n\ntype T struct{ F int }\n\nfunc (T) Do(f os.File) {}\n',
      ),
      problems: [{ file: "x.go", problem: "was not read" }],
    },
    true,
  );
  expect(found).toMatchObject({ name: "p", synopsis: "Package p does.", imports: ["os"] });
  expect(found!.words).toEqual(["do", "f", "t", "t.do", "t.f"]);
  expect(read(found)).toMatchObject({
    builds: [{ contexts: [], doc: { types: [{ name: "T", methods: [{ name: "Do", recv: "T" }] }] } }],
    problems: [{ file: "x.go", problem: "was not read" }],
  });
});

test("a directory that holds no package is none", async () => {
  expect(await threads.document(directory("//go:build ignore\n\npackage main\n"), true)).toBeUndefined();
});

test("who waits for a page comes before whole modules", async () => {
  const order: string[] = [];
  const ask = async (name: string, soon: boolean): Promise<void> => {
    await threads.document(directory(`package ${name}\n`), soon);
    order.push(name);
  };
  await Promise.all([ask("first", false), ask("second", false), ask("third", false), ask("page", true)]);
  expect(order).toEqual(["first", "page", "second", "third"]);
});

test.each([
  ["two million parentheses", `var X = ${"(".repeat(2_000_000)}`],
  ["four megabytes of constants", `const (\n${"\tA = 1\n".repeat(500_000)})\n`],
])("%s are given up, the rest of the package is there, and the memory comes back", async (_, text) => {
  const found = await threads.document(directory("package p\n\nfunc Fine() {}\n", `package p\n\n${text}`), true);
  expect(read(found).builds[0]!.doc.funcs).toMatchObject([{ name: "Fine" }]);
  expect(read(found).problems).toEqual([{ file: "f1.go", problem: "takes too much to parse and was not read" }]);
  expect(threads.running).toBe(false);
  expect(await threads.document(directory("package fine\n"), true)).toMatchObject({ name: "fine" });
});

test("a thread goes on with what the one before it compiled", async () => {
  const own = openDocumentationThreads();
  given.length = 0;
  try {
    for (const name of ["one", "two", "three"]) {
      expect(await own.document(directory(`package ${name}\n`), true)).toMatchObject({ name });
      await own.rest();
      expect(own.running).toBe(false);
    }
  } finally {
    await own.close();
  }
  const compiled = { parser: expect.any(WebAssembly.Module), grammar: expect.any(WebAssembly.Module) };
  expect(given).toEqual([undefined, compiled, compiled]);
  expect(given[2]).toBe(given[1]);
});

test("a thread can be made ready before anybody asks, once in a process, and documents a package that is whole", async () => {
  const own = openDocumentationThreads();
  try {
    const before = given.length;
    for (let n = 0; n < 3; n++) own.prepare();
    await expect.poll(() => own.rest().then(() => own.running), { timeout: 20_000 }).toBe(false);
    own.prepare();
    expect([given.length - before, own.running]).toEqual([1, false]);
    const found = read(await own.document(FIRST_PACKAGE, true));
    expect([found.name, found.problems]).toEqual(["first", []]);
    expect(given.at(-1)).not.toBe(null); // it goes on with what was compiled
  } finally {
    await own.close();
  }
});

test("what waits when the server stops is told so", async () => {
  const stopping = openDocumentationThreads();
  const asked = Promise.allSettled([1, 2].map(() => stopping.document(directory("package p\n"), false)));
  await stopping.close();
  for (const one of await asked) expect(one).toMatchObject({ status: "rejected" });
});
