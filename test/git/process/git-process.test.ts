import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkGitVersion, gitEnvironment } from "../../../src/git/process/git-environment.ts";
import { GitError, runGit, spawnGit } from "../../../src/git/process/git-process.ts";
import { temporaryDirectory } from "../../support/git-fixture.ts";

const scratch = temporaryDirectory();
afterAll(() => scratch.dispose());

/** Whether a process runs; one that is dead and waits to be reaped does not. */
function running(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("the version of git is found", async () => {
  expect(await checkGitVersion()).toMatch(/^\d+\.\d+/);
});

test.each([
  ["git version 2.30.2", /git 2\.30\.2 is too old: install git 2\.39 or newer/],
  ["git version 1.99.0", /too old/],
  ["not git at all", /says "not git at all"/],
])("%s is refused with what to install", async (said, message) => {
  const bin = join(scratch.path, `bin-${said.replaceAll(" ", "-")}`);
  mkdirSync(bin);
  writeFileSync(join(bin, "git"), `#!/bin/sh\necho '${said}'\n`, { mode: 0o755 });
  await expect(checkGitVersion({ PATH: bin })).rejects.toThrow(message);
});

test.each(["git version 2.39.0", "git version 2.50.1 (Apple Git-155)", "git version 3.0.1.windows.1"])(
  "%s is good",
  async (said) => {
    const bin = join(scratch.path, `bin-${said.replaceAll(/[^\w.]/g, "-")}`);
    mkdirSync(bin);
    writeFileSync(join(bin, "git"), `#!/bin/sh\necho '${said}'\n`, { mode: 0o755 });
    expect(said).toContain(await checkGitVersion({ PATH: bin }));
  },
);

test("a machine without git is told what to install", async () => {
  await expect(checkGitVersion({ PATH: "/nonexistent" })).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining("apt-get install git"),
  });
  await expect(runGit(undefined, ["version"], { environment: { PATH: "/nonexistent" } })).rejects.toMatchObject({
    kind: "unavailable",
  });
});

test("nothing of the machine's configuration is seen", async () => {
  const settings = (await runGit(undefined, ["config", "--list", "--show-scope"])).toString().trim().split("\n");
  expect(settings.filter((line) => !line.startsWith("command\t"))).toEqual([]);
  expect(Object.keys(gitEnvironment()).filter((name) => !name.startsWith("GIT_"))).toEqual([
    "PATH",
    "HOME",
    "LC_ALL",
    "TZ",
  ]);
});

test("a command that fails tells its words and its exit status", async () => {
  const failed = await runGit("/nonexistent/x.git", ["rev-parse", "HEAD"]).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(GitError);
  expect(failed).toMatchObject({ exitCode: 128, stderr: expect.stringContaining("not a git repository") });
});

test("input is given and output returned", async () => {
  const oid = await runGit(undefined, ["hash-object", "--stdin"], { input: "hello\n" });
  expect(oid.toString()).toBe("ce013625030ba8dba906f756967f9e9ca394464a\n");
});

test("more output than allowed is refused", async () => {
  await expect(runGit(undefined, ["help", "-a"], { maxOutputBytes: 100 })).rejects.toMatchObject({ kind: "too-large" });
});

test("a command that takes too long is stopped, with its children", async () => {
  const bin = join(scratch.path, "bin-slow");
  mkdirSync(bin);
  writeFileSync(join(bin, "git"), `#!/bin/sh\necho $$ > ${bin}/pid\n/bin/sleep 60 & echo $! > ${bin}/child\nwait\n`, {
    mode: 0o755,
  });
  const slow = runGit(undefined, ["version"], { timeoutMs: 100, environment: { PATH: bin } });
  await expect(slow).rejects.toMatchObject({ kind: "unavailable", message: expect.stringContaining("100 ms") });
  for (const file of ["pid", "child"]) {
    const pid = Number(readFileSync(join(bin, file), "utf8"));
    await expect.poll(() => running(pid)).toBe(false);
  }
});

test("an abort stops the process and is the reason", async () => {
  const abort = new AbortController();
  const git = await spawnGit(undefined, ["hash-object", "--stdin"], { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(git.ended).rejects.toThrow("enough");
  await expect(runGit(undefined, ["version"], { signal: abort.signal })).rejects.toThrow("enough");
});

test("a hundred commands at once all get their turn", async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => runGit(undefined, ["version"])));
  expect(new Set(answers.map(String)).size).toBe(1);
});

test("refs are told at a low priority to whose other requests wait, and at the server's own to somebody else", async () => {
  const bin = join(scratch.path, "bin-nice");
  mkdirSync(bin);
  writeFileSync(join(bin, "git"), "#!/bin/sh\nread go\nnice\n", { mode: 0o755 });
  const ask = (caller: string): Promise<number> =>
    runGit(undefined, ["upload-pack"], {
      ...{ lane: "refs", caller, input: "go\n", environment: { PATH: `${bin}:${process.env.PATH}` } },
    }).then(Number);
  const [herd, bystander] = [Array.from({ length: 10 }, () => ask("herd")), ask("bystander")];
  const low = Math.min(getPriority() + 10, 19);
  expect(await Promise.all(herd)).toEqual([...Array<number>(9).fill(low), getPriority()]);
  expect(await bystander).toBe(getPriority());
});

test("a repository is looked at when git starts, not when it begins to wait for its turn", async () => {
  const directory = join(scratch.path, "waiting.git");
  await runGit(undefined, ["init", "--quiet", "--bare", "--template=", directory]);
  const busy = await Promise.all(Array.from({ length: 8 }, () => spawnGit(directory, ["cat-file", "--batch"])));
  const named = spawnGit(directory, ["rev-parse", "--git-dir"]);
  const unnamed = spawnGit(undefined, [`--git-dir=${directory}`, "rev-parse"], { repository: directory });
  appendFileSync(join(directory, "config"), '[filter "x"]\n\tsmudge = cat\n');
  for (const git of busy) git.stop();
  await expect(named).rejects.toThrow("waits for the server's administrator");
  await expect(unnamed).rejects.toThrow("waits for the server's administrator");
  await Promise.allSettled(busy.map((git) => git.ended));
});
