// Repositories for tests, made by the real git from a recipe: `git fast-import` takes the whole history in one process, with
// fixed dates and names, so that object ids are the same on every machine.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a commit puts at a path: text or bytes, something with a mode, or null to remove it. */
export type FixtureFile =
  | string
  | Buffer
  | { readonly symlink: string }
  | { readonly executable: string }
  | { readonly gitlink: string }
  | null;

interface FixtureObject {
  /** The object id; known once makeRepository has returned. */
  readonly oid: string;
}

interface CommitOptions {
  /** Branch without refs/heads/; default main. */
  readonly branch?: string;
  /** Parents; default the branch's previous commit. The first one's files are the base. `[]` starts anew. */
  readonly parents?: readonly FixtureObject[];
  /** Committer date in seconds since 1970; default one day after the previous commit, from 2024-01-01T00:00:00Z. */
  readonly time?: number;
  readonly message?: string;
}

export interface Recipe {
  /** Files by path; the path is UTF-8, or raw bytes given as latin1 behind a leading "raw:". */
  commit(files: Readonly<Record<string, FixtureFile>>, options?: CommitOptions): FixtureObject;
  /** A loose blob, to be tagged. */
  blob(content: string): FixtureObject;
  /** A lightweight tag (without refs/tags/). */
  tag(name: string, target: FixtureObject): void;
  /** An annotated tag; its target may be a commit, a blob or another tag. Returns the tag object. */
  annotatedTag(name: string, target: FixtureObject): FixtureObject;
  /** Any other ref by its full name. */
  ref(name: string, target: FixtureObject): void;
}

const FIRST_TIME = 1_704_067_200;
const DAY = 86_400;

/** Runs the real git in an empty environment and returns what it says. Throws with its words. */
export function git(
  args: readonly string[],
  options: { input?: Buffer | string; env?: NodeJS.ProcessEnv } = {},
): string {
  const done = spawnSync("git", args, {
    input: options.input ?? "",
    cwd: "/",
    maxBuffer: 1 << 30,
    env: {
      PATH: process.env.PATH,
      HOME: "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
      GIT_AUTHOR_NAME: "A",
      GIT_AUTHOR_EMAIL: "a@example.com",
      GIT_COMMITTER_NAME: "C",
      GIT_COMMITTER_EMAIL: "c@example.com",
      GIT_AUTHOR_DATE: `${FIRST_TIME - DAY} +0500`,
      GIT_COMMITTER_DATE: `${FIRST_TIME} -0300`,
      ...options.env,
    },
  });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr.toString()}`);
  return done.stdout.toString();
}

/** The ids of the git processes of this machine whose command line holds a text, such as a repository's directory. */
export function gitProcesses(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8"); // empty once it is dead
        return command.startsWith("git\0") && command.includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A directory for one test file, removed by its dispose(). */
export function temporaryDirectory(): { readonly path: string; dispose(): void } {
  const path = mkdtempSync(join(tmpdir(), "gokura-test-"));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Makes a bare repository in a directory that may be absent, empty, or a bare repository already, and returns what the
 * recipe returns, in which every FixtureObject then knows its id. HEAD names refs/heads/main.
 */
export function makeRepository<T>(directory: string, recipe: (r: Recipe) => T, options: { sha256?: boolean } = {}): T {
  const format = options.sha256 === true ? "sha256" : "sha1";
  if (!existsSync(join(directory, "HEAD"))) cpSync(emptyRepository(format), directory, { recursive: true });
  const stream: Buffer[] = [];
  const objects: { oid: string }[] = [];
  const heads = new Map<string, FixtureObject>();
  const commits = new Set<FixtureObject>();
  const refs: [name: string, target: FixtureObject][] = [];
  let time = FIRST_TIME - DAY;

  const say = (...parts: (string | Buffer)[]): void => {
    for (const part of parts) stream.push(Buffer.from(part as string, "utf8"));
  };
  const data = (content: string | Buffer): void => {
    const bytes = Buffer.from(content as string, "utf8");
    say(`data ${bytes.length}\n`, bytes, "\n");
  };
  const newObject = (): { object: FixtureObject; mark: string } => {
    const object = { oid: "" };
    objects.push(object);
    return { object, mark: `:${objects.length}` };
  };
  const markOf = (object: FixtureObject): string => {
    const n = objects.indexOf(object);
    return n < 0 ? object.oid : `:${n + 1}`;
  };

  const result = recipe({
    commit: (files, given = {}) => {
      const branch = given.branch ?? "main";
      const previous = heads.get(branch);
      const parents = given.parents ?? (previous === undefined ? [] : [previous]);
      time = given.time ?? time + DAY;
      const { object, mark } = newObject();
      commits.add(object);
      if (parents.length === 0) say(`reset refs/heads/${branch}\n`);
      say(`commit refs/heads/${branch}\nmark ${mark}\nauthor A <a@example.com> ${time - DAY} +0500\n`);
      say(`committer C <c@example.com> ${time} -0300\n`);
      data(given.message ?? "change");
      for (const [n, parent] of parents.entries()) say(`${n === 0 ? "from" : "merge"} ${markOf(parent)}\n`);
      for (const [path, file] of Object.entries(files)) {
        const name = quoted(path);
        if (file === null) say(`D ${name}\n`);
        else if (typeof file === "string" || Buffer.isBuffer(file)) inline("100644", name, file);
        else if ("symlink" in file) inline("120000", name, file.symlink);
        else if ("executable" in file) inline("100755", name, file.executable);
        else say(`M 160000 ${file.gitlink} ${name}\n`);
      }
      say("\n");
      heads.set(branch, object);
      return object;
      function inline(mode: string, name: string, content: string | Buffer): void {
        say(`M ${mode} inline ${name}\n`);
        data(content);
      }
    },
    blob: (content) => {
      const { object, mark } = newObject();
      say(`blob\nmark ${mark}\n`);
      data(content);
      return object;
    },
    tag: (name, target) => void refs.push([`refs/tags/${name}`, target]),
    annotatedTag: (name, target) => {
      const { object, mark } = newObject();
      say(`tag ${name}\nmark ${mark}\nfrom ${markOf(target)}\ntagger T <t@example.com> ${time + 5 * DAY} +0900\n`);
      data(`tag ${name}`);
      return object;
    },
    ref: (name, target) => void refs.push([name, target]),
  });

  // Refs of commits of this recipe are made on the way; git asks a process more for those of other objects.
  const others = refs.filter(([, target]) => !commits.has(target));
  for (const [name, target] of refs) if (commits.has(target)) say(`reset ${name}\nfrom ${markOf(target)}\n\n`);
  const marks = join(directory, "fixture-marks");
  git([`--git-dir=${directory}`, "fast-import", "--quiet", "--force", `--export-marks=${marks}`], {
    input: Buffer.concat(stream),
  });
  for (const line of readFileSync(marks, "utf8").split("\n")) {
    const [mark = "", oid = ""] = line.split(" ");
    const object = objects[Number(mark.slice(1)) - 1];
    if (object !== undefined) object.oid = oid;
  }
  rmSync(marks);
  if (others.length > 0)
    git([`--git-dir=${directory}`, "update-ref", "--stdin"], {
      input: others.map(([name, target]) => `update ${name} ${target.oid}\n`).join(""),
    });
  return result;
}

const emptyRepositories = new Map<string, string>();

/** A bare repository without anything in it, made once by git and copied since: a process less for each repository. */
function emptyRepository(format: "sha1" | "sha256"): string {
  const known = emptyRepositories.get(format);
  if (known !== undefined) return known;
  const { path, dispose } = temporaryDirectory();
  process.once("exit", dispose);
  git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main", `--object-format=${format}`, path]);
  emptyRepositories.set(format, path);
  return path;
}

/** A path as fast-import reads it whatever its bytes are: in quotes, everything unusual in octal. */
function quoted(path: string): string {
  const bytes = path.startsWith("raw:") ? Buffer.from(path.slice(4), "latin1") : Buffer.from(path, "utf8");
  const text = [...bytes].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8).padStart(3, "0")}`,
  );
  return `"${text.join("")}"`;
}
