// The list and the vendor table are those of golang.org/x/mod/zip (testdata/check_files, vendor_test.go).

import { expect, test } from "vitest";
import { foldCase } from "../../src/gomod/case-fold.ts";
import {
  MAX_GO_MOD,
  MAX_LICENSE,
  MAX_ZIP_FILE,
  needsRootLicense,
  requireValidSelection,
  selectZipFiles,
  type ZipEntry,
} from "../../src/gomod/module-zip.ts";

const file = (path: string, size = 1): ZipEntry => ({ path, kind: "file", size });
const select = (paths: string[], goMod?: string) =>
  selectZipFiles([...paths.map((path) => file(path)), ...(goMod === undefined ? [] : [file("go.mod")])], { goMod });

const VARIOUS = [
  "valid.go",
  "not/../clean",
  "GO.MOD",
  "invalid.go'",
  "vendor/x/y",
  "vendor/modules.txt",
  "sub/go.mod",
  ".hg_archival.txt",
  "valid.go",
  "valid.go",
  "pkg/vendor/vendor.go",
];

test("each file is kept, left out or wrong", async () => {
  const selection = await select(VARIOUS);
  expect(selection).toMatchObject({
    kept: ["valid.go", "vendor/modules.txt"],
    omitted: [
      { path: "vendor/x/y", reason: "file is in vendor directory" },
      { path: "sub/go.mod", reason: "file is in another module" },
      { path: ".hg_archival.txt", reason: "file is inserted by 'hg archive' and is always omitted" },
      { path: "pkg/vendor/vendor.go", reason: "file is in vendor directory" },
    ],
    invalid: [
      { path: "not/../clean", reason: "file path is not clean" },
      { path: "GO.MOD", reason: "go.mod files must have lowercase names" },
      { path: "invalid.go'", reason: `malformed file path "invalid.go'": invalid char '\\''` },
      { path: "valid.go", reason: 'multiple entries for file "valid.go"' },
    ],
  });
  expect(() => requireValidSelection(selection)).toThrow(
    /^create zip: not\/\.\.\/clean: file path is not clean\nGO\.MOD: /,
  );
});

test.each([
  ["vendor/foo/foo.go", true, true],
  ["pkg/vendor/foo/foo.go", true, true],
  ["longpackagename/vendor/foo/foo.go", true, true],
  ["vendor/vendor.go", false, false],
  ["vendor/foo/modules.txt", true, true],
  ["modules.txt", false, false],
  ["vendor/amodules.txt", false, false],
  ["vendor/modules.txt", false, true],
  ["pkg/vendor/vendor.go", true, false],
  ["longpackagename/vendor/vendor.go", true, false],
  ["p/vendor/modules.txt", true, false],
])("%s is vendored: before Go 1.24 %s, since then %s", async (path, before, since) => {
  for (const goMod of ["go 1.23.5\n", "go 1.13\n", "", undefined]) {
    expect((await select([path], goMod)).omitted.length > 0).toBe(before);
  }
  for (const goMod of ["go 1.24\n", "go 1.24rc1\n", "go 1.99.0\n"]) {
    expect((await select([path], goMod)).omitted.length > 0).toBe(since);
  }
});

test("only omitted files may have bad names", async () => {
  expect((await select(["vendor/x/aux.go", "nested/go.mod", "nested/b'd"])).invalid).toEqual([]);
  expect((await select(["vendor/aux.go"])).invalid).toHaveLength(1);
  expect((await select(["vendor/f.go", "Vendor/g.go"])).invalid).toEqual([
    { path: "Vendor/g.go", reason: 'case-insensitive file name collision: "vendor" and "Vendor"' },
  ]);
});

test("links are left out, but their names must be good", async () => {
  const link = (path: string): ZipEntry => ({ path, kind: "symlink", size: 1 });
  expect(await selectZipFiles([link("a"), file("b")], { goMod: undefined })).toMatchObject({
    kept: ["b"],
    invalid: [],
  });
  expect((await selectZipFiles([link("aux"), file("b")], { goMod: undefined })).invalid).toHaveLength(1);
  expect((await selectZipFiles([link("B"), file("b")], { goMod: undefined })).invalid).toHaveLength(1);
  // A linked go.mod starts no module.
  expect((await selectZipFiles([link("sub/go.mod"), file("sub/b")], { goMod: undefined })).kept).toEqual(["sub/b"]);
});

test("a name cannot be both a file and a directory", async () => {
  expect((await select(["LICENSE/mit", "LICENSE"])).invalid).toEqual([
    { path: "LICENSE", reason: 'entry "LICENSE" is both a file and a directory' },
  ]);
});

test("limits", async () => {
  const check = (...entries: ZipEntry[]) => selectZipFiles(entries, { goMod: undefined });
  expect((await check(file("go.mod", MAX_GO_MOD), file("LICENSE", MAX_LICENSE))).kept).toHaveLength(2);
  expect((await check(file("go.mod", MAX_GO_MOD + 1))).invalid[0]?.reason).toBe(
    "go.mod file too large (max size is 16777216 bytes)",
  );
  expect((await check(file("LICENSE", MAX_LICENSE + 1))).invalid[0]?.reason).toBe(
    "LICENSE file too large (max size is 16777216 bytes)",
  );
  expect((await check(file("a", MAX_ZIP_FILE))).sizeError).toBeUndefined();
  const tooLarge = await check(file("a", MAX_ZIP_FILE), file("b", 1));
  expect(tooLarge.sizeError).toBe("module source tree too large (max size is 524288000 bytes)");
  expect(() => requireValidSelection(tooLarge)).toThrow("create zip: module source tree too large");
});

test("the root's licence is for directories without one", () => {
  expect(needsRootLicense([file("a.go"), file("sub/LICENSE"), file("license")])).toBe(true);
  expect(needsRootLicense([file("a.go"), file("LICENSE")])).toBe(false);
  expect(needsRootLicense([{ path: "LICENSE", kind: "symlink" }])).toBe(false);
  expect(needsRootLicense([{ path: "LICENSE", kind: "directory" }, file("LICENSE/mit")])).toBe(true);
});

test("case is folded as Unicode says", () => {
  expect(foldCase("\u212aELVIN")).toBe(foldCase("kelvin"));
  expect(foldCase("\u017f")).toBe(foldCase("S"));
  expect(foldCase("ΟΔΟΣ")).toBe(foldCase("οδος"));
  expect(foldCase("ẞ")).toBe(foldCase("ß"));
  expect(foldCase("ß")).not.toBe(foldCase("ss"));
  expect(foldCase("ı")).not.toBe(foldCase("i"));
  expect(foldCase("İ")).not.toBe(foldCase("i"));
});
