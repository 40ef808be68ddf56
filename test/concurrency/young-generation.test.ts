// What V8 makes of work that goes through very many files. In processes of their own, as the size of the young generation is
// one for all that a process does.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryDirectory } from "../support/git-fixture.ts";

const scratch = temporaryDirectory();
afterAll(() => scratch.dispose());

const SOURCE = join(import.meta.dirname, "../../src");

/** Runs a script, JavaScript of a module that prints JSON, which has `youngBytes()`: of both halves, if the second was used. */
function inNode(script: string): unknown {
  const prelude = `import { getHeapSpaceStatistics } from "node:v8";
    const youngBytes = () => getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size;`;
  const options = { encoding: "utf8" as const, cwd: scratch.path };
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", prelude + script], options));
}

test("it does not grow while some of such work lasts, and may do so afterwards", () => {
  const [before, during, stillDuring, after] = inNode(`
    import { withoutYoungGrowth } from "${SOURCE}/concurrency/young-generation.ts";
    const keepMuch = () => {
      const kept = [];
      for (let i = 0; i < 500_000; i++) kept.push({ i });
      return youngBytes();
    };
    const sizes = [youngBytes()];
    const longer = Promise.withResolvers();
    const first = withoutYoungGrowth(() => longer.promise);
    await withoutYoungGrowth(async () => sizes.push(keepMuch()));
    sizes.push(keepMuch());
    longer.resolve();
    await first;
    sizes.push(keepMuch());
    console.log(JSON.stringify(sizes));`) as [number, number, number, number];
  expect(during).toBeLessThanOrEqual(2 * before);
  expect(stillDuring).toBeLessThanOrEqual(2 * before);
  expect(after).toBeGreaterThan(2 * before);
});

test("it does not grow while the zip of 8,000 files is made and judged", () => {
  const [before, made, judged] = inNode(`
    import { execFileSync } from "node:child_process";
    import { open } from "node:fs/promises";
    import { archiveModule } from "${SOURCE}/git/objects/archive.ts";
    import { Repositories } from "${SOURCE}/git/objects/repositories.ts";
    import { admitZip } from "${SOURCE}/upstream/admission.ts";
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
    const sizes = [youngBytes()];
    const { size } = await archiveModule({
      repository, commit, subdir: "", modulePath: "example.com/m", version: "v1.0.0", file,
    });
    sizes.push(youngBytes());
    const zip = await open(file);
    await admitZip("example.com/m", "v1.0.0", zip, size, Buffer.from(goMod));
    await zip.close();
    sizes.push(youngBytes());
    await repositories.close();
    console.log(JSON.stringify(sizes));`) as [number, number, number];
  expect(made).toBeLessThanOrEqual(2 * before);
  expect(judged).toBeLessThanOrEqual(2 * before);
});
