import { expect, test } from "vitest";
import { MAX_ZIP_FILE } from "../../src/gomod/module-zip.ts";
import { checkModuleZip, zipProblem } from "../../src/gomod/zip-check.ts";

const check = async (...names: string[]): Promise<string | undefined> =>
  zipProblem(
    await checkModuleZip(
      "a.b/c@v1.0.0",
      names.map((name) => ({ name, size: 1 })),
      100,
    ),
  );

test("a good zip", async () => {
  expect(
    await check("a.b/c@v1.0.0/", "a.b/c@v1.0.0/go.mod", "a.b/c@v1.0.0/sub/", "a.b/c@v1.0.0/sub/x.go"),
  ).toBeUndefined();
});

test.each([
  ["a.b/c@v1.0.1/x", 'path does not have prefix "a.b/c@v1.0.0/"'],
  ["a.b/c@v1.0.0/sub/../x", "file path is not clean"],
  ["a.b/c@v1.0.0/sub/GO.MOD", "go.mod file not in module root directory"],
  ["a.b/c@v1.0.0/Go.mod", "go.mod files must have lowercase names"],
  ["a.b/c@v1.0.0/aux.go", 'malformed file path "aux.go": "aux" disallowed as path element component on Windows'],
  ["a.b/c@v1.0.0/X.go", 'case-insensitive file name collision: "x.go" and "X.go"'],
])("%s is refused", async (name, reason) => {
  expect(await check("a.b/c@v1.0.0/x.go", name)).toBe(`${name}: ${reason}`);
});

test("sizes", async () => {
  const sized = (name: string, size: number) => checkModuleZip("m@v1", [{ name: `m@v1/${name}`, size }], 100);
  expect(zipProblem(await sized("x", MAX_ZIP_FILE))).toBeUndefined();
  expect(zipProblem(await sized("x", MAX_ZIP_FILE + 1))).toMatch(
    /^total uncompressed size of module contents too large/,
  );
  expect(zipProblem(await sized("go.mod", 17 * 1024 * 1024))).toMatch(/go\.mod file too large/);
  expect(zipProblem(await checkModuleZip("m@v1", [], MAX_ZIP_FILE + 1))).toMatch(/^module zip file is too large/);
});
