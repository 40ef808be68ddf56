// gokura publish, as far as it goes without a server: which version a checkout is, what keeps it from being sent, and what is
// only hinted at. That what it sends is what a push would have made: test/intake/every-way.test.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { Ended } from "../support/gokura-process.ts";
import { git } from "../support/push.ts";
import { temporary } from "../support/temporary.ts";
import { runHere } from "./run-here.ts";

const M = "go.example.com/acme/lib";
const checkout = join(temporary("publish"), "lib");

function write(files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(checkout, name)), { recursive: true });
    writeFileSync(join(checkout, name), content);
  }
}

const publish = (directory: string, ...words: string[]): Promise<Ended> =>
  runHere(["publish", join(checkout, directory), ...words], { GIT_CONFIG_GLOBAL: "/dev/null" });

const dryRun = async (directory: string, ...words: string[]) => {
  const { code, stdout, stderr } = await publish(directory, "--dry-run", "--json", ...words);
  return { code, stderr, told: code === 0 ? JSON.parse(stdout) : undefined };
};

beforeAll(async () => {
  write({
    "go.mod": `module ${M}\n\ngo 1.21\n`,
    LICENSE: "MIT License\n",
    "lib.go": "package lib\n",
    ".gitattributes": "*.txt export-ignore\n",
    "kept.txt": "kept\n",
    "sub/v2/go.mod": `module ${M}/sub/v2\n\nrequire example.com/x v1.0.0\n\nreplace example.com/x => ../x\n`,
    "sub/v2/sub.go": "package sub\n",
    "odd/go.mod": "module example.com/odd/v3\n",
  });
  await git(["init", "--quiet", "--initial-branch=main", checkout]);
  await git(["-C", checkout, "add", "."]);
  await git(["-C", checkout, "commit", "--quiet", "--message", "all"]);
  for (const tag of ["v1.2.3", "sub/v2.0.1", "odd/v2.0.0", "unrelated"]) await git(["-C", checkout, "tag", tag]);
});

describe("a checkout", () => {
  test("is the version of the tag on its commit, in a directory too, and what export-ignore names is in the zip", async () => {
    const { code, told, stderr } = await dryRun("");
    expect([code, stderr]).toEqual([0, ""]);
    // The go command leaves out nothing but the two nested modules.
    expect(told).toMatchObject({ module: M, version: "v1.2.3", files: 5, server: "https://go.example.com" });
    expect(told.published).toBe("no, this was a dry run");
    expect((await dryRun("sub/v2")).told).toMatchObject({ module: `${M}/sub/v2`, version: "v2.0.1", files: 3 });
    const wanted = await dryRun("", "--version", "v1.3.0-rc.1", "--server", "http://127.0.0.1:1");
    expect(wanted.told).toMatchObject({ version: "v1.3.0-rc.1", server: "http://127.0.0.1:1" });
  });

  test("is read whole where the git that reads it ends before the one that writes", async () => {
    const bin = join(temporary("publish-git"), "bin");
    mkdirSync(bin);
    const slow = `#!/bin/sh\nPATH=\${PATH#*:}\ncase "$*" in *pack-objects*) git "$@"; sleep 0.5 ;; *) exec git "$@" ;; esac\n`;
    writeFileSync(join(bin, "git"), slow, { mode: 0o755 });
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
    try {
      expect(await dryRun("")).toMatchObject({ code: 0, stderr: "", told: { version: "v1.2.3", files: 5 } });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("is hinted at what its users will stumble over", async () => {
    const { code, stdout, stderr } = await publish("sub/v2", "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toContain("published  no, this was a dry run");
    const hints = stderr.trim().split("\n");
    expect(hints.filter((line) => line.startsWith("hint: "))).toHaveLength(hints.length);
    for (const word of [
      "replace directives",
      "a replace directive names a directory",
      "no go.sum",
      "no go line",
      "licence",
    ])
      expect(stderr).toContain(word);
  });

  test.each([
    ["odd", [], "no tag on the commit that is checked out is a version of example.com/odd/v3"],
    ["", ["--version", "v2.0.0"], "should be v0 or v1, not v2"],
    ["", ["--version", "v1.2"], "v1.2 is not a full version; use v1.2.0"],
    ["", ["--version", "1.2.3"], "1.2.3 is no version: use one such as v1.0.0"],
    ["sub", [], "there is no sub/go.mod in the commit that is checked out"],
    ["..", [], "git rev-parse in"],
    ["", ["--server", "http://go.example.com"], "a token is sent over https only"],
    ["", ["--server", "https://127.0.0.1:1"], "https://127.0.0.1:1 does not answer"],
  ])("in %j with %j is not sent, with the reason", async (directory, words, reason) => {
    const { code, stderr } = await runHere(["publish", join(checkout, directory), ...words], {
      ...{ GOKURA_TOKEN: "t".repeat(20), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CEILING_DIRECTORIES: dirname(checkout) },
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining(reason)]);
  });

  test("with changes, a tag elsewhere and a wrong module line is told all of that at once", async () => {
    write({ "go.mod": "module go.example.com/acme/lib/v3\n", "new.go": "package lib\n" });
    await git(["-C", checkout, "commit", "--quiet", "--all", "--message", "more"]);
    write({ "lib.go": "package changed\n" });
    const { code, stderr } = await dryRun("", "--version", "v1.2.3");
    expect(code).toBe(1);
    const { message } = JSON.parse(stderr).error;
    expect(message.split("\n")).toEqual([
      "the checkout has changes that are in no commit, and a version is made of a commit: lib.go, new.go",
      expect.stringContaining("should be v3, not v1"),
    ]);
    write({ "go.mod": `module ${M}\n` });
    await git(["-C", checkout, "commit", "--quiet", "--all", "--message", "back"]);
    expect((await dryRun("", "--version", "v1.2.3")).stderr).toContain("the tag v1.2.3 is on ");
  });
});
