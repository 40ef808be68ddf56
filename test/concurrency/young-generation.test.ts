// What V8 makes of work that goes through very many files. In processes of their own, as the size of the young generation is
// one for all that a process does.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryDirectory } from "../support/git-fixture.ts";

const scratch = temporaryDirectory();
afterAll(() => scratch.dispose());

const SOURCE = join(import.meta.dirname, "../../src");

/** Bytes of the young generation when growth has been forbidden, and when it is allowed again: it may grow at any time around. */
type Sizes = readonly [before: number, after: number];

/**
 * Runs a script, JavaScript of a module that prints JSON, which has `youngBytes()`: of both halves, if the second was used. And
 * `sizes()`: what it had when our code told V8 about its growth, in its order, two and two. Both collect before they look: when
 * the threads of a collection wait for a processor it takes pages that the young generation does not keep.
 */
function inNode(script: string): unknown {
  const prelude = `import v8, { getHeapSpaceStatistics } from "node:v8";
    import { syncBuiltinESMExports } from "node:module";
    const youngBytes = () => {
      gc({ type: "minor" });
      return getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size;
    };
    const told = [];
    const { setFlagsFromString } = v8;
    v8.setFlagsFromString = (flag) => {
      if (told.length % 2 === 1) told.push(youngBytes());
      setFlagsFromString(flag);
      if (told.length % 2 === 0 && flag.endsWith("=1")) told.push(youngBytes());
    };
    syncBuiltinESMExports();
    const sizes = () => Array.from({ length: told.length / 2 }, (_, n) => told.slice(2 * n, 2 * n + 2));`;
  const options = { encoding: "utf8" as const, cwd: scratch.path };
  const args = ["--expose-gc", "--input-type=module", "-e", prelude + script];
  return JSON.parse(execFileSync(process.execPath, args, options));
}

test("it does not grow while some of such work lasts, and may do so afterwards", () => {
  const { during, whole, after } = inNode(`
    const { withoutYoungGrowth } = await import("${SOURCE}/concurrency/young-generation.ts");
    const keepMuch = () => {
      const kept = [];
      for (let i = 0; i < 500_000; i++) kept.push({ i });
      return youngBytes();
    };
    const during = [];
    const longer = Promise.withResolvers();
    const first = withoutYoungGrowth(() => longer.promise);
    await withoutYoungGrowth(async () => during.push(keepMuch()));
    during.push(keepMuch());
    longer.resolve();
    await first;
    console.log(JSON.stringify({ during, whole: sizes(), after: keepMuch() }));`) as {
    during: number[];
    whole: Sizes[];
    after: number;
  };
  expect(whole.length).toBe(1);
  const [[before, atEnd]] = whole as [Sizes];
  for (const size of [...during, atEnd]) expect(size).toBeLessThanOrEqual(2 * before);
  expect(after).toBeGreaterThan(2 * before);
});

test("it does not grow while the zip of 8,000 files is made and judged", () => {
  const sizes = inNode(`
    const { execFileSync } = await import("node:child_process");
    const { open } = await import("node:fs/promises");
    const { archiveModule } = await import("${SOURCE}/git/objects/archive.ts");
    const { Repositories } = await import("${SOURCE}/git/objects/repositories.ts");
    const { admitZip } = await import("${SOURCE}/upstream/admission.ts");
    const directory = process.cwd() + "/many.git";
    execFileSync("git", ["init", "--quiet", "--bare", directory]);
    const goMod = "module example.com/m\\n";
    const files = Array.from({ length: 8_000 }, (_, i) => "M 100644 :1 generated/" + (i % 50) + "/file" + i + ".go\\n");
    execFileSync("git", ["-C", directory, "fast-import", "--quiet"], {
      input: "blob\\nmark :1\\ndata 10\\npackage p\\n\\nblob\\nmark :2\\ndata " + goMod.length + "\\n" + goMod +
        "\\ncommit refs/heads/main\\ncommitter a <a@example.com> 1700000000 +0000\\ndata 0\\nM 100644 :2 go.mod\\n" +
        files.join(""),
    });
    const repositories = new Repositories();
    const repository = repositories.at(directory);
    const commit = execFileSync("git", ["-C", directory, "rev-parse", "main"], { encoding: "utf8" }).trim();
    const file = process.cwd() + "/many.zip";
    const { size } = await archiveModule({
      repository, commit, subdir: "", modulePath: "example.com/m", version: "v1.0.0", file,
    });
    const zip = await open(file);
    await admitZip("example.com/m", "v1.0.0", zip, size, Buffer.from(goMod));
    await zip.close();
    await repositories.close();
    console.log(JSON.stringify(sizes()));`) as Sizes[];
  expect(sizes.length).toBe(2);
  for (const [before, after] of sizes) expect(after).toBeLessThanOrEqual(2 * before);
});
