// The check of commit messages, on repositories made for it.
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporary } from "../support/temporary.ts";

const CHECK = join(process.cwd(), "scripts/check-commits.ts");
const GOOD = "git: a push waits for its tags\n\nWhoever sees it succeed can fetch at once.";

interface Sample {
  readonly directory: string;
  git(...words: string[]): string;
  commit(message: string): void;
  check(): { code: number | null; said: string };
}

function repository(): Sample {
  const directory = temporary("commits");
  const env = { PATH: process.env.PATH ?? "", HOME: directory, GIT_CONFIG_NOSYSTEM: "1" };
  const git = (...words: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...words], {
      cwd: directory,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  git("init", "--quiet", "--initial-branch=main");
  return {
    directory,
    git,
    commit: (message) => void git("commit", "--quiet", "--allow-empty", `--message=${message}`),
    check() {
      const { status, stdout, stderr } = spawnSync(process.execPath, [CHECK], {
        cwd: directory,
        env,
        encoding: "utf8",
      });
      return { code: status, said: stdout + stderr };
    },
  };
}

test("a title, an empty line and a body are in order", () => {
  const { commit, check } = repository();
  commit(GOOD);
  expect(check()).toEqual({ code: 0, said: "1 commits looked at: their messages are in order\n" });
});

test.each([
  ["a semicolon in the title", "git: one thing; http: another\n\nBecause.", "semicolon"],
  ["a title of 73 characters", `git: ${"x".repeat(68)}\n\nBecause.`, "73 characters"],
  ["no body", "git: a push waits for its tags", "no body"],
  ["a body of trailers alone", "git: a push waits\n\nSigned-off-by: A <a@example.com>", "no body"],
])("%s is refused, with the commit named", (_, message, why) => {
  const { commit, check, git } = repository();
  commit(message);
  commit(GOOD);
  const { code, said } = check();
  expect(code).toBe(1);
  expect(said).toContain(why);
  expect(said).toContain(git("rev-parse", "HEAD~1").slice(0, 10));
});

test("72 characters are allowed, of whatever alphabet", () => {
  const { commit, check } = repository();
  commit(`git: ${"ü".repeat(67)}\n\nBecause.`);
  expect(check().code).toBe(0);
});

test("what a remote has already is left alone; without a remote the last 20 count", () => {
  const { commit, check, git } = repository();
  commit("bad");
  for (let n = 0; n < 19; n++) commit(GOOD);
  expect(check().code).toBe(1);
  commit(GOOD);
  expect(check().code).toBe(0);

  commit("bad as well");
  const bare = temporary("bare");
  git("init", "--quiet", "--bare", bare);
  git("remote", "add", "origin", bare);
  expect(check().code).toBe(1); // a remote that has nothing yet: all commits are new
  git("push", "--quiet", "origin", "main");
  expect(check()).toMatchObject({ code: 0, said: expect.stringContaining("0 commits") });
  commit("new and bad");
  expect(check().said).toContain("new and bad");
});
