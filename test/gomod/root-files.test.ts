import { expect, test } from "vitest";
import { repositoryUrlIn, repositoryUrlOf } from "../../src/gomod/repository-url.ts";
import { isLicenseFile, readmeAmong } from "../../src/gomod/root-files.ts";

test("what a licence file is called", () => {
  const names = [
    ...["COPYING", "COPYING.LESSER", "COPYING.md", "LICENCE", "LICENSE", "LICENSE-2.0.txt", "LICENSE-APACHE"],
    ...["LICENSE.MIT", "LICENSE.code", "LICENSE.docs", "LICENSE.rst", "Licence.txt", "MIT-LICENSE.txt", "MIT_LICENCE"],
    ...["UNLICENSE", "license", "licenses.txt"],
  ];
  expect(names.filter((name) => !isLicenseFile(name))).toEqual([]);
  const others = [
    "license.go",
    "LICENSE.json",
    "licensed.txt",
    "LICENSEE",
    "COPYINGS",
    "NOTICE",
    "README",
    "copy.txt",
    "",
  ];
  expect(others.filter((name) => isLicenseFile(name))).toEqual([]);
});

test("which readme", () => {
  expect(readmeAmong([])).toBeUndefined();
  expect(readmeAmong(["README.go", "READMES", "README.zh.md", "xREADME"])).toBeUndefined();
  expect(readmeAmong(["README", "README.md", "README.txt"])).toBe("README.md");
  expect(readmeAmong(["README", "README.rst"])).toBe("README.rst");
  expect(readmeAmong(["Readme.markdown", "readme.md"])).toBe("Readme.markdown");
});

test("where the source is, by the path", () => {
  const urls = {
    "github.com/a/b": "https://github.com/a/b",
    "github.com/a/b/v2/c": "https://github.com/a/b",
    "gitlab.com/a/b.git/c": "https://gitlab.com/a/b",
    "golang.org/x/mod": "https://go.googlesource.com/mod",
    "gopkg.in/yaml.v3": "https://github.com/go-yaml/yaml",
    "gopkg.in/src-d/go-git.v4": "https://github.com/src-d/go-git",
  };
  for (const [path, url] of Object.entries(urls)) expect(repositoryUrlOf(path)).toBe(url);
  for (const path of [
    "example.com/a/b",
    "github.com/a",
    "golang.org/y/mod",
    "gopkg.in/yaml",
    "gopkg.in/a/b.v1/c",
    "x",
    "",
  ])
    expect(repositoryUrlOf(path)).toBeUndefined();
});

test("where the source is, by .info", () => {
  const of = (value: unknown) => repositoryUrlIn(Buffer.from(JSON.stringify(value)));
  expect(of({ Origin: { VCS: "git", URL: "https://a.example/b" } })).toBe("https://a.example/b");
  expect(of({ Origin: { URL: "https://user:secret@a.example/b" } })).toBe("https://a.example/b");
  for (const value of [{}, null, { Origin: {} }, { Origin: { URL: 1 } }, { Origin: { URL: "javascript:alert(1)" } }])
    expect(of(value)).toBeUndefined();
  expect(of({ Origin: { URL: "git@a.example:b" } })).toBeUndefined();
  expect(of({ Origin: { URL: `https://a.example/${"x".repeat(1000)}` } })).toBeUndefined();
  expect(repositoryUrlIn(Buffer.from("{"))).toBeUndefined();
});
