// What a checksum database says about one version of a module is a record: two lines of go.sum, of the zip and of go.mod.
// Its text is what the leaf of the tree is a hash of; its number is its place, from 0. Asked with /lookup, a database
// answers number, text, an empty line, and the signed note of a head whose tree holds the record:
//
//   42
//   example.com/mod v1.0.0 h1:…
//   example.com/mod v1.0.0/go.mod h1:…
//
//   go.sum database tree
//   1234
//   <root>
//
//   — sum.example.com <signature>
//
// Sources: Go Modules Reference, "Checksum database"; golang.org/x/mod/sumdb (server.go, client.go); sumdb/tlog (note.go,
// FormatRecord and ParseRecord).
import { LogFault, malformed } from "./log-fault.ts";
import { utf8 } from "./note.ts";

/** A sum as go.sum has it: `h1:` and 32 bytes in base64. */
const SUM = /^h1:[A-Za-z0-9+/]{43}=$/;
const CONTROL = /[^\P{Cc}\n\u007f-\u009f]/u;

/** The sums of a version. */
export interface VersionSums {
  /** Of the zip, `h1:…`. */
  readonly h1: string;
  /** Of go.mod, `h1:…`. */
  readonly goModH1: string;
}

/** An answer to a lookup, taken apart and not yet believed. */
export interface LookupAnswer {
  readonly id: number;
  /** The record, with its last newline. */
  readonly text: string;
  /** The signed note of a head. */
  readonly note: Buffer;
}

/** The text of the record of a version: exactly two lines. */
export function recordText(modulePath: string, version: string, { h1, goModH1 }: VersionSums): string {
  return `${modulePath} ${version} ${h1}\n${modulePath} ${version}/go.mod ${goModH1}\n`;
}

/** tlog's isValidRecordText: lines without control characters, none of them empty, the last one ended. */
function isRecordText(text: string): boolean {
  return text.endsWith("\n") && !text.includes("\n\n") && !CONTROL.test(text);
}

/** An answer to a lookup: `head` is the signed note of a tree that holds the record. */
export function lookupAnswer(id: number, text: string, note: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${id}\n${text}\n`), note]);
}

/** Takes an answer to a lookup apart. Throws malformed. */
export function parseLookupAnswer(bytes: Buffer): LookupAnswer {
  const whole = utf8(bytes);
  const [, id = "", rest = ""] = /^(0|[1-9]\d{0,15})\n(.*)$/s.exec(whole ?? "") ?? [];
  const end = rest.indexOf("\n\n");
  const text = rest.slice(0, end + 1);
  if (end < 0 || !Number.isSafeInteger(Number(id)) || !isRecordText(text))
    throw malformed("this is no answer of a checksum database: number, record, empty line, note");
  return { id: Number(id), text, note: Buffer.from(rest.slice(end + 2)) };
}

/**
 * The sums of a version in a record's text, which must have been proved: what stands beside it in an answer is not signed.
 * Lines of something else are passed over. Throws missing when a line is not there, is no sum, or is there twice.
 */
export function sumsInRecord(text: string, modulePath: string, version: string): VersionSums {
  const lines = text.split("\n");
  const sumOf = (what: string): string => {
    const found = lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1));
    if (found.length !== 1 || !SUM.test(found[0]!))
      throw new LogFault("missing", `the record does not say, in one line, what the sum of ${what} is`);
    return found[0]!;
  };
  return {
    h1: sumOf(`${modulePath} ${version}`),
    goModH1: sumOf(`${modulePath} ${version}/go.mod`),
  };
}

/** Module path, version and sums of a record of exactly two lines; undefined for another. */
export function parseRecord(text: string): ({ modulePath: string; version: string } & VersionSums) | undefined {
  const [first = "", second = "", ...rest] = text.split("\n");
  const [modulePath = "", version = "", h1 = "", ...more] = first.split(" ");
  const goModH1 = second.slice(`${modulePath} ${version}/go.mod `.length);
  const good = rest.length === 1 && rest[0] === "" && more.length === 0 && SUM.test(h1) && SUM.test(goModH1);
  if (!good || text !== recordText(modulePath, version, { h1, goModH1 })) return undefined;
  return { modulePath, version, h1, goModH1 };
}

/** The data tile of records as Go has it: each text and an empty line, without numbers. */
export function dataTile(texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\n`).join(""));
}

/** The texts in a data tile. Throws malformed. */
export function parseDataTile(bytes: Buffer): string[] {
  const whole = utf8(bytes);
  if (whole === undefined || (whole !== "" && !whole.endsWith("\n\n"))) throw malformed("this is no tile of records");
  const texts = whole
    .split("\n\n")
    .slice(0, -1)
    .map((text) => `${text}\n`);
  if (!texts.every((text) => isRecordText(text) && !text.startsWith("\n")))
    throw malformed("this is no tile of records");
  return texts;
}

/** Texts of records as an entry bundle of C2SP's tlog-tiles: before each its length in two bytes, big-endian. */
export function entryBundle(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const entry = Buffer.from(text);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(entry.length);
      return [length, entry];
    }),
  );
}
