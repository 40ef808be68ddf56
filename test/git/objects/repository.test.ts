import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { initRepository } from "../../../src/git/objects/init-repository.ts";
import { Repositories } from "../../../src/git/objects/repositories.ts";
import { Repository } from "../../../src/git/objects/repository.ts";
import { resolveRevision } from "../../../src/git/objects/revision.ts";
import { git, gitProcesses, makeRepository, temporaryDirectory } from "../../support/git-fixture.ts";

const scratch = temporaryDirectory();
const repositories = new Repositories({ maxReaders: 4 });
afterAll(async () => {
  await repositories.close();
  scratch.dispose();
});

const directory = join(scratch.path, "r.git");
const r = makeRepository(directory, (recipe) => {
  const first = recipe.commit({
    "go.mod": "module example.com/r\r\n\r\n",
    LICENSE: { symlink: "../elsewhere" },
    "sub/go.mod": "module example.com/r/sub\n",
    "sub/deep/er/file": "deep",
    "dir/go.mod/file": "go.mod is a directory",
    "link/go.mod": { symlink: "module example.com/link" },
    "linked/go.mod": { gitlink: "1".repeat(40) },
    big: "x".repeat(5000),
    run: { executable: "#!/bin/sh\n" },
    "odd:name": "colon",
    "new\nline": "newline",
    ":(glob)*": "magic",
    "raw:\xff\xfe": "not UTF-8",
    日本: "unicode",
    ".gitattributes": "* text eol=crlf\n",
  });
  recipe.tag("v1.0.0", first);
  const annotated = recipe.annotatedTag("v1.0.1", first);
  const twice = recipe.annotatedTag("twice", annotated);
  const thrice = recipe.annotatedTag("thrice", twice);
  const blob = recipe.blob("a blob");
  recipe.tag("blob", blob);
  const blobTag = recipe.annotatedTag("blob-annotated", blob);
  const second = recipe.commit({ "go.mod": "module example.com/r2\n" });
  recipe.tag("sub/v1.2.0", second);
  recipe.tag("same", second);
  const side = recipe.commit({ a: "side" }, { branch: "feature/x", parents: [first], time: 1_800_000_000 });
  recipe.commit({ a: "b" }, { branch: "same", parents: [first] });
  const hidden = recipe.commit({ a: "proposal" }, { branch: "gone", parents: [second] });
  recipe.ref("refs/pull/1/head", hidden);
  return { first, annotated, twice, thrice, blob, blobTag, second, side, hidden };
});
git([`--git-dir=${directory}`, "update-ref", "-d", "refs/heads/gone"]);
const repository = repositories.at(directory);

describe("refs", () => {
  test("branches and tags are listed with what they finally stand for, other refs are not", async () => {
    const refs = await repository.listRefs();
    expect(refs.map((ref) => ref.name)).toEqual([
      "refs/heads/feature/x",
      "refs/heads/main",
      "refs/heads/same",
      "refs/tags/blob",
      "refs/tags/blob-annotated",
      "refs/tags/same",
      "refs/tags/sub/v1.2.0",
      "refs/tags/thrice",
      "refs/tags/twice",
      "refs/tags/v1.0.0",
      "refs/tags/v1.0.1",
    ]);
    const named = Object.fromEntries(refs.map(({ name, ...rest }) => [name.slice("refs/tags/".length), rest]));
    expect(named["v1.0.0"]).toEqual({ oid: r.first.oid, peeled: undefined, type: "commit" });
    expect(named["v1.0.1"]).toEqual({ oid: r.annotated.oid, peeled: r.first.oid, type: "commit" });
    expect(named.twice).toEqual({ oid: r.twice.oid, peeled: r.first.oid, type: "commit" });
    expect(named.thrice).toEqual({ oid: r.thrice.oid, peeled: r.first.oid, type: "commit" });
    expect(named.blob).toEqual({ oid: r.blob.oid, peeled: undefined, type: "blob" });
    expect(named["blob-annotated"]).toEqual({ oid: r.blobTag.oid, peeled: r.blob.oid, type: "blob" });
  });

  test("a tag of a tree is listed as one", async () => {
    const path = join(scratch.path, "tree.git");
    const commit = makeRepository(path, (recipe) => recipe.commit({ a: "b" }));
    const tree = git([`--git-dir=${path}`, "rev-parse", `${commit.oid}^{tree}`]).trim();
    git([`--git-dir=${path}`, "tag", "v1.0.0", tree]);
    git([`--git-dir=${path}`, "tag", "-a", "-m", "tree", "v1.1.0", tree]);
    const tags = (await repositories.at(path).listRefs()).slice(1);
    expect(tags.map(({ type, peeled, oid }) => [type, peeled ?? oid])).toEqual([
      ["tree", tree],
      ["tree", tree],
    ]);
    await expect(resolveRevision(repositories.at(path), "v1.1.0")).rejects.toThrow("unknown revision v1.1.0");
  });

  test("ten thousand annotated tags are listed without a look at each", async () => {
    const path = join(scratch.path, "many.git");
    const names = Array.from({ length: 10_000 }, (_, n) => `v1.${n}.0`);
    makeRepository(path, (recipe) => {
      const commit = recipe.commit({ "go.mod": "module m\n" });
      for (const name of names) recipe.annotatedTag(name, commit);
    });
    const unread = new Repository(path, () => {
      throw new Error("an object is read");
    });
    const refs = await unread.listRefs();
    expect(refs.length).toBe(10_001);
    expect(refs.every((ref) => ref.type === "commit")).toBe(true);
  });

  test("HEAD is the branch it names, if there is one", async () => {
    expect(await repository.head()).toEqual({ ref: "refs/heads/main", oid: r.second.oid });
    const empty = join(scratch.path, "empty.git");
    await initRepository(empty);
    expect(await repositories.at(empty).head()).toBeUndefined();
    expect(await repositories.at(empty).listRefs()).toEqual([]);
  });

  test("the tags on a commit and in its history", async () => {
    expect(await repository.tagsOn(r.first.oid)).toEqual(["thrice", "twice", "v1.0.0", "v1.0.1"]);
    expect(await repository.tagsOn(r.second.oid)).toEqual(["same", "sub/v1.2.0"]);
    expect(await repository.tagsMerged(r.first.oid)).toEqual(["thrice", "twice", "v1.0.0", "v1.0.1"]);
    expect(await repository.tagsMerged(r.second.oid, "v1.")).toEqual(["v1.0.0", "v1.0.1"]);
    expect(await repository.tagsMerged(r.second.oid, "sub/")).toEqual(["sub/v1.2.0"]);
    expect(await repository.tagsMerged(r.second.oid, "sub/v1")).toEqual(["sub/v1.2.0"]);
    expect(await repository.tagsMerged(r.second.oid, "s?b/")).toEqual([]);
    expect(await repository.tagsMerged(r.side.oid, "sub/")).toEqual([]);
  });

  test("ancestry and reach", async () => {
    expect(await repository.isAncestor(r.first.oid, r.second.oid)).toBe(true);
    expect(await repository.isAncestor(r.first.oid, r.first.oid)).toBe(true);
    expect(await repository.isAncestor(r.second.oid, r.first.oid)).toBe(false);
    expect(await repository.isAncestor(r.annotated.oid, r.side.oid)).toBe(true);
    await expect(repository.isAncestor("0".repeat(40), r.side.oid)).rejects.toThrow();
    await expect(repository.isAncestor("--help", r.side.oid)).rejects.toMatchObject({ kind: "invalid" });
    expect(await repository.isReachable(r.first.oid)).toBe(true);
    expect(await repository.isReachable(r.side.oid, await repository.listRefs())).toBe(true);
    expect(await repository.isReachable(r.hidden.oid)).toBe(false);
    expect(await repository.isReachable(r.blob.oid)).toBe(false);
    expect(await repository.isReachable("0".repeat(40))).toBe(false);
  });
});

describe("files", () => {
  const read = async (path: string): Promise<[string, string] | undefined> => {
    const file = await repository.readFile(r.first.oid, path, 4096);
    return file === undefined ? undefined : [file.kind, file.content.toString()];
  };

  test("a file is its raw bytes, without the conversions of .gitattributes", async () => {
    expect(await read("go.mod")).toEqual(["file", "module example.com/r\r\n\r\n"]);
    expect(await read("sub/go.mod")).toEqual(["file", "module example.com/r/sub\n"]);
    expect(await read("sub/deep/er/file")).toEqual(["file", "deep"]);
    expect(await read("run")).toEqual(["file", "#!/bin/sh\n"]);
  });

  test("a symlink is its text; directories and gitlinks have none", async () => {
    expect(await read("link/go.mod")).toEqual(["symlink", "module example.com/link"]);
    expect(await read("LICENSE")).toEqual(["symlink", "../elsewhere"]);
    expect(await read("dir/go.mod")).toEqual(["directory", ""]);
    expect(await read("linked/go.mod")).toEqual(["gitlink", ""]);
    expect(await read("sub")).toEqual(["directory", ""]);
  });

  test("odd names are names and nothing else", async () => {
    expect(await read("odd:name")).toEqual(["file", "colon"]);
    expect(await read("new\nline")).toEqual(["file", "newline"]);
    expect(await read(":(glob)*")).toEqual(["file", "magic"]);
    expect(await read("日本")).toEqual(["file", "unicode"]);
  });

  test.each([
    "none",
    "",
    "/go.mod",
    "go.mod/",
    "./go.mod",
    "sub/../go.mod",
    "sub//go.mod",
    "go.mod/x",
    "linked/go.mod/x",
    "LICENSE/x",
    "GO.MOD",
    "go.mo",
    "a\0b",
  ])("%j is nothing", async (path) => expect(await read(path)).toBeUndefined());

  test("a file over the limit is refused, and an object that is no commit has no files", async () => {
    await expect(repository.readFile(r.first.oid, "big", 4999)).rejects.toMatchObject({ kind: "too-large" });
    expect((await repository.readFile(r.first.oid, "big", 5000))?.content.length).toBe(5000);
    expect(await repository.readFile(r.blob.oid, "go.mod", 100)).toBeUndefined();
    expect(await repository.readFile("0".repeat(40), "go.mod", 100)).toBeUndefined();
    await expect(repository.readFile("HEAD", "go.mod", 100)).rejects.toMatchObject({ kind: "invalid" });
  });
});

describe("commits", () => {
  test("the time is the committer's, in UTC, neither the author's nor the tagger's", async () => {
    expect(await repository.commitInfo(r.first.oid)).toEqual({
      oid: r.first.oid,
      time: new Date("2024-01-01T00:00:00Z"),
    });
    expect((await repository.commitInfo(r.thrice.oid))?.oid).toBe(r.first.oid);
    expect(await repository.commitInfo(r.blob.oid)).toBeUndefined();
    expect(await repository.commitInfo("0".repeat(40))).toBeUndefined();
  });

  test("headers that look like a committer do not count", async () => {
    const path = join(scratch.path, "sly.git");
    const sly = makeRepository(path, (recipe) =>
      recipe.commit({ a: "b" }, { message: "x\n\ncommitter X <x@example.com> 1 +0000\n" }),
    );
    const tree = git([`--git-dir=${path}`, "rev-parse", `${sly.oid}^{tree}`]).trim();
    const raw = `tree ${tree}\nauthor committer <a@b> 5 +0000\ncommitter Q > 3 +0000 <q@example.com> 1234567890 +0000\n\nm\n`;
    const odd = git([`--git-dir=${path}`, "hash-object", "-t", "commit", "-w", "--stdin", "--literally"], {
      input: raw,
    }).trim();
    expect((await repositories.at(path).commitInfo(sly.oid))?.time.toISOString()).toBe("2024-01-01T00:00:00.000Z");
    expect((await repositories.at(path).commitInfo(odd))?.time.getTime()).toBe(1_234_567_890_000);
  });

  test("a name that holds what ends a line elsewhere is a name, as git has it", async () => {
    const path = join(scratch.path, "returned.git");
    const { oid } = makeRepository(path, (recipe) => recipe.commit({ a: "b" }));
    const tree = git([`--git-dir=${path}`, "rev-parse", `${oid}^{tree}`]).trim();
    for (const end of ["\r", "\u2028"]) {
      const input = `tree ${tree}\nauthor A${end}parent ${oid}${end}committer X <x@example.com> 5 +0000\ncommitter C <c@example.com> 1234567890 +0000\n\nm\n`;
      const made = git([`--git-dir=${path}`, "hash-object", "-t", "commit", "-w", "--stdin"], { input }).trim();
      const [time, name, parents = ""] = git([`--git-dir=${path}`, "show", "-s", "--format=%ct%n%cn%n%P", made]).split(
        "\n",
      );
      const repository = repositories.at(path);
      expect((await repository.commitInfo(made))?.time.getTime()).toBe(Number(time) * 1000);
      const commit = await repository.readCommit(made);
      expect([commit?.committer.name, commit?.parents.join(" "), commit?.author.email]).toEqual([
        name,
        parents,
        "x@example.com",
      ]);
    }
  });
});

describe("revisions", () => {
  test("tag, then branch, then HEAD, then hash", async () => {
    expect(await resolveRevision(repository, "v1.0.1")).toMatchObject({ oid: r.first.oid, ref: "refs/tags/v1.0.1" });
    expect(await resolveRevision(repository, "thrice")).toMatchObject({ oid: r.first.oid, ref: "refs/tags/thrice" });
    expect(await resolveRevision(repository, "same")).toMatchObject({ oid: r.second.oid, ref: "refs/tags/same" });
    expect(await resolveRevision(repository, "feature/x")).toEqual({
      oid: r.side.oid,
      ref: "refs/heads/feature/x",
      time: new Date(1_800_000_000_000),
    });
    expect(await resolveRevision(repository, "HEAD")).toMatchObject({ oid: r.second.oid, ref: "HEAD" });
    expect(await resolveRevision(repository, r.second.oid)).toMatchObject({ oid: r.second.oid, ref: "HEAD" });
    expect(await resolveRevision(repository, r.side.oid.slice(0, 7))).toMatchObject({ ref: "refs/heads/feature/x" });
  });

  test("a commit inside the history is found by its hash alone", async () => {
    const path = join(scratch.path, "history.git");
    const [old, tip] = makeRepository(
      path,
      (recipe) => [recipe.commit({ a: "1" }), recipe.commit({ a: "2" })] as const,
    );
    expect(await resolveRevision(repositories.at(path), old.oid.slice(0, 12))).toEqual({
      oid: old.oid,
      time: new Date("2024-01-01T00:00:00Z"),
    });
    expect(await resolveRevision(repositories.at(path), tip.oid)).toMatchObject({ ref: "HEAD" });
  });

  test.each([
    "none",
    "v1.0",
    "main~1",
    "main^{tree}",
    "refs/heads/main",
    "heads/main",
    "@",
    "--all",
    "",
    "a\nb",
    "blob",
    "blob-annotated",
  ])("%j is an unknown revision", async (rev) => {
    await expect(resolveRevision(repository, rev)).rejects.toMatchObject({
      kind: "not-found",
      message: `unknown revision ${rev}`,
    });
  });

  test("what only other refs reach is unknown, as are short, long and uppercase hashes", async () => {
    const { oid } = r.first;
    for (const rev of [
      r.hidden.oid,
      r.hidden.oid.slice(0, 9),
      oid.slice(0, 6),
      `${oid}0`,
      oid.toUpperCase(),
      "0".repeat(40),
    ]) {
      await expect(resolveRevision(repository, rev)).rejects.toThrow(`unknown revision ${rev}`);
    }
  });

  test("the hash of a tag object is the tag's commit, of a blob nothing", async () => {
    expect(await resolveRevision(repository, r.annotated.oid)).toMatchObject({ oid: r.first.oid });
    await expect(resolveRevision(repository, r.blob.oid)).rejects.toThrow("unknown revision");
  });

  test("a prefix of two hashes is ambiguous, unless only one of them is in reach", async () => {
    const path = join(scratch.path, "ambiguous.git");
    // Found by trying: two commits whose ids share seven digits need about 2^14 tries.
    const tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    const seen = new Map<string, string>();
    const body = (n: number): string =>
      `tree ${tree}\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> ${n + 1} +0000\n\nx\n`;
    const { createHash } = await import("node:crypto");
    let pair: [string, string] | undefined;
    for (let n = 0; pair === undefined; n++) {
      const text = body(n);
      const oid = createHash("sha1").update(`commit ${text.length}\0${text}`).digest("hex");
      const earlier = seen.get(oid.slice(0, 7));
      if (earlier !== undefined) pair = [earlier, text];
      seen.set(oid.slice(0, 7), text);
    }
    await initRepository(path);
    git([`--git-dir=${path}`, "hash-object", "-t", "tree", "-w", "--stdin"]);
    const [a = "", b = ""] = pair.map((text) =>
      git([`--git-dir=${path}`, "hash-object", "-t", "commit", "-w", "--stdin"], { input: text }).trim(),
    );
    const prefix = a.slice(0, 7);
    expect(b.slice(0, 7)).toBe(prefix);
    const child = (parent: string): string =>
      git([`--git-dir=${path}`, "commit-tree", "-p", parent, "-m", "child", tree]).trim();
    git([`--git-dir=${path}`, "update-ref", "refs/heads/a", child(a)]);
    expect(await resolveRevision(repositories.at(path), prefix)).toMatchObject({ oid: a });
    git([`--git-dir=${path}`, "update-ref", "refs/heads/b", child(b)]);
    await expect(resolveRevision(repositories.at(path), prefix)).rejects.toThrow(`ambiguous revision ${prefix}`);
    git([`--git-dir=${path}`, "update-ref", "refs/heads/a", a]);
    git([`--git-dir=${path}`, "update-ref", "refs/tags/b", b]);
    await expect(resolveRevision(repositories.at(path), prefix)).rejects.toThrow(`ambiguous revision ${prefix}`);
  });

  test("a repository with SHA-256 ids works the same", async () => {
    const path = join(scratch.path, "sha256.git");
    const made = makeRepository(
      path,
      (recipe) => {
        const commit = recipe.commit({ "sub/go.mod": "module m/sub\n" });
        recipe.annotatedTag("v1.0.0", commit);
        return commit;
      },
      { sha256: true },
    );
    const sha256 = repositories.at(path);
    expect(made.oid).toHaveLength(64);
    expect(await resolveRevision(sha256, "v1.0.0")).toMatchObject({ oid: made.oid });
    expect(await resolveRevision(sha256, made.oid.slice(0, 12))).toMatchObject({ oid: made.oid });
    expect((await sha256.readFile(made.oid, "sub/go.mod", 100))?.content.toString()).toBe("module m/sub\n");
  });
});

describe("a repository's life", () => {
  test("is made whole: bare, no hooks, HEAD on main, export attributes off", async () => {
    const path = join(scratch.path, "deep", "er", "new.git");
    await Promise.all(Array.from({ length: 5 }, () => initRepository(path)));
    await initRepository(path);
    expect(readFileSync(join(path, "HEAD"), "utf8")).toBe("ref: refs/heads/main\n");
    expect(readFileSync(join(path, "info", "attributes"), "utf8")).toBe("* -export-subst -export-ignore\n");
    expect(readdirSync(path)).not.toContain("hooks");
    expect(readdirSync(join(scratch.path, "deep", "er"))).toEqual(["new.git"]);
  });

  test("a kept object survives the loss of its tag and a maintainer's gc, unseen by clients", async () => {
    const path = join(scratch.path, "keep.git");
    const { tag, commit, lost } = makeRepository(path, (recipe) => {
      const commit = recipe.commit({ a: "1" }, { branch: "b" });
      return { commit, tag: recipe.annotatedTag("v1.0.0", commit), lost: recipe.commit({ a: "2" }, { branch: "b" }) };
    });
    const kept = repositories.at(path);
    await kept.keepObject(tag.oid);
    await kept.keepObjects([tag.oid, tag.oid]);
    await kept.keepObjects([]);
    git([`--git-dir=${path}`, "update-ref", "--stdin"], { input: "delete refs/tags/v1.0.0\ndelete refs/heads/b\n" });
    git([`--git-dir=${path}`, "gc", "--prune=now", "--quiet"]);
    expect(await kept.listRefs()).toEqual([]);
    expect((await kept.commitInfo(tag.oid))?.oid).toBe(commit.oid);
    expect((await kept.readFile(commit.oid, "a", 10))?.content.toString()).toBe("1");
    expect(await kept.commitInfo(lost.oid)).toBeUndefined();
    await expect(kept.keepObject("../../heads/x")).rejects.toMatchObject({ kind: "invalid" });
  });

  test.each<[string[], string | undefined]>([
    [["main", "master", "a"], "main"],
    [["master", "a"], "master"],
    [["zeta", "beta"], "beta"],
    [[], undefined],
  ])("with branches %j HEAD names %s", async (branches, expected) => {
    const path = join(scratch.path, `head-${branches.join("-")}.git`);
    makeRepository(path, (recipe) => {
      for (const branch of branches) recipe.commit({ a: branch }, { branch, parents: [] });
    });
    git([`--git-dir=${path}`, "symbolic-ref", "HEAD", "refs/heads/unborn"]);
    const ref = expected === undefined ? undefined : `refs/heads/${expected}`;
    expect(await repositories.at(path).setHeadToFirstBranch()).toBe(ref);
    expect((await repositories.at(path).head())?.ref).toBe(ref);
    if (branches.includes("a")) {
      git([`--git-dir=${path}`, "symbolic-ref", "HEAD", "refs/heads/a"]);
      expect(await repositories.at(path).setHeadToFirstBranch()).toBe("refs/heads/a");
    }
  });

  test("objects pushed after the reader started are found", async () => {
    const path = join(scratch.path, "later.git");
    const early = makeRepository(path, (recipe) => recipe.commit({ a: "1" }));
    const later = repositories.at(path);
    expect(await later.commitInfo(early.oid)).toBeDefined();
    const late = makeRepository(path, (recipe) => recipe.commit({ a: "2" }, { parents: [early] }));
    expect(await later.commitInfo(late.oid)).toBeDefined();
  });

  test("readers are bounded, and closing ends them all", async () => {
    const pool = new Repositories({ maxReaders: 2 });
    const paths = ["p1", "p2", "p3", "p4"].map((name) => join(scratch.path, `${name}.git`));
    const commits = paths.map((path) => makeRepository(path, (recipe) => recipe.commit({ a: path })));
    const running = (): number => gitProcesses(`${scratch.path}/p`).length;
    for (let round = 0; round < 3; round++) {
      const found = await Promise.all(paths.map((path, n) => pool.at(path).commitInfo(commits[n]?.oid ?? "")));
      expect(found.every((info) => info !== undefined)).toBe(true);
    }
    await pool.forget(paths[0] ?? "");
    await expect.poll(running).toBeLessThanOrEqual(2);
    await pool.close();
    expect(running()).toBe(0);
    await expect(pool.at(paths[0] ?? "").commitInfo(commits[0]?.oid ?? "")).rejects.toMatchObject({
      kind: "unavailable",
    });
  });
});
