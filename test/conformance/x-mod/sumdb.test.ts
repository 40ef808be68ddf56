// Notes, heads, records, paths of tiles, trees and proofs: src/sumdb against golang.org/x/mod/sumdb.
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateSignerKey, openNote, parseSignerKey, parseVerifierKey, signNote } from "../../../src/sumdb/note.ts";
import { followed, unknownLog } from "../../../src/sumdb/proved-log.ts";
import { parseLookupAnswer } from "../../../src/sumdb/record.ts";
import { hashesIn } from "../../../src/sumdb/tile-hashes.ts";
import { parseTilePath, tileAt } from "../../../src/sumdb/tile-path.ts";
import { EMPTY_TREE, growTree, isEdgeOf, rootOf } from "../../../src/sumdb/tree-growth.ts";
import { edgeAt, HASH_BYTES, leafHash, tileLevels } from "../../../src/sumdb/tree-hash.ts";
import { GO_ORIGIN, parseHead } from "../../../src/sumdb/tree-head.ts";
import { checkRecord, proveRecord, proveTree } from "../../../src/sumdb/tree-proof.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import fc from "../../support/properties.ts";
import { buildOracle, type Oracle, type Refusal, type Request } from "./oracle.ts";

let oracle: Oracle;
beforeAll(() => {
  oracle = buildOracle();
}, 120_000);
afterAll(() => oracle.remove());

const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString("base64");
const refused = (answer: unknown): boolean => typeof answer === "object" && answer !== null && "error" in answer;

function orRefused<T>(run: () => T): T | "refused" {
  try {
    return run();
  } catch {
    return "refused";
  }
}

const skeys = ["example.com/sumdb", "sum.example.test", "ключ"].map(generateSignerKey);

test("keys are Go's, and a note that Node signs is byte for byte the one that Go signs", async () => {
  for (const skey of skeys) {
    const signer = parseSignerKey(skey);
    const identity = { name: signer.name, hash: signer.keyHash.readUInt32BE() };
    expect(oracle.ask([{ op: "signer", args: [skey] }])).toEqual([identity]);
    expect(oracle.ask([{ op: "verifier", args: [signer.verifierKey] }])).toEqual([identity]);
    const text = "go.sum database tree\n0\nx\n";
    expect(oracle.ask([{ op: "sign", args: [skey, text] }])).toEqual([base64(await signNote(text, [signer]))]);
  }
});

test("what is no key to Go is none to us", () => {
  const good = [...skeys, ...skeys.map((skey) => parseSignerKey(skey).verifierKey)];
  const spoiled = fc
    .tuple(fc.constantFrom(...good), fc.nat(200), fc.constantFrom("", "+", " ", "A", "=", "\u00a0", "x", "/"))
    .map(([key, at, put]) => key.slice(0, at % key.length) + put + key.slice((at % key.length) + 1));
  const batch = fc.sample(fc.oneof(spoiled, fc.constantFrom(...good)), 2000);
  const theirs = oracle.ask(batch.flatMap((key) => ["signer", "verifier"].map((op) => ({ op, args: [key] }))));
  for (const [n, key] of batch.entries()) {
    const [signer, verifier] = [theirs[2 * n], theirs[2 * n + 1]];
    expect([key, orRefused(() => parseSignerKey(key).name)]).toEqual([key, nameOr(signer)]);
    expect([key, orRefused(() => parseVerifierKey(key).name)]).toEqual([key, nameOr(verifier)]);
  }
});
const nameOr = (answer: unknown): string => (refused(answer) ? "refused" : (answer as { name: string }).name);

test("notes open exactly when Go opens them", async () => {
  const signers = skeys.map(parseSignerKey);
  const note = (await signNote("a\n\nb\nc\n", signers)).toString();
  const lines = note.split("\n\n").at(-1)!.split("\n");
  const other = (await signNote("other\n", signers)).toString().split("\n\n")[1]!.split("\n");
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...lines.slice(0, 3).map((line) => `${line}\n`)) },
    { weight: 2, arbitrary: fc.constantFrom(...other.slice(0, 3).map((line) => `${line}\n`)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ..."\n|\r\n|— x YWJjZGVm\n|— x YWJj\n|- x YWJjZGVm\n|— x\n|— x  YWJjZGVm\n|— + YWJjZGVm\n|— x YWJjZGVmZ=\n|— x YWJjZGVmZh==\n|\ufeff|x".split(
          "|",
        ),
        "\u0000",
        "\u0085",
        "\u007f\n",
        "— x YWJjZGVm\n".repeat(99),
      ),
    },
  );
  const message = fc.oneof(
    fc
      .tuple(
        fc.constantFrom("a\n\nb\nc\n\n", "a\n\nb\nc\n", "", "\n", "a\u0085\n\n", "a\tb\n\n"),
        fc.array(piece, { maxLength: 4 }),
      )
      .map(([text, parts]) => Buffer.from(text + parts.join(""))),
    fc.tuple(fc.nat(note.length), fc.uint8Array({ minLength: 1, maxLength: 1 })).map(([at, byte]) => {
      const bytes = Buffer.from(note);
      bytes.set(byte, at);
      return bytes;
    }),
  );
  const keys = fc.subarray(
    signers.map(({ verifierKey }) => verifierKey),
    { minLength: 1 },
  );
  const batch = fc.sample(fc.tuple(message, keys), 4000);
  const theirs = oracle.ask(batch.map(([bytes, known]) => ({ op: "open", args: [base64(bytes), known] })));
  let opened = 0;
  for (const [n, [bytes, known]] of batch.entries()) {
    const wanted = refused(theirs[n]) ? "refused" : (theirs[n] as { text: string }).text;
    if (wanted !== "refused") opened++;
    const said = orRefused(() => openNote(bytes, known.map(parseVerifierKey)).text);
    expect([JSON.stringify(bytes.toString()), said]).toEqual([JSON.stringify(bytes.toString()), wanted]);
  }
  expect(opened).toBeGreaterThan(100);
});

test("heads, records and paths of tiles are read as Go reads them", () => {
  const root = "nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=";
  const head = fc
    .tuple(
      fc.constantFrom(`${GO_ORIGIN}\n`, `${GO_ORIGIN}x\n`, GO_ORIGIN, "sum.example.test\n"),
      fc.constantFrom("0\n", "12\n", "012\n", "-1\n", "9007199254740991\n", "x\n", "", "1 \n", "\n"),
      fc.constantFrom(`${root}\n`, root, `${root.slice(0, -1)}\n`, `${root}\nmore\n`, `${root}=\n`, "\n"),
    )
    .map((parts) => parts.join(""));
  const heads = fc.sample(head, 600);
  const trees = oracle.ask(heads.map((text) => ({ op: "parseTree", args: [text] })));
  for (const [n, text] of heads.entries()) {
    const said = orRefused(() => {
      const { size, root } = parseHead(text, GO_ORIGIN);
      return { size, root: base64(root) };
    });
    expect([text, said]).toEqual([text, refused(trees[n]) ? "refused" : trees[n]]);
  }

  const words = [
    "5\n",
    "05\n",
    "-5\n",
    "a\n",
    "\n",
    "\n\n",
    "a b\n",
    "é\n",
    "\u0000\n",
    "x",
    "\t\n",
    "\u0085\n",
    "\ufeff\n",
  ];
  const answers = fc.sample(fc.array(fc.constantFrom(...words), { maxLength: 7 }), 3000).map((some) => some.join(""));
  const records = oracle.ask(answers.map((text) => ({ op: "parseRecord", args: [base64(text)] })));
  for (const [n, text] of answers.entries()) {
    const theirs = records[n] as { id: number; text: string; rest: string } | Refusal;
    // Go reads numbers with a sign and zeros in front, which no database writes.
    const odd = /^(?:[-+]|0\d)/.test(text);
    const said = orRefused(() => {
      const { id, text: record, note } = parseLookupAnswer(Buffer.from(text));
      return { id, text: record, rest: note.toString() };
    });
    expect([text, said]).toEqual([text, refused(theirs) || odd ? "refused" : theirs]);
  }

  const places = fc.sample(fc.tuple(fc.nat(63), fc.nat({ max: 2 ** 40 }), fc.integer({ min: 1, max: 256 })), 1000);
  const paths = oracle.ask(places.map((place) => ({ op: "tilePath", args: place })));
  for (const [n, [level, number, width]] of places.entries()) {
    const { path } = tileAt(level, number, width);
    expect(path).toBe(paths[n]);
    expect(parseTilePath(path)).toMatchObject({ level, number, width });
  }
  const part = fc.constantFrom(
    "tile/8/",
    "0/",
    "1/",
    "63/",
    "64/",
    "00/",
    "data/",
    "000",
    "x001/",
    "x000/",
    "005",
    ".p/",
    "1",
    "256",
    "255",
    "/",
    "01",
  );
  const texts = fc.sample(fc.array(part, { maxLength: 7 }), 5000).map((some) => `tile/8/${some.join("")}`);
  const tiles = oracle.ask(texts.map((text) => ({ op: "parseTilePath", args: [text] })));
  for (const [n, text] of texts.entries()) {
    const tile = parseTilePath(text);
    const said = tile
      ? { level: tile.level === "data" ? -1 : tile.level, number: tile.number, width: tile.width }
      : null;
    // No tree is higher than 63 levels.
    const theirs = tiles[n] as { level: number } | null;
    expect([text, said]).toEqual([text, theirs && theirs.level > 63 ? null : theirs]);
  }
});

test("a tree that grows in any steps has Go's roots, tiles and proofs", async () => {
  const schedules = [
    [],
    [1],
    [2, 1],
    [255, 1, 1],
    [256],
    [257, 255],
    [65_535, 1],
    [65_537],
    ...fc.sample(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 }), 12),
  ];
  for (const schedule of schedules) {
    const log = new MemoryLog();
    for (const count of schedule) log.append(count);
    const size = log.texts.length;
    expect(isEdgeOf(size, log.tree.edge)).toBe(true);
    const tiles: [number, number, number][] = [];
    for (let level = 0; level < tileLevels(size); level++) {
      const { fullTiles, width } = edgeAt(size, level);
      for (let n = 0; n < Math.min(fullTiles, 3); n++) tiles.push([level, n, 256]);
      if (fullTiles > 0) tiles.push([level, fullTiles - 1, 256], [level, fullTiles - 1, 77]);
      if (width > 0) tiles.push([level, fullTiles, width], [level, fullTiles, 1]);
    }
    const some = (max: number): number[] => [0, 1, max >> 1, max - 1, max].filter((n) => n >= 0 && n <= max);
    const records = size === 0 ? [] : some(size - 1);
    const olders = some(size).filter((n) => n > 0);
    const [theirs] = oracle.ask([{ op: "tree", args: [log.texts, tiles, records, olders] }]) as [
      { root: string; tiles: string[]; recordProofs: string[][]; treeProofs: string[][] },
    ];
    const root = rootOf(log.tree);
    expect(base64(root)).toBe(theirs.root);
    for (const [n, [level, number, width]] of tiles.entries())
      expect(base64(log.tile(level, number)!.subarray(0, width * HASH_BYTES))).toBe(theirs.tiles[n]);
    const read = hashesIn(async (level, number) => log.tile(level, number)!);
    for (const [n, id] of records.entries()) {
      const proof = await proveRecord(size, id, read);
      expect(proof.map(base64)).toEqual(theirs.recordProofs[n]);
      checkRecord(proof, size, root, id, leafHash(log.texts[id]!));
    }
    for (const [n, older] of olders.entries()) {
      const proof = await proveTree(size, older, read);
      expect(proof.map(base64)).toEqual(theirs.treeProofs[n]);
    }
  }
}, 120_000);

test("a proof that was tampered with is refused exactly when Go refuses it", async () => {
  const log = new MemoryLog();
  log.append(600);
  const read = hashesIn(async (level, number) => log.tile(level, number)!);
  const requests: Request[] = [];
  const ours: boolean[] = [];
  const passes = (check: () => void): boolean => orRefused(check) === undefined;
  const spoil = (proof: Buffer[], way: number): Buffer[] => {
    const at = way % Math.max(proof.length, 1);
    if (way % 5 === 0) return proof.slice(1);
    if (way % 5 === 1) return [...proof, leafHash("x")];
    if (way % 5 === 2 && proof.length > 0) return proof.with(at, leafHash("y"));
    if (way % 5 === 3) return [...proof].reverse();
    return proof;
  };
  for (const [size, id, way] of fc.sample(fc.tuple(fc.integer({ min: 1, max: 600 }), fc.nat(599), fc.nat(40)), 800)) {
    const proof = spoil(id < size ? await proveRecord(size, id, read) : await proveRecord(600, id, read), way);
    const then = rootOf(growTree(EMPTY_TREE, log.texts.slice(0, size).map(leafHash)).tree);
    const leaf = leafHash(log.texts[id]!);
    ours.push(passes(() => checkRecord(proof, size, then, id, leaf)));
    requests.push({ op: "checkRecord", args: [proof.map(base64), size, base64(then), id, base64(leaf)] });
  }
  expect(ours).toEqual(oracle.ask(requests));
  expect(ours.filter(Boolean).length).toBeGreaterThan(50);
});

test("the client follows heads of any sizes", async () => {
  const log = new MemoryLog().append(66_000);
  let known = unknownLog(log.verifier, log);
  for (const size of [0, 3, 1, 255, 256, 256, 300, 65_536, 257, 66_000]) {
    known = await followed(known, await log.note(size));
    expect(known.head!.size).toBeGreaterThanOrEqual(size);
  }
});
