// What git says to people on the way of a pack, wherever the chunks of the stream end.
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fetchWords } from "../../../src/git/protocol/fetch-words.ts";
import { FLUSH, packet, packetCutter } from "../../../src/git/protocol/pkt-line.ts";
import { temporaryDirectory } from "../../support/git-fixture.ts";

const scratch = temporaryDirectory();
afterAll(() => scratch.dispose());

const real = join(scratch.path, "große Platte", "7.git");
const told = join(scratch.path, "7.git");
mkdirSync(real, { recursive: true });
symlinkSync(real, told);

const onBand = (channel: number, text: string | Buffer): Buffer =>
  packet(Buffer.concat([Buffer.from([channel]), Buffer.from(text as string)]));

function through(stream: Buffer, chunkBytes: number): Buffer {
  const words = fetchWords(told);
  const out: Buffer[] = [];
  for (let at = 0; at < stream.length; at += chunkBytes) out.push(words.take(stream.subarray(at, at + chunkBytes)));
  return Buffer.concat([...out, words.end()]);
}

test.each([1, 3, 7, 100_000])(
  "chunks of %i bytes: what is for people names no directory, the rest is as git wrote it",
  (bytes) => {
    const pack = Buffer.from(`PACK ${real} \u0002\u0003 ERR `.repeat(2_000).slice(0, 60_000));
    const stream = Buffer.concat([
      packet("NAK\n"),
      onBand(2, "Counting objects: 1\rCounting objects: 2, done.\nerror: object file "),
      onBand(1, pack),
      onBand(2, `${real.slice(0, 9)}`),
      onBand(2, `${real.slice(9)}/objects/ab/cd is empty\n`),
      onBand(2, `warning: ${told}/x`),
      onBand(3, `fatal: ${told}/packed-refs is gone`),
      FLUSH,
    ]);
    const packets = packetCutter()(through(stream, bytes));
    const of = (channel: number): string =>
      packets
        .filter((each) => each[4] === channel)
        .map((each) => each.toString("utf8", 5))
        .join("");
    expect(of(2)).toBe(
      "Counting objects: 1\rCounting objects: 2, done.\nerror: object file the repository/objects/ab/cd is empty\nwarning: the repository/x",
    );
    expect(of(3)).toBe("fatal: the repository/packed-refs is gone");
    expect(of(1)).toBe(pack.toString("utf8"));
    expect(packets[0]).toEqual(packet("NAK\n"));
    expect(packets.at(-1)).toEqual(FLUSH);
  },
);

test("an ERR packet too, and a pack without side-band comes bare", () => {
  expect(through(packet(`ERR upload-pack: cannot open ${told}/HEAD`), 5)).toEqual(
    packet("ERR upload-pack: cannot open the repository/HEAD"),
  );
  const bare = Buffer.concat([packet("NAK\n"), Buffer.from(`PACK\0\0\0\u0002${told}`), Buffer.alloc(70_000, 2)]);
  for (const bytes of [1, 5, 4_096]) expect(through(bare, bytes)).toEqual(bare);
});
