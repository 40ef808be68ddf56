// How checksum databases are named and asked, and what their answers look like.
import { createHash, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { databaseIn, PUBLIC_DATABASE, parseSumDatabases } from "../../src/sumdb/database-name.ts";
import { dataTile, entryBundle, parseDataTile, parseRecord, recordText } from "../../src/sumdb/record.ts";
import { parseC2spTilePath, parseTilePath, tilePrefix } from "../../src/sumdb/tile-path.ts";

/** A verifier key of a name, as golang.org/x/mod/sumdb/note makes it. */
function verifierKey(name: string): string {
  const der = generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" });
  const key = Buffer.concat([Buffer.of(1), der.subarray(-32)]);
  const hash = createHash("sha256").update(`${name}\n`).update(key).digest("hex").slice(0, 8);
  return `${name}+${hash}+${key.toString("base64")}`;
}

test("databases as GOSUMDB spells them", () => {
  const [a, b] = [verifierKey("sum.example.com"), verifierKey("localhost.localdev/sumdb")];
  expect(parseSumDatabases(`${PUBLIC_DATABASE.name}, ${a} ,${b}  http://127.0.0.1:8080/db/`)).toEqual([
    PUBLIC_DATABASE,
    { name: "sum.example.com", verifierKey: a, url: undefined },
    { name: "localhost.localdev/sumdb", verifierKey: b, url: "http://127.0.0.1:8080/db" },
  ]);
  expect(parseSumDatabases("off")).toEqual([]);
  expect(PUBLIC_DATABASE.verifierKey.startsWith(`${PUBLIC_DATABASE.name}+`)).toBe(true);
});

test.each([
  ["sum.example.com", /is no verifier key/],
  ["off,off", /off stands alone/],
  [`${verifierKey("a.example")} https://x.example y`, /too many words/],
  [`${verifierKey("a.example")} ftp://x.example`, /is not the http\(s\) URL/],
  [`${verifierKey("a.example")} https://u:p@x.example`, /is not the http\(s\) URL/],
  [verifierKey("a.example").replace("a.example", "b.example"), /the hash does not belong/],
  [`${verifierKey("a.example").slice(0, -8)}`, /is no verifier key/],
  [verifierKey("a.example/"), /must be host\[\/path\]/],
  [verifierKey("a.example?x"), /must be host\[\/path\]/],
  [verifierKey("a.example/../b"), /must be host\[\/path\]/],
  [verifierKey("u@a.example"), /must be host\[\/path\]/],
  [verifierKey(`a.example/${"x".repeat(200)}`), /must be host\[\/path\]/],
  [`${verifierKey("a.example")},${verifierKey("a.example")}`, /a\.example is given twice/],
])("%s is a mistake", (text, message) => {
  expect(() => parseSumDatabases(text)).toThrow(message);
});

test("a name may hold slashes, and the longest one wins", () => {
  const databases = parseSumDatabases(["a.example", "a.example/db", "b.example"].map(verifierKey).join(","));
  const found = (path: string): string => {
    const { database, rest } = databaseIn(databases, path) ?? {};
    return database ? `${database.name} ${rest}` : "none";
  };
  expect(found("a.example/supported")).toBe("a.example supported");
  expect(found("a.example/db/tile/8/0/000")).toBe("a.example/db tile/8/0/000");
  expect(found("a.example/dba/latest")).toBe("a.example dba/latest");
  expect([found("c.example/latest"), found("a.example"), found("")]).toEqual(["none", "none", "none"]);
});

test("paths of tiles", () => {
  expect(parseTilePath("tile/8/0/x001/x234/067")).toMatchObject({ level: 0, number: 1_234_067, width: 256 });
  expect(parseTilePath("tile/8/data/000.p/1")).toMatchObject({ level: "data", number: 0, width: 1 });
  expect(parseTilePath("tile/8/12/005.p/255")).toMatchObject({ level: 12, fullPath: "tile/8/12/005" });
  for (const path of [
    "tile/8/0/000.p/0",
    "tile/8/0/000.p/256",
    "tile/8/0/000.p/01",
    "tile/8/0/x000/001",
    "tile/8/0/1",
    "tile/8/0/x01/001",
    "tile/8/00/000",
    "tile/8/64/000",
    "tile/7/0/000",
    "tile/8/-1/000",
    "tile/8/0/../000",
    "tile/8/0/000/",
    "tile/8/0/000\n",
    "tile/8/0/x001/x001/x001/x001/x001/001",
  ])
    expect(parseTilePath(path), path).toBeUndefined();
});

test("a narrow tile is the beginning of a wide one", () => {
  const hashes = Buffer.alloc(10 * 32, 7);
  expect(tilePrefix(0, hashes, 3)).toHaveLength(96);
  expect(tilePrefix(0, hashes, 11)).toBeUndefined();
  expect(tilePrefix(0, hashes.subarray(1), 3)).toBeUndefined();
  const records = Buffer.from("0\na\nb\n\n1\nc\nd\n\n");
  expect(tilePrefix("data", records, 1)?.toString()).toBe("0\na\nb\n\n");
  expect(tilePrefix("data", records, 3)).toBeUndefined();
});

test("C2SP's names of tiles, which are none of Go's", () => {
  expect(parseC2spTilePath("tile/0/x001/067.p/9")).toMatchObject({ level: 0, number: 1067, width: 9 });
  expect(parseC2spTilePath("tile/entries/000")).toMatchObject({ level: "data", number: 0, width: 256 });
  for (const path of ["tile/8/0/000", "tile/8/data/000", "tile/8/12/x001/005.p/3", "tile/data/000", "tile/64/000"])
    expect(parseC2spTilePath(path), path).toBeUndefined();
  for (const path of ["tile/0/000", "tile/8/000", "tile/entries/000", "tile/1/x001/000.p/2"])
    expect(parseTilePath(path), path).toBeUndefined();
});

test("records go into tiles and bundles, and come out of tiles again", () => {
  const sums = (letter: string) => ({ h1: `h1:${letter.repeat(43)}=`, goModH1: `h1:${"B".repeat(43)}=` });
  const texts = ["a", "example.com/very/long"].map((path) => recordText(path, "v1.0.0+incompatible", sums("A")));
  expect(parseDataTile(dataTile(texts))).toEqual(texts);
  expect(parseDataTile(Buffer.alloc(0))).toEqual([]);
  expect(entryBundle(["a\n", `${"b".repeat(299)}\n`]).toString("latin1")).toBe(
    `\x00\x02a\n\x01\x2c${"b".repeat(299)}\n`,
  );
  expect(parseRecord(texts[0]!)).toEqual({ modulePath: "a", version: "v1.0.0+incompatible", ...sums("A") });
  for (const wrong of [
    `${texts[0]}x y h1:z\n`,
    texts[0]!.replace("A=", "A"),
    "a\n",
    "",
    texts[0]!.replace("/go.mod", ""),
  ])
    expect(parseRecord(wrong), wrong).toBeUndefined();
  for (const bytes of ["a\n", "a\n\nb", "a\n\n\nb\n\n"])
    expect(() => parseDataTile(Buffer.from(bytes))).toThrow("no tile of records");
});
