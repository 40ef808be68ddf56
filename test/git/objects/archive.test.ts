import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import JSZip from "jszip";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isFailure } from "../../../src/errors.ts";
import { archiveModule } from "../../../src/git/objects/archive.ts";
import { deadByAge, removeLeftovers } from "../../../src/git/objects/leftovers.ts";
import { Repositories } from "../../../src/git/objects/repositories.ts";
import type { ZipFile } from "../../../src/registry/versions/zip-file.ts";
import { type FixtureFile, git, makeRepository, temporaryDirectory } from "../../support/git-fixture.ts";
import { type DirectDownload, directDownload } from "../direct-go.ts";

const scratch = temporaryDirectory();
const repositories = new Repositories();
afterAll(async () => {
  await repositories.close();
  scratch.dispose();
});

interface Case {
  readonly files: Record<string, FixtureFile>;
  readonly subdir?: string;
  /** Appended to the module path; the version is then v2.0.0. */
  readonly suffix?: "/v2";
  /** Whether the version cannot be made; go's word is checked too. */
  readonly invalid?: RegExp;
}

const MOD = (name: string, go = "1.21"): string => `module example.com/git/${name}.git\n\ngo ${go}\n`;
const LONG = `${"long".repeat(30)}/${"path".repeat(40)}`;

/** Everything in reference 2.5 and 6 that decides what is in a zip. */
const CASES: Record<string, Case> = {
  plain: { files: { "go.mod": MOD("plain"), "a.go": "package a\n", "sub/b.go": "package sub\n", LICENSE: "MIT" } },
  legacy: { files: { "a.go": "package a\n" } },
  hidden: {
    files: { "go.mod": MOD("hidden"), ".github/x.yml": "x", "_a/b": "b", "testdata/c": "c", ".gitignore": "*" },
  },
  executable: { files: { "go.mod": MOD("executable"), "run.sh": { executable: "#!/bin/sh\n" } } },
  big: { files: { "go.mod": MOD("big"), "big.bin": Buffer.alloc(3_000_000, "0123456789abcdef~") } },
  longnames: {
    files: { "go.mod": MOD("longnames"), [`${LONG}/a.txt`]: "1", [`${LONG}/日本語${"x".repeat(90)}.go`]: "2" },
  },
  unicode: {
    files: { "go.mod": MOD("unicode"), "日本/語.go": "1", "ä.txt": "2", "with space.txt": "3", "a+b(c)@d.txt": "4" },
  },
  // Attributes.
  crlf: { files: { "go.mod": MOD("crlf"), "a.txt": "one\ntwo\n", ".gitattributes": "* text eol=crlf\n" } },
  ident: { files: { "go.mod": MOD("ident"), "a.txt": "$Id$\n$Id: old$\n", ".gitattributes": "*.txt ident\n" } },
  utf16: {
    files: {
      "go.mod": MOD("utf16"),
      "a.txt": "text ä\n",
      ".gitattributes": "*.txt text working-tree-encoding=UTF-16LE\n",
    },
  },
  export: {
    files: {
      "go.mod": MOD("export"),
      "a.txt": "$Format:%H$\n",
      "b.txt": "here\n",
      ".gitattributes": "a.txt export-subst\nb.txt export-ignore\nsub export-ignore\n",
      "sub/c.txt": "c",
    },
  },
  filter: {
    files: {
      "go.mod": MOD("filter"),
      "a.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
      ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n*.mod filter=evil\n",
    },
  },
  "sub-crlf": {
    subdir: "sub",
    files: {
      ".gitattributes": "*.txt text eol=crlf\n",
      LICENSE: "root\nlicense\n",
      "sub/go.mod": `module example.com/git/sub-crlf.git/sub\n`,
      "sub/a.txt": "a\n",
      "sub/deep/.gitattributes": "*.txt -text\n",
      "sub/deep/b.txt": "b\n",
    },
  },
  "crlf-vendor": {
    // The go line is read in the converted go.mod.
    files: {
      "go.mod": MOD("crlf-vendor", "1.24"),
      ".gitattributes": "* text eol=crlf\n",
      "vendor/modules.txt": "m\n",
      "x/vendor/f.go": "f\n",
    },
  },
  "linked-attributes": {
    files: {
      "go.mod": MOD("linked-attributes"),
      ".gitattributes": { symlink: "attrs" },
      attrs: "* eol=crlf",
      "a.txt": "a\n",
    },
  },
  // Links and submodules.
  symlinks: {
    files: { "go.mod": MOD("symlinks"), "a.go": "a", "b.go": { symlink: "a.go" }, dir: { symlink: "/etc" } },
  },
  gitlink: { files: { "go.mod": MOD("gitlink"), "a.go": "a", module: { gitlink: "1".repeat(40) } } },
  "linked-go-mod": {
    files: { "go.mod": MOD("linked-go-mod"), "sub/go.mod": { symlink: "../go.mod" }, "sub/a.go": "a" },
  },
  "symlink-bad-name": {
    files: { "go.mod": MOD("symlink-bad-name"), "a:b": { symlink: "x" } },
    invalid: /invalid char/,
  },
  // Nested modules.
  nested: {
    files: {
      "go.mod": MOD("nested"),
      "a.go": "a",
      "sub/go.mod": "module x\n",
      "sub/b.go": "b",
      "sub/deep/c.go": "c",
      "upper/GO.MOD": "",
      "upper/d.go": "d",
      "subx/e.go": "e",
      "sub/aux.go": "bad, but elsewhere",
    },
  },
  "upper-go-mod": { files: { "GO.MOD": "module x\n", "a.go": "a" }, invalid: /lowercase/ },
  // Vendor.
  "vendor-old": {
    files: {
      "go.mod": MOD("vendor-old", "1.23"),
      "vendor/modules.txt": "m",
      "vendor/f.go": "f",
      "vendor/x/g.go": "g",
      "x/vendor/f.go": "f",
      "x/vendor/y/g.go": "g",
      "x/vendor/modules.txt": "m",
    },
  },
  "vendor-new": {
    files: {
      "go.mod": MOD("vendor-new", "1.24"),
      "vendor/modules.txt": "m",
      "vendor/f.go": "f",
      "vendor/x/g.go": "g",
      "x/vendor/f.go": "f",
      "x/vendor/y/g.go": "g",
      "x/vendor/modules.txt": "m",
    },
  },
  "vendor-bad-name": { files: { "go.mod": MOD("vendor-bad-name"), "vendor/aux.go": "a" }, invalid: /aux/ },
  "vendor-bad-name-inside": { files: { "go.mod": MOD("vendor-bad-name-inside"), "vendor/x/aux.go": "a", "a.go": "a" } },
  "vendor-sub": {
    subdir: "m",
    files: {
      "m/go.mod": "module example.com/git/vendor-sub.git/m\n\ngo 1.24\n",
      "m/vendor/modules.txt": "",
      "m/vendor/x/y": "",
    },
  },
  // Licences.
  "license-inherited": {
    subdir: "sub",
    files: { LICENSE: "root", "sub/go.mod": "module example.com/git/license-inherited.git/sub\n", "sub/a.go": "a" },
  },
  "license-own": {
    subdir: "sub",
    files: { LICENSE: "root", "sub/LICENSE": "own", "sub/go.mod": "module example.com/git/license-own.git/sub\n" },
  },
  "license-symlink": {
    subdir: "sub",
    files: {
      LICENSE: "root",
      "sub/LICENSE": { symlink: "../LICENSE" },
      "sub/go.mod": "module example.com/git/license-symlink.git/sub\n",
    },
  },
  "license-root-symlink": {
    subdir: "sub",
    files: {
      LICENSE: { symlink: "other/text" },
      "sub/go.mod": "module example.com/git/license-root-symlink.git/sub\n",
    },
  },
  "license-root-directory": {
    subdir: "sub",
    files: { "LICENSE/MIT": "m", "sub/go.mod": "module example.com/git/license-root-directory.git/sub\n" },
  },
  "license-sub-directory": {
    subdir: "sub",
    files: {
      LICENSE: "r",
      "sub/LICENSE/MIT": "m",
      "sub/go.mod": "module example.com/git/license-sub-directory.git/sub\n",
    },
    invalid: /both a file and a directory/,
  },
  "license-case": {
    subdir: "sub",
    files: { LICENSE: "r", "sub/License": "m", "sub/go.mod": "module example.com/git/license-case.git/sub\n" },
    invalid: /case-insensitive/,
  },
  "license-v2": {
    subdir: "v2",
    suffix: "/v2",
    files: {
      LICENSE: "r",
      "go.mod": MOD("license-v2"),
      "v2/go.mod": "module example.com/git/license-v2.git/v2\n",
      "v2/a": "a",
    },
  },
  // Names.
  "case-collision": { files: { "go.mod": MOD("case-collision"), "A.go": "", "a.go": "" }, invalid: /case-insensitive/ },
  "directory-collision": {
    files: { "go.mod": MOD("directory-collision"), "X/a": "", "x/b": "" },
    invalid: /collision/,
  },
  "kelvin-collision": { files: { "go.mod": MOD("kelvin-collision"), "K.txt": "", "k.txt": "" }, invalid: /collision/ },
  reserved: { files: { "go.mod": MOD("reserved"), "sub/con.txt": "" }, invalid: /con/ },
  "trailing-dot": { files: { "go.mod": MOD("trailing-dot"), "a.": "" }, invalid: /trailing dot/ },
  newline: { files: { "go.mod": MOD("newline"), "a\nb": "" }, invalid: /invalid char/ },
  colon: { files: { "go.mod": MOD("colon"), "a:b": "" }, invalid: /invalid char/ },
  "not-utf8": { files: { "go.mod": MOD("not-utf8"), "raw:x\xff.go": "" }, invalid: /UTF-8|invalid/ },
  "not-utf8-elsewhere": {
    files: { "go.mod": MOD("not-utf8-elsewhere"), "raw:n\xff/go.mod": "", "raw:n\xff/x": "", "vendor/x/y": "" },
  },
  "not-utf8-beside": {
    files: { "go.mod": MOD("not-utf8-beside"), "raw:n\xff/go.mod": "", "raw:n\xfe/x": "" },
    invalid: /UTF-8|invalid/,
  },
  hg: { files: { "go.mod": MOD("hg"), ".hg_archival.txt": "repo: 0", "sub/.hg_archival.txt": "kept" } },
};

const root = join(scratch.path, "repositories");
mkdirSync(root);
const commits = new Map<string, string>();

function moduleOf(name: string, { subdir, suffix }: Case): { path: string; version: string } {
  const directory = subdir === undefined || suffix !== undefined ? "" : `/${subdir}`;
  return { path: `example.com/git/${name}.git${directory}${suffix ?? ""}`, version: suffix ? "v2.0.0" : "v1.0.0" };
}

function make(name: string, it: Case): void {
  const { version } = moduleOf(name, it);
  const prefix = it.subdir === undefined || it.suffix !== undefined ? "" : `${it.subdir}/`;
  const commit = makeRepository(join(root, `${name}.git`), (r) => {
    const made = r.commit(it.files);
    r.annotatedTag(prefix + version, made);
    return made;
  });
  // Archiving needs this file, as initRepository writes it.
  mkdirSync(join(root, `${name}.git`, "info"), { recursive: true });
  writeFileSync(join(root, `${name}.git`, "info", "attributes"), "* -export-subst -export-ignore\n");
  commits.set(name, commit.oid);
}

async function archive(
  name: string,
  it: Case,
  options: { signal?: AbortSignal; maxBytes?: number } = {},
): Promise<ZipFile & { file: string }> {
  const { path, version } = moduleOf(name, it);
  const file = join(scratch.path, `${name}.zip`);
  const archived = await archiveModule({
    repository: repositories.at(join(root, `${name}.git`)),
    commit: commits.get(name) ?? "",
    subdir: it.subdir ?? "",
    modulePath: path,
    version,
    file,
    ...options,
  });
  return { ...archived, file };
}

/** Repositories made at random, out of all that is dangerous; always the same ones. */
function randomCases(count: number): Record<string, Case> {
  let state = 20_261_121;
  const below = (n: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * n);
  };
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const harmless = ["a.go", "c.go", "d.txt", "b.txt", "y", "z", "w.txt"];
  const names = [
    ...[...harmless, ...harmless, ...harmless],
    "LICENSE",
    "vendor",
    "sub",
    "x",
    "go.mod",
    "License",
    "modules.txt",
    "b.txt",
    "GO.MOD",
    "é.txt",
    "Sub",
  ];
  const attributes = [
    "*.txt text eol=crlf",
    "* text=auto",
    "*.go ident",
    "b.txt export-ignore",
    "*.txt working-tree-encoding=UTF-16",
    "sub/* -text",
    "[attr]x eol=crlf",
    "*.go x",
  ];
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => {
      const name = `random-${n}`;
      const subdir = pick([undefined, undefined, "sub", "x/y"]);
      const suffix = subdir === undefined ? "" : `/${subdir}`;
      const files: Record<string, FixtureFile> = {};
      for (let f = 0; f < 4 + below(12); f++) {
        const start = subdir !== undefined && below(2) > 0 ? [subdir] : [];
        const path = [...start, ...Array.from({ length: 1 + below(3) }, () => pick(names))].join("/");
        const taken = Object.keys(files).some((other) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`));
        if (taken || path === "LICENSE" || path.startsWith("go.mod")) continue;
        files[path] = pick<FixtureFile>([
          "one\ntwo\n",
          "$Id$\r\nx\n",
          "",
          { symlink: "a.go" },
          { executable: "x" },
          "ü\n",
        ]);
      }
      if (below(2) > 0) files.LICENSE = "root\n";
      if (below(2) > 0)
        files[".gitattributes"] = Array.from({ length: 1 + below(3) }, () => pick(attributes)).join("\n") + "\n";
      const base = subdir === undefined ? "" : `${subdir}/`;
      for (const path of Object.keys(files)) {
        // The module's own go.mod must be a file, and nothing may stand where its directory is.
        if (path === subdir || path === `${base}go.mod` || path.startsWith(`${base}go.mod/`) || path === "x")
          delete files[path];
      }
      files[`${base}go.mod`] =
        `module example.com/git/${name}.git${suffix}\n\ngo ${pick(["1.20", "1.24", "1.26.0"])}\n`;
      return [name, subdir === undefined ? { files } : { files, subdir }];
    }),
  );
}

const all = { ...CASES, ...randomCases(40) };
let direct: Map<string, DirectDownload>;

beforeAll(async () => {
  for (const [name, it] of Object.entries(all)) make(name, it);
  const modules = Object.entries(all).map(([name, it]) => {
    const { path, version } = moduleOf(name, it);
    return `${path}@${version}`;
  });
  direct = await directDownload(root, join(scratch.path, "go"), modules);
}, 60_000);

describe("the zip of a module is what the go command makes of the repository", () => {
  test.each(Object.entries(all))("%s", async (name, it) => {
    const { path, version } = moduleOf(name, it);
    const expected = direct.get(`${path}@${version}`) ?? direct.get(`${path}@`);
    if (expected?.Error !== undefined) {
      if (it.invalid === undefined) expect(name).toMatch(/^random-/);
      else expect(expected.Error).toMatch(it.invalid);
      const failed = await archive(name, it).catch((error: unknown) => error);
      expect(isFailure(failed, "invalid"), `go says: ${expected.Error}, we: ${failed}`).toBe(true);
      if (!name.startsWith("not-utf8")) expect((failed as Error).message).toBe(expected.Error);
      expect(existsSync(join(scratch.path, `${name}.zip`))).toBe(false);
      return;
    }
    expect(it.invalid).toBeUndefined();
    const archived = await archive(name, it);
    const bytes = readFileSync(archived.file);
    if (archived.h1 !== expected?.Sum) {
      const ours = Object.keys((await JSZip.loadAsync(bytes)).files).sort();
      const theirs = Object.keys((await JSZip.loadAsync(readFileSync(expected?.Zip ?? ""))).files).sort();
      expect(ours).toEqual(theirs);
    }
    expect(archived.h1).toBe(expected?.Sum);
    expect(archived.size).toBe(bytes.length);
    expect(archived.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
  });
});

test("a directory that is not there is not found", async () => {
  await expect(archive("plain", { files: {}, subdir: "none" })).rejects.toMatchObject({ kind: "not-found" });
  await expect(archive("plain", { files: {}, subdir: "s*" })).rejects.toMatchObject({ kind: "not-found" });
});

test("the same revision gives the same bytes, and a file in the way is left alone", async () => {
  const file = join(scratch.path, "taken.zip");
  writeFileSync(file, "mine");
  const request = {
    repository: repositories.at(join(root, "plain.git")),
    commit: commits.get("plain") ?? "",
    subdir: "",
    modulePath: "example.com/git/plain.git",
    version: "v1.0.0",
  };
  await expect(archiveModule({ ...request, file })).rejects.toMatchObject({ code: "EEXIST" });
  expect(readFileSync(file, "utf8")).toBe("mine");
  const [one, two] = await Promise.all(
    ["one", "two"].map((name) => archiveModule({ ...request, file: join(scratch.path, `${name}.zip`) })),
  );
  expect(one).toEqual(two);
});

test("more bytes than a module may have are refused, and nothing is left", async () => {
  const name = "huge";
  make(name, { files: { "go.mod": "module m\n", one: randomBytes(700_000), two: randomBytes(700_000) } });
  const limited = (maxBytes: number) => archive(name, { files: {} }, { maxBytes });
  await expect(limited(1_400_008)).rejects.toMatchObject({
    kind: "too-large",
    message: "module source tree too large (max size is 1400008 bytes)",
  });
  expect(existsSync(join(scratch.path, `${name}.zip`))).toBe(false);
  // The container has some bytes of its own.
  await expect(limited(1_400_009)).rejects.toThrow(
    /module zip file is too large \(14\d{5} bytes; limit is 1400009 bytes\)/,
  );
  expect((await limited(1_500_000)).size).toBeLessThan(1_500_000);
});

test("a go.mod or an inherited LICENSE over 16 MiB is refused", async () => {
  const large = Buffer.alloc((16 << 20) + 1, "//\n");
  make("large-go-mod", { files: { "go.mod": large } });
  await expect(archive("large-go-mod", { files: {} })).rejects.toThrow(
    "go.mod file too large (max size is 16777216 bytes)",
  );
  make("large-license", { files: { LICENSE: large, "sub/go.mod": "module m\n" } });
  await expect(archive("large-license", { files: {}, subdir: "sub" })).rejects.toThrow("LICENSE file too large");
});

test("an abort stops everything and leaves nothing", async () => {
  const abort = new AbortController();
  const name = "aborted";
  const files = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`f${n}`, randomBytes(4 << 20)]));
  make(name, { files });
  const running = archive(name, { files: {} }, { signal: abort.signal });
  const file = join(scratch.path, `${name}.zip`);
  await expect.poll(() => existsSync(file) && statSync(file).size > 0, { interval: 5, timeout: 10_000 }).toBe(true);
  abort.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  expect(existsSync(file)).toBe(false);
  await expect(archive(name, { files: {} }, { signal: abort.signal })).rejects.toThrow("enough");
});

test("a repository that lacks objects is an error, not a smaller module", async () => {
  make("lacking", { files: { "go.mod": "module m\n", "a.go": "unique content that is lost" } });
  const path = join(root, "lacking.git");
  const blob = git([`--git-dir=${path}`, "rev-parse", `${commits.get("lacking")}:a.go`]).trim();
  rmSync(join(path, "objects", blob.slice(0, 2), blob.slice(2)));
  await expect(archive("lacking", { files: {} })).rejects.toThrow(/git archive|git -c/);
});

test("ten thousand files go through", async () => {
  const files: Record<string, FixtureFile> = { "go.mod": "module m\n" };
  for (let n = 0; n < 10_000; n++) files[`d${n % 100}/f${n}.go`] = `package d // ${n}\n`;
  make("many", { files });
  const archived = await archive("many", { files: {} });
  expect(archived.entries).toBe(10_001);
});

test("what a killed git leaves is removed when it is old enough", async () => {
  make("left", { files: { a: "b" } });
  const path = join(root, "left.git");
  mkdirSync(join(path, "objects", "tmp_objdir-incoming-abc", "pack"), { recursive: true });
  writeFileSync(join(path, "refs", "heads", "main.lock"), "");
  writeFileSync(join(path, "objects", "pack", "tmp_pack_x"), "");
  mkdirSync(join(path, "objects", "ab"), { recursive: true });
  writeFileSync(join(path, "objects", "ab", "tmp_obj_x"), "");
  writeFileSync(join(path, "packed-refs.lock"), "");
  expect(await removeLeftovers(path, deadByAge())).toEqual([]);
  const soon = Date.now() + 1_000;
  // A push that goes on writes inside of its quarantine, not to the directory itself.
  const quarantine = join(path, "objects", "tmp_objdir-incoming-abc");
  utimesSync(join(quarantine, "pack"), 1, 1);
  utimesSync(quarantine, 1, 1);
  writeFileSync(join(quarantine, "part"), "");
  utimesSync(quarantine, 1, 1);
  expect(await removeLeftovers(path, { locks: 0, objects: Date.now() - 60_000 })).toEqual([]);
  expect((await removeLeftovers(path, { locks: soon, objects: soon })).length).toBe(5);
  expect(existsSync(join(path, "refs", "heads", "main"))).toBe(true);
  expect(await removeLeftovers(join(path, "absent"), { locks: soon, objects: soon })).toEqual([]);
});
