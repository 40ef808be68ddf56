// Which directories of a module are packages, of modules that are larger than anybody's.
import { expect, test } from "vitest";
import { directoriesWithPackages, goDirectories } from "../../../src/registry/documentation/go-directories.ts";
import type { ModuleFile } from "../../../src/registry/modules/module-files.ts";

const file = (path: string): ModuleFile => ({ path, size: 10n }) as ModuleFile;

test("of 20,000 packages the first 10,000 are documented, and the others are counted", () => {
  const files = Array.from({ length: 20_000 }, (_, n) => file(`p${String(n).padStart(5, "0")}/p.go`));
  const { directories, leftOut } = goDirectories(files);
  expect([directories.length, directories.at(-1)?.path, leftOut]).toEqual([10_000, "p09999", 10_000]);
  expect(directoriesWithPackages(files)).toHaveLength(20_000);
});

test("test data, vendored packages, hidden directories and tests alone are no packages", () => {
  const files = ["a.go", "testdata/t.go", "vendor/v/v.go", ".git/g.go", "only/only_test.go", "x/vendored/v.go"].map(
    file,
  );
  expect(directoriesWithPackages(files)).toEqual(["", "x/vendored"]);
});
