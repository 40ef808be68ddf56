// Tags that stand for anything but a sound version. Each is refused with a reason or served as go does, and above all none
// keeps the others from being versions: every repository here has a good tag too, before and after the bad one by name.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Registry } from "../../src/registry/registry.ts";
import { type FixtureFile, git, type Recipe } from "../support/git-fixture.ts";
import { testRegistry } from "../support/registry.ts";
import { type HostedRepository, hostedRepository } from "./hosted-repository.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await testRegistry();
});

/** A repository with good tags v1.0.0 and v1.9.0 around what a recipe does. */
async function repositoryWith(
  name: string,
  recipe: (r: Recipe, hosted: HostedRepository) => void = () => {},
): Promise<HostedRepository> {
  const hosted = await hostedRepository(registry, name);
  hosted.change((r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${hosted.modulePath}\n` }));
    recipe(r, hosted);
    r.tag("v1.9.0", r.commit({ "go.mod": `module ${hosted.modulePath}\n\ngo 1.21\n` }));
  });
  return hosted;
}

const inGit = (hosted: HostedRepository, args: readonly string[], input: Buffer | string = ""): string =>
  git([`--git-dir=${hosted.directory}`, ...args], { input }).trim();

const commitText = (tree: string, committer: string): string =>
  `tree ${tree}\nauthor A <a@example.com> 1 +0000\ncommitter ${committer}\n\nx\n`;

/** A commit as no git would write it. */
function rawCommit(hosted: HostedRepository, text: (tree: string) => string): string {
  const tree = inGit(hosted, ["rev-parse", "v1.0.0^{tree}"]);
  return inGit(hosted, ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"], text(tree));
}

/** Takes objects away; small repositories have them in files of their own. */
function lose(hosted: HostedRepository, ...oids: readonly string[]): void {
  for (const oid of oids) rmSync(join(hosted.directory, "objects", oid.slice(0, 2), oid.slice(2)));
}

describe("what a tag may stand for", () => {
  test("a blob, a tree, a tag of a tag, a tag of a tag of a blob", async () => {
    const hosted = await repositoryWith("no-commits", (r) => {
      const blob = r.blob("x");
      r.tag("v1.1.0", blob);
      r.annotatedTag("v1.2.0", r.annotatedTag("inner", blob));
      r.annotatedTag("v1.3.0", r.annotatedTag("inmost", r.annotatedTag("middle", r.commit({ a: "a" }))));
    });
    inGit(hosted, ["tag", "v1.4.0", inGit(hosted, ["rev-parse", "v1.0.0^{tree}"])]);
    await hosted.record();
    expect(await hosted.versions()).toEqual(["v1.0.0", "v1.3.0", "v1.9.0"]);
    expect(await hosted.reasons()).toMatchObject({
      "v1.1.0": "the tag names no commit",
      "v1.2.0": "the tag names no commit",
      "v1.4.0": "the tag names no commit",
    });
  });

  test("an object that is not there, at the tag or below its annotation", async () => {
    const hosted = await repositoryWith("missing", (r) => r.annotatedTag("v1.2.0", r.commit({ "lost.go": "lost" })));
    writeFileSync(join(hosted.directory, "refs", "tags", "v1.1.0"), `${"7".repeat(40)}\n`);
    writeFileSync(join(hosted.directory, "refs", "tags", "v1.3.0"), "no object id\n");
    writeFileSync(join(hosted.directory, "refs", "tags", "v1.4.0"), "");
    lose(hosted, inGit(hosted, ["rev-parse", "v1.2.0^{}"]));
    await hosted.record();
    await hosted.record();
    expect(await hosted.versions()).toEqual(["v1.0.0", "v1.9.0"]);
    expect(await registry.prisma.project.findFirst({ where: { pushStartedAt: { not: null } } })).toBeNull();
  });

  test("a commit whose tree or go.mod is not there", async () => {
    const hosted = await repositoryWith("half", (r, { modulePath }) => {
      r.tag("v1.1.0", r.commit({ "go.mod": `module ${modulePath}\n\n// unique\n` }));
      r.tag("v1.2.0", r.commit({ "go.mod": `module ${modulePath}\n\n// unique, too\n` }));
    });
    lose(hosted, inGit(hosted, ["rev-parse", "v1.1.0:go.mod"]), inGit(hosted, ["rev-parse", "v1.2.0^{tree}"]));
    await hosted.record().catch(() => {});
    // Not as versions without a go.mod either: what is published stays.
    expect(await hosted.versions()).toEqual(["v1.0.0", "v1.9.0"]);
  });

  test("an object that is damaged", async () => {
    const hosted = await repositoryWith("damaged", (r, { modulePath }) =>
      r.tag("v1.1.0", r.commit({ "go.mod": `module ${modulePath}\n\n// damaged\n` })),
    );
    const commit = inGit(hosted, ["rev-parse", "v1.1.0"]);
    lose(hosted, commit);
    writeFileSync(join(hosted.directory, "objects", commit.slice(0, 2), commit.slice(2)), "no zlib stream");
    await hosted.record().catch(() => {});
    expect(await hosted.versions()).toEqual(["v1.0.0", "v1.9.0"]);
    // What is sound later goes through although the damaged one still waits.
    hosted.change((r) => r.tag("v1.10.0", r.commit({ b: "b" }, { branch: "other" })));
    await hosted.record().catch(() => {});
    expect(await hosted.versions()).toEqual(["v1.0.0", "v1.9.0", "v1.10.0"]);
  });
});

describe("names of refs", () => {
  test("that are not UTF-8, two of which look the same when they are read as such", async () => {
    const hosted = await repositoryWith("not-utf8");
    const commit = inGit(hosted, ["rev-parse", "v1.0.0"]);
    const names = [
      "refs/tags/a\xff",
      "refs/tags/a\xfe",
      "refs/heads/b\xff",
      "refs/tags/\xff/v1.1.0",
      "refs/tags/\xe9/v1.1.0",
    ];
    for (const name of names)
      inGit(hosted, ["update-ref", "--stdin"], Buffer.from(`update ${name} ${commit}\n`, "latin1"));
    await hosted.record();
    expect(await hosted.versions()).toEqual(["v1.0.0", "v1.9.0"]);
    expect((await hosted.repository.listRefs()).map((ref) => ref.name)).toEqual([
      "refs/heads/main",
      "refs/tags/v1.0.0",
      "refs/tags/v1.9.0",
    ]);
  });

  test("that are too long for any module, or for the database's index", async () => {
    const hosted = await repositoryWith("long");
    const commit = inGit(hosted, ["rev-parse", "v1.0.0"]);
    const random = (length: number): string =>
      Array.from({ length }, (_, n) => ((n * 7919 + 13) % 36).toString(36)).join("");
    const directory = (length: number): string =>
      random(length)
        .replace(/.{200}/g, "$&/")
        .replace(/\/$/, "x");
    for (const name of [`${directory(3000)}/v1.1.0`, `${directory(900)}/v1.1.0`, `v1.2.0-${random(240)}`])
      inGit(hosted, ["update-ref", `refs/tags/${name}`, commit]);
    inGit(hosted, ["update-ref", `refs/heads/${directory(3000)}`, commit]);
    await hosted.record();
    expect(await hosted.versions()).toEqual(["v1.0.0", `v1.2.0-${random(240)}`, "v1.9.0"]);
  });

  test("with characters that mean something elsewhere", async () => {
    const names = [
      "'; DROP TABLE ref; --",
      "$(touch x)",
      "`x`",
      "%00",
      "{}",
      "%(refname)",
      "a,b",
      '"',
      "<b>",
      "\u2028",
      "\u202e",
    ];
    const hosted = await repositoryWith("signs", (r) => {
      const commit = r.commit({ a: "a" });
      for (const name of names) r.tag(name.replaceAll(" ", "\u00a0"), commit);
      r.tag("-n/v1.1.0", commit);
      r.tag("CON/v1.1.0", commit);
      r.tag("a./v1.1.0", commit);
      r.tag("K/v1.1.0", commit);
    });
    await hosted.record();
    expect(await hosted.versions()).toEqual(["v1.0.0", "v1.9.0"]);
    expect(Object.keys(await hosted.reasons()).length).toBe(names.length + 4);
    const modules = await registry.prisma.module.findMany({ where: { projectId: hosted.project.id } });
    expect(modules.map((module) => module.path)).toEqual([hosted.modulePath]);
  });
});

describe("commits that no git writes", () => {
  test.each<[string, (tree: string) => string, string[]]>([
    ["a time before there was time", (tree) => commitText(tree, "C <c@example.com> -1 +0000"), []],
    ["no time", (tree) => commitText(tree, "C <c@example.com>"), []],
    ["no committer", (tree) => `tree ${tree}\n\nx\n`, []],
    ["the end of time", (tree) => commitText(tree, `C <c@example.com> ${"9".repeat(30)} +0000`), []],
    [
      "two committers",
      (tree) => commitText(tree, "C <c@example.com> 86400 +0000\ncommitter D <d@example.com> 5 +0000"),
      ["v1.1.0"],
    ],
    [
      "a message of two megabytes",
      (tree) => `${commitText(tree, "C <c@example.com> 86400 +0000")}${"x".repeat(2 << 20)}`,
      ["v1.1.0"],
    ],
    [
      "a header of two megabytes",
      (tree) => commitText(tree, `C <c@example.com> 86400 +0000\nx ${"x".repeat(2 << 20)}`),
      ["v1.1.0"],
    ],
  ])("%s", async (name, text, served) => {
    const hosted = await repositoryWith(name.replaceAll(" ", "-"));
    const commit = rawCommit(hosted, text);
    // v2.0.0 is looked at as +incompatible too
    for (const tag of ["v1.1.0", "v2.0.0"]) inGit(hosted, ["update-ref", `refs/tags/${tag}`, commit]);
    await hosted.record();
    expect(await hosted.versions()).toEqual(["v1.0.0", ...served, "v1.9.0"]);
  });

  test("a year of five digits", async () => {
    const hosted = await repositoryWith("year-10000");
    const commit = rawCommit(hosted, (tree) => commitText(tree, "C <c@example.com> 253402300800 +0000"));
    inGit(hosted, ["update-ref", "refs/tags/v1.1.0", commit]);
    await hosted.record();
    expect(await hosted.versions()).toEqual(["v1.0.0", "v1.1.0", "v1.9.0"]);
  });
});

describe("go.mod files that nobody wrote by hand", () => {
  const long = "x".repeat(100_000);
  const CASES: Record<string, (modulePath: string) => FixtureFile> = {
    nul: (path) => `module ${path}\n\nrequire "example.com/\\x00" v1.0.0\nretract v1.0.0 // \0\n`,
    "nul-in-module": (path) => `// Deprecated: \0\nmodule ${path} // \0\n`,
    "other-module-nul": () => "module exa\0mple\n",
    "long-module": () => `module example.com/${long}\n`,
    "long-requirement": (path) => `module ${path}\n\nrequire example.com/${long} v1.0.0\n`,
    "long-version": (path) => `module ${path}\n\nrequire example.com/a v1.0.0-${long}\n`,
    "long-rationale": (path) => `module ${path}\n\nretract [v0.0.0, v1.9.0] // ${long}\n`,
    "long-deprecation": (path) => `// Deprecated: ${long}\nmodule ${path}\n`,
    "many-retractions": (path) =>
      `module ${path}\n\nretract (\n${Array.from({ length: 60_000 }, (_, n) => `\tv0.${n}.1\n`).join("")})\n`,
    "many-requirements": (path) =>
      `module ${path}\n\nrequire (\n${Array.from({ length: 30_000 }, (_, n) => `\texample.com/a${n} v1.0.0\n`).join("")})\n`,
    "twice-required": (path) =>
      `module ${path}\n\nrequire example.com/a v1.0.0\nrequire example.com/a v1.0.0 // indirect\n`,
    "many-errors": (path) => `module ${path}\n${"require x\n".repeat(90_000)}`,
    "lone-surrogate": (path) => `module ${path}\n\nrequire "example.com/\\ud800" v1.0.0\n`,
    "not-utf8": (path) => Buffer.from(`module ${path}\n\nrequire example.com/\xff v1.0.0 // \xfe\n`, "latin1"),
    "carriage-returns": (path) => `module ${path}\r\r\n${"\r".repeat(10_000)}`,
  };

  /** Those that the go command cannot parse, or that name another module, are no versions; the others stand as ever. */
  const REFUSED = ["other-module-nul", "long-module", "many-errors", "lone-surrogate"];

  test.each(Object.entries(CASES))("%s", async (name, goMod) => {
    const hosted = await repositoryWith(`go-mod-${name}`, (r, { modulePath }) =>
      r.tag("v1.1.0", r.commit({ "go.mod": goMod(modulePath) })),
    );
    const content = goMod(hosted.modulePath) as string | Buffer;
    await hosted.record();
    // The newest one is told of by the same words that the others were.
    hosted.change((r) => r.tag("v1.20.0", r.commit({ "go.mod": content })));
    await hosted.record();
    const made = REFUSED.includes(name) ? ["v1.0.0", "v1.9.0"] : ["v1.0.0", "v1.1.0", "v1.9.0", "v1.20.0"];
    expect(await hosted.versions()).toEqual(made);
  });

  test("many large ones, which are small in git, are never in memory together", async () => {
    const count = 20;
    const filler = "//\n".repeat(700_000);
    const hosted = await repositoryWith("large", (r, { modulePath }) => {
      for (let n = 0; n < count; n++) {
        const goMod = `module ${modulePath}\n\n// ${n}\n${filler}`;
        r.tag(`v1.1.${n}`, r.commit({ "go.mod": goMod }));
      }
    });
    await hosted.record();
    expect((await hosted.versions()).length).toBe(count + 2);
    // What is read is held until it is published, and what is published together bears the same time.
    const published = await registry.prisma.moduleVersion.groupBy({
      by: ["createdAt"],
      where: { module: { projectId: hosted.project.id } },
      _count: true,
    });
    for (const { _count } of published) expect(_count * filler.length).toBeLessThan(10 << 20);
  });
});
