import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { createFileHashes, type H1Hash, h1OfGoMod } from "../../src/gomod/dir-hash.ts";

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

function h1Of(prefix: string, files: readonly { path: string; sha256: Buffer }[]): Promise<H1Hash> {
  const hashes = createFileHashes(prefix);
  for (const { path, sha256: sum } of files) hashes.add(path, sum);
  return hashes.h1();
}

test("the hash is over the sorted lines, as TestHash1 has it", async () => {
  const wanted = `h1:${createHash("sha256")
    .update(
      `${sha256("data for abc").toString("hex")}  m@v1/abc\n${sha256("data for xyz").toString("hex")}  m@v1/xyz\n`,
    )
    .digest("base64")}`;
  const files = [
    { path: "xyz", sha256: sha256("data for xyz") },
    { path: "abc", sha256: sha256("data for abc") },
  ];
  expect(await h1Of("m@v1", files)).toBe(wanted);
  expect(await h1Of("m@v1", files.toReversed())).toBe(wanted);
});

test("names are sorted by their bytes, not by UTF-16", async () => {
  const astral = { path: "\u{10437}", sha256: sha256("") };
  const high = { path: "\uff21", sha256: sha256("") };
  const line = ({ path }: { path: string }): string => `${sha256("").toString("hex")}  m@v1/${path}\n`;
  const wanted = createHash("sha256")
    .update(line(high) + line(astral))
    .digest("base64");
  expect(await h1Of("m@v1", [astral, high])).toBe(`h1:${wanted}`);
});

test("the go.sum lines of rsc.io/quote v1.5.2", () => {
  const goMod = 'module "rsc.io/quote"\n\nrequire "rsc.io/sampler" v1.3.0\n';
  expect(h1OfGoMod(goMod)).toBe("h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=");
  expect(h1OfGoMod(Buffer.from(goMod))).toBe(h1OfGoMod(goMod));
});

test("refused", async () => {
  await expect(h1Of("m@v1", [{ path: "a\nb", sha256: sha256("") }])).rejects.toThrow("newlines");
});
