// A checkout of somebody's repository, as `gokura publish` needs it: where the module lies in it, which commit is checked out,
// which tags are on that, and the repository's objects, read by our own git, whose archives are those of the server whatever
// the user's settings are. The user's git is asked only about the checkout itself.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { Failure, invalid } from "../errors.ts";
import { initRepository } from "../git/objects/init-repository.ts";
import { Repositories } from "../git/objects/repositories.ts";
import type { Repository } from "../git/objects/repository.ts";
import { spawnGit } from "../git/process/git-process.ts";

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const run = promisify(execFile);

export interface Checkout {
  /** The directory in the repository, with slashes; "" at its root. */
  readonly subdir: string;
  /** The commit that is checked out. */
  readonly commit: string;
  /** The tags on it. */
  readonly tags: readonly string[];
  /** What differs from it below the directory, as `git status` writes it. */
  readonly changes: readonly string[];
  /** A bare repository with that commit and its files. */
  readonly repository: Repository;
  /** Scratch space, gone when the work is done. */
  readonly scratch: string;
  /** The commit that a tag is on; undefined if there is no such tag. */
  commitOf(tag: string): Promise<string | undefined>;
}

/** Does some work on the checkout that a directory is in. Throws invalid if it is in none. */
export async function withCheckout<T>(directory: string, work: (checkout: Checkout) => Promise<T>): Promise<T> {
  const git = async (...words: string[]): Promise<string> => {
    try {
      const { stdout } = await run("git", ["-C", directory, ...words], { maxBuffer: MAX_OUTPUT_BYTES });
      return stdout.replace(/\n$/, "");
    } catch (error) {
      const { stderr, code } = error as { stderr?: string; code?: unknown };
      if (code === "ENOENT") throw invalid("git is not installed, or there is no such directory");
      throw invalid(`git ${words[0]} in ${directory}: ${(stderr || String(error)).trim()}`);
    }
  };
  const top = await git("rev-parse", "--show-toplevel");
  const commit = await git("rev-parse", "--verify", "HEAD^{commit}");
  const format = await git("rev-parse", "--show-object-format");
  const scratch = await mkdtemp(join(tmpdir(), "gokura-publish-"));
  const repositories = new Repositories();
  try {
    const bare = join(scratch, "repository");
    await initRepository(bare, { objectFormat: format === "sha256" ? "sha256" : "sha1" });
    await copyCommit(directory, commit, await git("rev-list", "--objects", "--no-walk", commit), bare);
    return await work({
      subdir: relative(await realpath(top), await realpath(directory))
        .split(sep)
        .join("/"),
      commit,
      tags: linesOf(await git("tag", "--points-at", "HEAD")),
      changes: linesOf(await git("status", "--porcelain", "--", ".")),
      repository: repositories.at(bare),
      scratch,
      commitOf: (tag) => git("rev-parse", "--verify", "--quiet", `refs/tags/${tag}^{commit}`).catch(() => undefined),
    });
  } finally {
    await repositories.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Copies a commit with its files, without its history: what `git rev-list --objects` has listed of it. */
async function copyCommit(directory: string, commit: string, objects: string, bare: string): Promise<void> {
  // First the one that reads: what a process wrote before somebody listens is thrown away when it ends.
  const index = await spawnGit(bare, ["index-pack", "--stdin"]);
  const pack = spawn("git", ["-C", directory, "pack-objects", "--quiet", "--stdout"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const packed = new Promise<number | null>((done, fail) => pack.once("error", fail).once("close", done));
  pack.stdin.on("error", () => {}).end(`${objects}\n`);
  // index-pack ends when it has read the last byte, which may be before its input is closed: whether it had a whole pack is
  // for its exit status to say.
  const sent = pipeline(pack.stdout, index.stdin).catch(() => {});
  await Promise.all([sent, index.ended, packed]).catch((cause: unknown) => {
    throw new Failure("unavailable", `the files of ${commit.slice(0, 12)} cannot be read out of the repository`, {
      cause,
    });
  });
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
