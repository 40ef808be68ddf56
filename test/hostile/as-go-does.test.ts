// Content that is made to hurt, asked for with the go command: once from Gokura and once in direct mode from the same
// repository. Sums are the same, or both fail. (What is in every repository is in test/git/archive.test.ts and
// test/conformance/direct; here is what an attacker would think of.)
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Answer,
  type Answers,
  askBoth,
  bothModes,
  type Modes,
  NO_WORDS,
} from "../conformance/direct/both-modes.ts";
import type { FixtureFile } from "../support/git-fixture.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";
import { type HostedRepository, hostedRepository } from "./hosted-repository.ts";

type Files = Readonly<Record<string, FixtureFile>>;

/** Names of files that go allows, or not. */
const NAMES: Record<string, readonly string[]> = {
  "nfd-twins": ["\u00e9.txt", "e\u0301.txt"],
  nfd: ["e\u0301.txt"],
  kelvin: ["\u212a.txt"],
  "kelvin-and-k": ["\u212a.txt", "K.txt"],
  "angstrom-twins": ["\u212b.txt", "\u00c5.txt"],
  "long-s": ["\u017f.txt", "s.txt"],
  "dotless-i": ["\u0131.txt", "I.txt"],
  "dotted-i": ["\u0130.txt", "i.txt"],
  "sharp-s": ["\u1e9e.txt", "\u00df.txt", "ss.txt"],
  sigma: ["\u03c2.txt", "\u03c3.txt"],
  "astral-twins": ["\u{10400}.txt", "\u{10428}.txt"],
  con: ["CON"],
  "con-directory": ["con/a.txt"],
  "con-and-more": ["con.tar.gz"],
  "con-superscript": ["com\u00b9.txt"],
  com0: ["com0.txt", "lpt0.txt", "conin$.txt"],
  nul: ["a/NUL.txt"],
  "trailing-dot": ["a.txt."],
  "trailing-dot-directory": ["a./b.txt"],
  "three-dots": [".../a.txt"],
  "leading-space": [" a.txt"],
  "trailing-space": ["a /b .txt "],
  tilde: ["a~1.txt", "~", "PROGRA~1/x"],
  newline: ["a\nb.txt"],
  "newline-in-directory": ["a\n/b.txt"],
  tab: ["a\tb.txt"],
  "carriage-return": ["a\rb.txt"],
  delete: ["a\x7fb.txt"],
  backslash: ["a\\b.txt"],
  "windows-drive": ["C:/a.txt"],
  "alternate-stream": ["a.txt::$DATA"],
  glob: ["*.txt", "[a-z].txt"],
  brackets: ["[a-z].txt", "{a,b}.txt"],
  quotes: ["'a'.txt"],
  "double-quotes": ['"a".txt'],
  emoji: ["\u{1f4a9}.txt"],
  "zero-width": ["a\u200db.txt"],
  "right-to-left": ["a\u202etxt.exe"],
  bom: ["\ufeffa.txt"],
  "not-a-character": ["\uffff.txt"],
  "private-use": ["\ue000.txt"],
  "invalid-utf8": ["raw:a\xff.txt"],
  "overlong-slash": ["raw:..\xc0\xaf..\xc0\xafetc"],
  surrogate: ["raw:\xed\xa0\x80.txt"],
  "half-character": ["raw:\xe2\x82"],
  option: ["--output=x", "-rf"],
  "long-name": [`${"x".repeat(255)}`],
  "longer-name": [`${"x".repeat(300)}.txt`],
  deep: [`${"d/".repeat(200)}a.txt`],
  "deep-and-long": [`${`${"y".repeat(200)}/`.repeat(30)}a.txt`],
  "dot-git": [".git/config", ".GIT/hooks/pre-commit"],
  "dot-git-hfs": [".g\u200cit/config"],
  modules: [".gitmodules"],
};

const TREES: Record<string, Files> = {
  "symlink-loop": { a: { symlink: "b" }, b: { symlink: "a" }, "self/self": { symlink: "../self" } },
  "symlink-out": { "passwd.txt": { symlink: "/etc/passwd" }, up: { symlink: "../../../../../.." } },
  "symlink-go-mod": { "go.mod": { symlink: "/etc/passwd" } },
  "symlink-license": { LICENSE: { symlink: "/etc/passwd" } },
  "symlink-attributes": { ".gitattributes": { symlink: "/etc/passwd" }, "a.txt": "a\n" },
  "symlink-long": { a: { symlink: "x".repeat(100_000) } },
  "go-mod-gitlink": { "go.mod": { gitlink: "1".repeat(40) }, "a.txt": "a" },
  gitlinks: { "x/y": { gitlink: "1".repeat(40) }, vendor: { gitlink: "2".repeat(40) }, "a.txt": "a" },
  "attributes-long": { ".gitattributes": `*.txt ${"x".repeat(3000)} eol=crlf\n*.txt text eol=crlf\n`, "a.txt": "a\n" },
  "attributes-many": {
    ".gitattributes": `${"*.x -text\n".repeat(20_000)}*.txt text eol=crlf\n`,
    "a.txt": "a\n",
  },
  "attributes-macro": { ".gitattributes": "[attr]m m2 eol=crlf\n[attr]m2 m\n*.txt m\n", "a.txt": "a\n" },
  "attributes-encoding": { ".gitattributes": "*.txt working-tree-encoding=no-such\n", "a.txt": "a\n" },
  "attributes-encoding-fails": {
    ".gitattributes": "*.txt text working-tree-encoding=ISO-8859-1\n",
    "a.txt": "\u65e5\u672c\n",
  },
  "attributes-utf16": {
    ".gitattributes": "*.txt working-tree-encoding=UTF-16\n",
    "a.txt": Buffer.from([0xff, 0xfe, 0x00]),
  },
  "attributes-filter": { ".gitattributes": "* filter=lfs diff=lfs merge=lfs\n", "a.txt": "version https://git-lfs\n" },
  "attributes-go-mod": { ".gitattributes": "go.mod working-tree-encoding=UTF-16LE text\n" },
  "attributes-nul": { ".gitattributes": Buffer.from("*.txt eol=crlf\0 -text\n*.txt eol=crlf\n"), "a.txt": "a\n" },
  "go-mod-nul": { "go.mod": Buffer.from("module example.com/git/r-go-mod-nul.git\n\0\0\0\n") },
  "go-mod-empty": { "go.mod": "" },
  "go-mod-binary": { "go.mod": Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 167) & 0xff)) },
  "go-mod-new": { "go.mod": "module example.com/git/r-go-mod-new.git\n\ngo 9.99\n" },
  "zip-of-zips": { "a.zip": Buffer.alloc(2_000_000), "b.zip": Buffer.alloc(2_000_000) },
};

let server: TestServer;
let modes: Modes;
let direct: Answers;
let proxied: Answers;
const hosted = new Map<string, HostedRepository>();

/** Where direct mode looks: the repositories of the server by their names. */
let seen: string;

const pathOf = (name: string): string => `example.com/git/r-${name}.git`;

async function host(name: string, options: { objectFormat?: "sha256" } = {}): Promise<HostedRepository> {
  const asDirectMode = { modulePrefix: pathOf(name), listRefused: true };
  const repository = await hostedRepository(server.registry, `r-${name}`, { ...asDirectMode, ...options });
  hosted.set(name, repository);
  symlinkSync(repository.directory, join(seen, `r-${name}.git`));
  return repository;
}

async function hostFiles(name: string, files: Files): Promise<void> {
  const repository = await host(name);
  repository.change((r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${pathOf(name)}\n`, ...files })));
}

beforeAll(async () => {
  server = await testServer();
  seen = temporary("seen");
  for (const [name, paths] of Object.entries(NAMES))
    await hostFiles(name, Object.fromEntries(paths.map((path) => [path, path])));
  for (const [name, files] of Object.entries(TREES)) await hostFiles(name, files);

  const sha256 = await host("sha256", { objectFormat: "sha256" });
  sha256.change((r) => r.annotatedTag("v1.0.0", r.commit({ "go.mod": `module ${pathOf("sha256")}\n`, "a.txt": "a" })));
  const broken = await host("broken");
  broken.change((r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${pathOf("broken")}\n` })));
  for (const [name, text] of [
    ["v1.1.0", `${"7".repeat(40)}\n`],
    ["v1.2.0", "rubbish\n"],
    ["v1.3.0", ""],
  ] as const)
    writeFileSync(join(broken.directory, "refs", "tags", name), text);
  const future = await host("future");
  future.change((r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${pathOf("future")}\n` }, { time: 253_402_300_800 })),
  );
  const past = await host("past");
  past.change((r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${pathOf("past")}\n` }, { time: 0 })));

  for (const repository of hosted.values()) await repository.record();
  modes = bothModes(`${seen}/`, "https://example.com/git/", `${server.url}/api/v4/packages/go`);
  const queries = [...hosted.keys()].filter((name) => name !== "future").map((name) => `${pathOf(name)}@v1.0.0`);
  const paths = ["broken", "future", "sha256"].map(pathOf);
  ({ direct, proxied } = await askBoth(modes, paths, queries));
});

const answersTo = (name: string): [here: Answer | undefined, there: Answer | undefined] => [
  proxied.downloads[`${pathOf(name)}@v1.0.0`],
  direct.downloads[`${pathOf(name)}@v1.0.0`],
];

/** Characters that are not shown are not sent either: one of them, and the go command drops the whole reason. */
function shown(answer: Answer | undefined): Answer | undefined {
  const { refused } = answer ?? {};
  return refused === undefined ? answer : { refused: refused.replace(/[\p{C}\ufffd]/gu, "?") };
}

describe("the same sums or both fail", () => {
  test.each([...Object.keys(NAMES), ...Object.keys(TREES), "sha256", "broken", "past"])("%s", (name) => {
    const [here, there] = answersTo(name);
    expect(there).toBeDefined();
    if (there?.refused === NO_WORDS) expect(here?.refused).toBeDefined();
    else expect(shown(here)).toEqual(shown(there));
  });

  test("both ends are met", () => {
    const refused = Object.values(direct.downloads).filter((answer) => answer.refused !== undefined);
    expect(refused.length).toBeGreaterThan(10);
    expect(Object.keys(direct.downloads).length - refused.length).toBeGreaterThan(20);
  });

  test("broken tags are not listed, and keep no other from being listed", () => {
    expect(proxied.lists).toMatchObject({ [pathOf("broken")]: "v1.0.0", [pathOf("sha256")]: "v1.0.0" });
    expect(direct.lists[pathOf("broken")]).toContain("v1.0.0");
  });
});

test("a commit of the year 10000 has no time that RFC 3339 could tell, and is a version all the same", async () => {
  const query = `${pathOf("future")}@v1.0.0`;
  const [here, there] = await Promise.all(
    [modes.proxied, modes.direct].map(async (go) => {
      const said = await go.must("mod", "download", "-json", query);
      const { Sum, GoModSum, Version } = JSON.parse(said.slice(said.indexOf("{"), said.lastIndexOf("}") + 1));
      return { Sum, GoModSum, Version };
    }),
  );
  expect(here).toEqual(there);
});
