// What is read of a stranger's go.mod, once for all who ask about the same bytes.
import { expect, test } from "vitest";
import { MAX_READ_BYTES, readGoMod, readLargeGoMod } from "../../../src/registry/versions/readable-go-mod.ts";
import { loopTurnsDuring } from "../../support/loop-turns.ts";

const requiring = (count: number): Buffer =>
  Buffer.from(
    `module example.com/m\n\nrequire (\n${Array.from({ length: count }, (_, n) => `\texample.com/required-${n} v1.0.${n}`).join("\n")}\n)\n`,
  );

test("a go.mod is parsed once for each Buffer, but for a tiny one, which is not kept", () => {
  const large = requiring(3_000);
  expect(readGoMod(large).file?.requires).toHaveLength(3_000);
  expect(readGoMod(large)).toBe(readGoMod(large));
  const broken = Buffer.concat([large, Buffer.from("require\n")]);
  expect(readGoMod(broken)).toMatchObject({ isInvalid: true });
  expect(readGoMod(broken)).toBe(readGoMod(broken));
  const small = Buffer.from("module example.com/m\n");
  expect(readGoMod(small)).not.toBe(readGoMod(small));
  expect(readGoMod(small)).toEqual(readGoMod(small));
});

test("a large one that was read ahead is not read again, whatever is wrong with it; a small one is not read ahead", async () => {
  const broken = Buffer.concat([requiring(3_000), Buffer.from("require\n")]);
  for (const goMod of [requiring(3_000), broken, Buffer.alloc(MAX_READ_BYTES + 1, " ")]) {
    const [turns, same] = [await loopTurnsDuring(() => readLargeGoMod(goMod)), readGoMod(Buffer.from(goMod))];
    expect(await loopTurnsDuring(async () => expect(readGoMod(goMod)).toEqual(same))).toBeLessThanOrEqual(1);
    if (goMod.length <= MAX_READ_BYTES) expect(turns).toBeGreaterThan(0);
  }
  expect(await loopTurnsDuring(() => readLargeGoMod(requiring(3)))).toBe(0);
});

test("a go.mod that is too large is not read, and that is no fault of it", () => {
  const { file, isInvalid, problem } = readGoMod(Buffer.alloc(MAX_READ_BYTES + 1, " "));
  expect([file, isInvalid]).toEqual([undefined, false]);
  expect(problem).toContain("only its module line is read");
});
