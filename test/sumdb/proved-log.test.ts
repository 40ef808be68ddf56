// What a client believes of a log that lies, in every way that a log or somebody before it can.
import { beforeAll, describe, expect, test } from "vitest";
import type { LogFault, LogFaultKind } from "../../src/sumdb/log-fault.ts";
import { generateSignerKey, parseSignerKey, signNote } from "../../src/sumdb/note.ts";
import { followed, knownLog, type ProvedLog, provedLookup, unknownLog } from "../../src/sumdb/proved-log.ts";
import type { TileSource } from "../../src/sumdb/proved-tiles.ts";
import { lookupAnswer, recordText } from "../../src/sumdb/record.ts";
import type { TilePath } from "../../src/sumdb/tile-path.ts";
import { rootOf } from "../../src/sumdb/tree-growth.ts";
import { HASH_BYTES } from "../../src/sumdb/tree-hash.ts";
import { GO_ORIGIN, headText, signHead } from "../../src/sumdb/tree-head.ts";
import { MemoryLog, sumsOf } from "../support/memory-log.ts";

const [PATH, VERSION] = ["example.com/m", "v1.0.0"];
const SIZE = 70_000;

let log: MemoryLog;
let id: number;
/** A client that has followed the log to a head of 66,000. */
let known: ProvedLog;

beforeAll(async () => {
  log = new MemoryLog().append(66_300);
  id = log.record(PATH, VERSION);
  log.append(SIZE - log.texts.length);
  known = await followed(unknownLog(log.verifier, log), await log.note(66_000));
});

/** Another source of tiles; the client has nothing in memory. */
const asked = (source: TileSource, note: Buffer = known.head!.note): ProvedLog => knownLog(log.verifier, source, note);

async function faultOf(promise: Promise<unknown>): Promise<LogFaultKind | "none"> {
  return promise.then(
    () => "none",
    (error: LogFault) => error.kind,
  );
}

const lookup = (of: ProvedLog, answer: Buffer) => provedLookup(of, answer, PATH, VERSION);

test("an honest answer is proved, and what was proved is told so that it can be kept", async () => {
  const kept = new Map<string, Buffer>();
  const source: TileSource = {
    read: (tile) => log.read(tile),
    proved: (tile: TilePath, bytes: Buffer) => void kept.set(tile.path, bytes),
  };
  const { sums, log: next } = await lookup(asked(source), await log.answer(id));
  expect(sums).toEqual(sumsOf(`${PATH}@${VERSION}`));
  expect(next.head!.size).toBe(SIZE);
  for (const [path, bytes] of kept) {
    const [, level, number] = /^tile\/8\/(\d+)\/(.*?)(?:\.p\/\d+)?$/.exec(path)!;
    expect(bytes.equals(log.tile(Number(level), Number(number!.replace(/[x/]/g, "")))!.subarray(0, bytes.length))).toBe(
      true,
    );
  }
  expect([...kept.keys()].sort()).toEqual([
    "tile/8/0/257",
    "tile/8/0/258",
    "tile/8/0/273.p/112",
    "tile/8/1/001.p/17",
    "tile/8/2/000.p/1",
  ]);
});

test("a client that is ahead takes an answer with an old head, and stays where it is", async () => {
  const ahead = await followed(known, await log.note());
  const { log: next } = await lookup(ahead, await log.answer(id, await log.note(300)));
  expect(next.head!.size).toBe(SIZE);
});

test("tiles that are full by now take the place of partial ones that are gone", async () => {
  const source: TileSource = {
    async read(tile) {
      const full = log.tile(tile.level as number, tile.number)!.length === 256 * HASH_BYTES;
      return full && tile.width < 256 ? undefined : log.read(tile);
    },
  };
  const old = asked(source, await log.note(1_000));
  expect(await faultOf(lookup({ ...old, source: log }, await log.answer(id)))).toBe("none");
  expect(
    await faultOf(lookup(await followed(old, await log.note()), await log.answer(id, await log.note(1_000)))),
  ).toBe("none");
});

describe("a lie is found:", () => {
  const forked = () => log.branch(65_990).append(["something else\n"]);

  test("another history, larger, smaller and of the same size, with both notes as proof", async () => {
    for (const size of [66_000, 66_001, 80_000]) {
      const other = forked();
      other.append(size - other.texts.length);
      const answer = lookupAnswer(0, other.texts[0]!, await other.note());
      const error = await lookup(asked(other), answer).catch((fault: LogFault) => fault);
      // Of the same size the tiles are those of the held head, which the other log does not have.
      if (size === 66_000) expect(await faultOf(lookup(asked(log), answer))).toBe("fork");
      else {
        expect(error).toMatchObject({ kind: "fork" });
        const { older, newer } = (error as LogFault).evidence!;
        expect([older.equals(known.head!.note), newer.equals(await other.note())]).toEqual([true, true]);
      }
    }
    const smaller = log.branch(10).append(["else\n"]);
    expect(await faultOf(followed(asked(log), await smaller.note()))).toBe("fork");
  });

  test("a record of another place, of another module, changed, beyond the end", async () => {
    const note = await log.note();
    const text = log.texts[id]!;
    expect(await faultOf(lookup(asked(log), lookupAnswer(id - 1, text, note)))).toBe("unproved");
    expect(await faultOf(lookup(asked(log), lookupAnswer(SIZE, text, note)))).toBe("unproved");
    expect(await faultOf(lookup(asked(log), lookupAnswer(2 ** 50, text, note)))).toBe("unproved");
    const changed = recordText(PATH, VERSION, sumsOf("other bytes"));
    expect(await faultOf(lookup(asked(log), lookupAnswer(id, changed, note)))).toBe("unproved");
    expect(await faultOf(lookup(asked(log), await log.answer(id - 1)))).toBe("missing");
    expect(await faultOf(provedLookup(asked(log), await log.answer(id), PATH, "v1.0.1"))).toBe("missing");
  });

  test("a signed record without the wanted line, with the line twice, or with the line beside the record", async () => {
    const { h1, goModH1 } = sumsOf("x");
    for (const text of [
      `${PATH} ${VERSION}/go.mod ${goModH1}\n`,
      `${PATH} ${VERSION} ${h1}\n`,
      `${PATH} ${VERSION} ${h1}\n${PATH} ${VERSION} ${goModH1}\n${PATH} ${VERSION}/go.mod ${goModH1}\n`,
      `${PATH} ${VERSION} h1:\n${PATH} ${VERSION}/go.mod ${goModH1}\n`,
      `${PATH} ${VERSION} ${h1} \n${PATH} ${VERSION}/go.mod ${goModH1}\n`,
    ]) {
      const odd = new MemoryLog(log.signerKey).append([text]);
      expect([text, await faultOf(lookup(unknownLog(odd.verifier, odd), await odd.answer(0)))]).toEqual([
        text,
        "missing",
      ]);
    }
    // The line stands in the answer, behind the signed text, or in lines of the note that nobody signed.
    const empty = new MemoryLog(log.signerKey).append(["nothing\n"]);
    const lines = recordText(PATH, VERSION, { h1, goModH1 });
    const head = { size: 1, root: rootOf(empty.tree) };
    const note = await signNote(headText(head, GO_ORIGIN) + lines, [empty.signer]);
    expect(await faultOf(lookup(unknownLog(empty.verifier, empty), lookupAnswer(0, "nothing\n", note)))).toBe(
      "missing",
    );
    const behind = Buffer.concat([await empty.answer(0), Buffer.from(lines)]);
    expect(await faultOf(lookup(unknownLog(empty.verifier, empty), behind))).toBe("malformed");
  });

  test("every bit of every tile that is fetched: edge, inner, and behind what is needed", async () => {
    const read: TilePath[] = [];
    const watching: TileSource = {
      read(tile) {
        read.push(tile);
        return log.read(tile);
      },
    };
    await lookup(asked(watching), await log.answer(id));
    expect(read.length).toBeGreaterThanOrEqual(5);
    for (const tile of read)
      for (const at of [0, Math.floor(tile.width / 2) * HASH_BYTES, tile.width * HASH_BYTES - 1]) {
        const kept: string[] = [];
        const refuted: string[] = [];
        const spoiling: TileSource = {
          async read(one) {
            const bytes = Buffer.from((await log.read(one))!);
            if (one.path === tile.path) bytes[at]! ^= 1;
            return bytes;
          },
          proved: ({ path }) => void kept.push(path),
          refuted: ({ path }) => void refuted.push(path),
        };
        expect([tile.path, at, await faultOf(lookup(asked(spoiling), await log.answer(id)))]).toEqual([
          tile.path,
          at,
          "unproved",
        ]);
        expect(kept).not.toContain(tile.path);
        expect(refuted).toContain(tile.path);
      }
  });

  test("tiles that are too short, too long, empty or not there", async () => {
    const shapes: ((bytes: Buffer) => Buffer | undefined)[] = [
      (bytes) => bytes.subarray(0, -1),
      (bytes) => bytes.subarray(HASH_BYTES),
      (bytes) => Buffer.concat([bytes, bytes]),
      (bytes) => Buffer.concat([bytes, Buffer.alloc(HASH_BYTES)]),
      () => Buffer.alloc(0),
      () => undefined,
    ];
    for (const shape of shapes) {
      const source: TileSource = {
        read: async (tile) => shape((await log.read(tile)) ?? Buffer.alloc(tile.width * HASH_BYTES)),
      };
      expect(["malformed", "unproved"]).toContain(await faultOf(lookup(asked(source), await log.answer(id))));
    }
  });

  test("signatures: none, of another key, of another key with the name, bad, bad beside a good one, too many", async () => {
    const head = { size: SIZE, root: rootOf(log.tree) };
    const text = log.texts[id]!;
    const other = parseSignerKey(generateSignerKey("other.example.test"));
    const namesake = parseSignerKey(generateSignerKey(log.signer.name));
    const at = async (note: Buffer) => faultOf(lookup(asked(log), lookupAnswer(id, text, note)));
    const signed = async (...signers: Parameters<typeof signHead>[2]) => signHead(head, GO_ORIGIN, signers);
    expect(await at(Buffer.from(`${headText(head, GO_ORIGIN)}\n`))).toBe("malformed");
    expect(await at(await signed(other))).toBe("signature");
    expect(await at(await signed(namesake))).toBe("signature");
    const good = (await signed(log.signer)).toString();
    const bad = `${(await signHead({ ...head, size: 1 }, GO_ORIGIN, [log.signer])).toString().split("\n\n")[1]}`;
    const line = good.split("\n\n")[1]!;
    expect(await at(Buffer.from(good.replace(line, bad)))).toBe("signature");
    expect(await at(Buffer.from(good.replace(line, bad + line)))).toBe("signature");
    expect(await at(Buffer.from(good + (await signed(other)).toString().split("\n\n")[1]!.repeat(100)))).toBe(
      "malformed",
    );
    expect(await at(Buffer.from(good.replaceAll("\n", "\r\n")))).toBe("malformed");
    expect(await at(await signHead(head, log.signer.name, [log.signer]))).toBe("malformed");
    expect(await at(await signed(other, log.signer))).toBe("none");
  });

  test("a head whose tree nobody has, at the first sight of the log too", async () => {
    const note = await signHead({ size: SIZE, root: Buffer.alloc(32, 1) }, GO_ORIGIN, [log.signer]);
    expect(await faultOf(followed(unknownLog(log.verifier, log), note))).toBe("unproved");
    const empty = await signHead({ size: 0, root: Buffer.alloc(32, 1) }, GO_ORIGIN, [log.signer]);
    expect(await faultOf(followed(unknownLog(log.verifier, log), empty))).toBe("unproved");
    expect(await faultOf(followed(unknownLog(log.verifier, log), await new MemoryLog(log.signerKey).note()))).toBe(
      "none",
    );
  });

  test.each([
    "",
    "<html>",
    "1\n",
    "01\na\n\nnote",
    "-1\na\n\nnote",
    "9007199254740993\na\n\nnote",
    "1\na\u0000b\n\nnote",
    "1e3\na\n\nnote",
  ])("an answer that is none: %j", async (answer) => {
    expect(await faultOf(lookup(asked(log), Buffer.from(answer)))).toBe("malformed");
    expect(await faultOf(lookup(asked(log), Buffer.concat([Buffer.from(answer), Buffer.of(0xff)])))).toBe("malformed");
  });
});

test("what failed once is asked for again, and nobody's failure is another's", async () => {
  let down = true;
  const source: TileSource = {
    read: (tile) => (down ? Promise.reject(new Error("nobody answers")) : log.read(tile)),
  };
  const one = asked(source);
  await expect(lookup(one, await log.answer(id))).rejects.toThrow("nobody answers");
  down = false;
  expect(await faultOf(lookup(one, await log.answer(id)))).toBe("none");
});
