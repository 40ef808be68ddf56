import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { h1OfFiles, h1OfGoMod, parseH1Hash } from "../../src/gomod/dir-hash.ts";

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

test("the hash is over the sorted lines, as TestHash1 has it", () => {
  const wanted = `h1:${createHash("sha256")
    .update(`${sha256("data for abc").toString("hex")}  abc\n${sha256("data for xyz").toString("hex")}  xyz\n`)
    .digest("base64")}`;
  const files = [
    { name: "xyz", sha256: sha256("data for xyz") },
    { name: "abc", sha256: sha256("data for abc").toString("hex") },
  ];
  expect(h1OfFiles(files)).toBe(wanted);
  expect(parseH1Hash(wanted)).toBe(wanted);
});

test("names are sorted by their bytes, not by UTF-16", () => {
  const astral = { name: "\u{10437}", sha256: sha256("") };
  const high = { name: "\uff21", sha256: sha256("") };
  const line = ({ name }: { name: string }): string => `${sha256("").toString("hex")}  ${name}\n`;
  const wanted = createHash("sha256")
    .update(line(high) + line(astral))
    .digest("base64");
  expect(h1OfFiles([astral, high])).toBe(`h1:${wanted}`);
});

test("the go.sum lines of rsc.io/quote v1.5.2", () => {
  const goMod = 'module "rsc.io/quote"\n\nrequire "rsc.io/sampler" v1.3.0\n';
  expect(h1OfGoMod(goMod)).toBe("h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=");
  expect(h1OfGoMod(Buffer.from(goMod))).toBe(h1OfGoMod(goMod));
});

test("refused", () => {
  expect(() => h1OfFiles([{ name: "a\nb", sha256: sha256("") }])).toThrow("newlines");
  for (const text of [
    "",
    "h1:",
    "h1:abc=",
    "h2:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=",
    "h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr1=",
  ]) {
    expect(() => parseH1Hash(text)).toThrow();
  }
});
