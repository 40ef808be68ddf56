// Pushing with the real git: a recipe makes a repository (git-fixture.ts), and all its branches and tags are pushed. Never
// synchronously: the server that answers may be in this very process.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { makeRepository, type Recipe } from "./git-fixture.ts";
import { temporary } from "./temporary.ts";

export interface Ended {
  readonly status: number;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

const GIT_ENV = {
  PATH: process.env.PATH ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.com",
  GIT_COMMITTER_NAME: "C",
  GIT_COMMITTER_EMAIL: "c@example.com",
};

/** The packs below a directory of which git has received a part: pushes that are half-way. */
export function packsOnTheirWay(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => /\/tmp_pack_\w+$/.test(name));
}

/** Runs a program to its end. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? "/",
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => resolve({ status: code ?? -1, output: Buffer.concat(chunks).toString("utf8") }));
  });
}

/** Runs git with nothing of this machine's settings, and tells how it ended. */
export function tryGit(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return runProgram("git", args, { env: { ...GIT_ENV, ...env } });
}

/** The same for a git that must succeed. */
export async function git(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { status, output } = await tryGit(args, env);
  if (status !== 0) throw new Error(`git ${args.join(" ")} ended with ${status}: ${output}`);
  return output;
}

/** Where a push goes: with the token in the URL, as CI jobs do it. */
export function remoteOf(url: string, fullPath: string, token: string): string {
  return url.replace("://", `://any:${token}@`).concat(`/${fullPath}.git`);
}

export interface PushedRepository {
  /** The bare repository that was pushed from. */
  readonly directory: string;
  /** Changes the repository by another recipe. */
  change(recipe: (recipe: Recipe) => void): void;
  /** Pushes everything, or the given refspecs. */
  push(...refspecs: string[]): Promise<string>;
}

/** Makes a repository and pushes all of it. Throws with git's words when the push fails. */
export async function pushRecipe(
  remote: string,
  recipe: (recipe: Recipe) => void,
  env: Record<string, string> = {},
): Promise<PushedRepository> {
  const directory = join(temporary("push"), "repository");
  makeRepository(directory, recipe);
  const repository: PushedRepository = {
    directory,
    change: (next) => void makeRepository(directory, next),
    push(...refspecs) {
      const refs = refspecs.length > 0 ? refspecs : ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];
      return git(["-C", directory, "push", "--force", remote, ...refs], env);
    },
  };
  await repository.push();
  return repository;
}
