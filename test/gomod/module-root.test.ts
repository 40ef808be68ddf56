import { describe, expect, test } from "vitest";
import {
  candidateGoModPaths,
  chooseModuleDirectory,
  locateModule,
  type ModuleLocation,
  revisionOf,
} from "../../src/gomod/module-root.ts";

function locate(root: string, path: string): ModuleLocation {
  const location = locateModule(root, path);
  if (!location) throw new Error(`${path} cannot be in ${root}`);
  return location;
}

describe("where a path lies", () => {
  test.each([
    // root, path, codeDir, pathMajor, tagPrefix, the go.mod files that decide
    ["example.com/r", "example.com/r", "", "", "", "go.mod", undefined],
    ["example.com/r", "example.com/r/v2", "", "/v2", "", "go.mod", "v2/go.mod"],
    ["example.com/r", "example.com/r/sub", "sub", "", "sub/", "sub/go.mod", undefined],
    ["example.com/r", "example.com/r/a/b/v3", "a/b", "/v3", "a/b/", "a/b/go.mod", "a/b/v3/go.mod"],
    ["example.com/r", "example.com/r/v2/sub", "v2/sub", "", "v2/sub/", "v2/sub/go.mod", undefined],
    ["example.com/r/v2", "example.com/r/v2", "", "/v2", "", "go.mod", undefined],
    ["example.com/r/v2", "example.com/r/v2/v3", "", "/v3", "", "go.mod", "v3/go.mod"],
    ["gopkg.in/yaml.v2", "gopkg.in/yaml.v2", "", ".v2", "", "go.mod", undefined],
    ["gopkg.in/x.v2-unstable", "gopkg.in/x.v2-unstable", "", ".v2-unstable", "", "go.mod", undefined],
  ])("in %s, %s", (root, path, codeDir, pathMajor, tagPrefix, first, second) => {
    const location = locate(root, path);
    expect(location).toMatchObject({ codeDir, pathMajor, tagPrefix, isRoot: codeDir === "" });
    expect(candidateGoModPaths(location)).toEqual({ codeDir: first, majorDir: second });
  });

  test.each([
    ["example.com/r", "example.com/rr"],
    ["example.com/r", "example.com"],
    ["example.com/r", "example.com/r/v1"],
    ["example.com/r", "example.com/r/v02"],
    ["gopkg.in/yaml.v2", "gopkg.in/yaml"],
    ["gopkg.in/yaml.v2", "gopkg.in/yaml.v2/sub"],
  ])("nowhere in %s: %s", (root, path) => {
    expect(locateModule(root, path)).toBeUndefined();
  });

  test("the majors that pseudo-versions begin with", () => {
    expect(locate("example.com/r", "example.com/r").pseudoMajor).toBe("");
    expect(locate("example.com/r", "example.com/r/sub/v2").pseudoMajor).toBe("v2");
    expect(locate("gopkg.in/x.v2-unstable", "gopkg.in/x.v2-unstable").pseudoMajor).toBe("v2");
  });

  test("what git is asked for", () => {
    const sub = locate("example.com/r", "example.com/r/sub/v2");
    expect(revisionOf(sub, "v2.0.0")).toBe("sub/v2.0.0");
    expect(revisionOf(sub, "v2.0.1-0.20060102150405-0123456789ab")).toBe("0123456789ab");
    expect(revisionOf(sub, "main")).toBe("main");
    expect(revisionOf(locate("example.com/r", "example.com/r"), "v2.0.0+incompatible")).toBe("v2.0.0");
  });
});

describe("which directory it is at a revision", () => {
  const choose = (path: string, codeDir?: string, majorDir?: string, version = "v2.0.0") =>
    chooseModuleDirectory(locate("example.com/r", path), { codeDir, majorDir }, { version });
  const failure = (message: string) => expect.objectContaining({ kind: "invalid", message });

  test("the major branch way and the major subdirectory way", () => {
    const v2 = "module example.com/r/v2\n";
    expect(choose("example.com/r/v2", v2)).toEqual({ dir: "", goMod: v2 });
    expect(choose("example.com/r/v2", "module example.com/r\n", v2)).toEqual({ dir: "v2", goMod: v2 });
    expect(choose("example.com/r/v2", undefined, v2)).toEqual({ dir: "v2", goMod: v2 });
    expect(choose("example.com/r/s/v2", undefined, v2)).toEqual({ dir: "s/v2", goMod: v2 });
  });

  test("bytes are given back as they are", () => {
    const goMod = Buffer.from("module example.com/r // \xff\n", "latin1");
    const chosen = chooseModuleDirectory(
      locate("example.com/r", "example.com/r"),
      { codeDir: goMod },
      { version: "v1.0.0" },
    );
    expect(chosen.goMod).toBe(goMod);
  });

  test("without go.mod only the root is a module, and not from v2 on", () => {
    expect(choose("example.com/r")).toEqual({ dir: "", goMod: undefined });
    expect(() => choose("example.com/r/sub", undefined, undefined, "v1.0.0")).toThrow(
      failure("missing example.com/r/sub/go.mod at revision sub/v1.0.0"),
    );
    expect(() => choose("example.com/r/v2")).toThrow(
      failure("missing example.com/r/go.mod and .../v2/go.mod at revision v2.0.0"),
    );
    const yaml = locate("gopkg.in/yaml.v2", "gopkg.in/yaml.v2");
    expect(chooseModuleDirectory(yaml, { codeDir: undefined }, { version: "v2.0.0" })).toEqual({
      dir: "",
      goMod: undefined,
    });
  });

  test("only the major suffix of the declared path counts", () => {
    const fork = "module github.com/someone/else/v2\n";
    expect(choose("example.com/r/v2", fork).dir).toBe("");
    expect(choose("example.com/r", "module gopkg.in/yaml.v1\n").dir).toBe("");
    // A bug that has to stay: golang.org/issue/34254.
    expect(choose("example.com/r", "module gopkg.in/yaml.v3\n").dir).toBe("");
    const unstable = locate("gopkg.in/x.v2-unstable", "gopkg.in/x.v2-unstable");
    expect(() => chooseModuleDirectory(unstable, { codeDir: "module gopkg.in/x.v2\n" }, { version: "v2.0.0" })).toThrow(
      failure('go.mod has non-....v2-unstable module path "gopkg.in/x.v2" at revision v2.0.0'),
    );
  });

  test.each([
    [
      "example.com/r",
      "module example.com/r/v2\n",
      undefined,
      'go.mod has post-v2 module path "example.com/r/v2" at revision v2.0.0',
    ],
    ["example.com/r", "module a.b/v1\n", undefined, 'go.mod has malformed module path "a.b/v1" at revision v2.0.0'],
    ["example.com/r", "go 1.24\n", undefined, "go.mod is missing module path at revision v2.0.0"],
    [
      "example.com/r/v2",
      "go 1.24\n",
      undefined,
      "go.mod is missing module path (and .../v2/go.mod does not exist) at revision v2.0.0",
    ],
    [
      "example.com/r/v2",
      "module example.com/r\n",
      undefined,
      'go.mod has non-.../v2 module path "example.com/r" (and .../v2/go.mod does not exist) at revision v2.0.0',
    ],
    [
      "example.com/r/v2",
      "module example.com/r/v2\n",
      "module example.com/r/v2\n",
      "example.com/r/go.mod and .../v2/go.mod both have .../v2 module paths at revision v2.0.0",
    ],
    [
      "example.com/r/v2",
      "module example.com/r/v2\n",
      "module example.com/r\n",
      'example.com/r/v2/go.mod has non-.../v2 module path "example.com/r" at revision v2.0.0',
    ],
    ["example.com/r/v2", undefined, "", "example.com/r/v2/go.mod is missing module path at revision v2.0.0"],
    [
      "example.com/r/s/v2",
      "module x.y/s/v3\n",
      undefined,
      's/go.mod has non-.../v2 module path "x.y/s/v3" (and .../v2/go.mod does not exist) at revision s/v2.0.0',
    ],
  ])("%s with %j and %j is refused", (path, codeDir, majorDir, message) => {
    expect(() => choose(path, codeDir, majorDir)).toThrow(failure(message));
  });
});
