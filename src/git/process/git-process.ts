// Running the git program: no shell, an isolated environment, a bound on how many run at once, and no process that
// outlives its purpose. A git command often has children of its own (receive-pack starts index-pack), so each one leads a
// process group and is stopped as a group: politely first, because a git that is allowed to clean up removes its locks,
// and with SIGKILL some seconds later.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { availableParallelism, getPriority, setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import { createSlots, type Slots } from "../../concurrency/slots.ts";
import { Failure } from "../../errors.ts";
import { inLastingSpan } from "../../telemetry/tracing.ts";
import { gitEnvironment } from "./git-environment.ts";
import { checkRepository } from "./repository-guard.ts";

/** How many git commands run at once in this process. */
const MAX_COMMANDS = 8;
/** How many git clients (clone, fetch, push) are served at once in this process. */
const MAX_SESSIONS = 32;
/** How many of these one caller may have; the others of that caller wait in line. */
const MAX_SESSIONS_OF_ONE = 8;
/** Telling refs keeps one processor busy for some milliseconds: so many at once for one caller while another one asks. */
const REFS_AMONG_OTHERS = Math.max(1, Math.floor(availableParallelism() / 2));
/** So much nicer than the server, as nice(1) counts: such a process gets a tenth of a processor that others want too. */
const NICER = 10;
/** Nobody can be nicer. */
const NICEST = 19;
/** Output of runGit beyond this many bytes is refused unless the caller asked for more. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** A command that takes longer is stuck. */
const COMMAND_TIMEOUT_MS = 10 * 60_000;
/** What is kept of a command's error output, in bytes, from its beginning. */
const MAX_STDERR_BYTES = 8 * 1024;
/** Between asking a process group to stop and killing it. */
const STOP_GRACE_MS = 5_000;

/**
 * Every git command takes one slot for as long as its process lives: of commands, or of the sessions of git clients, whose
 * pace the client sets. No git command is started in the middle of another of its lane, or they could wait for each other.
 */
const lanes: Readonly<Record<"command" | "session" | "refs", Slots>> = {
  command: createSlots(MAX_COMMANDS, { what: "git operations" }),
  refs: createSlots(MAX_SESSIONS, {
    perCaller: MAX_SESSIONS_OF_ONE,
    perCallerAmongOthers: REFS_AMONG_OTHERS,
    what: "git operations",
  }),
  session: createSlots(MAX_SESSIONS, { perCaller: MAX_SESSIONS_OF_ONE, what: "git operations" }),
};

/** A git command that did not end well. `exitCode` is null if a signal ended it. */
export class GitError extends Error {
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(args: readonly string[], exitCode: number | null, stderr: string) {
    const command = `git ${args.slice(0, 2).join(" ")}`;
    super(
      `${command} ${exitCode === null ? "was stopped" : `exited with ${exitCode}`}: ${stderr.trim() || "no message"}`,
    );
    this.name = "GitError";
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export interface GitOptions {
  /** Stops the command; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The environment, gitEnvironment() unless told. */
  readonly environment?: NodeJS.ProcessEnv;
  /**
   * Which bound counts it: "command" (default) for work of ours, "refs" for telling a client which refs there are, "session" for
   * what a client paces. "none" for neither.
   */
  readonly lane?: "command" | "session" | "refs" | "none";
  /** The repository that the arguments name themselves, where spawnGit is given no directory: guarded like one. */
  readonly repository?: string;
  /** For whom a session is: a signed-in principal, or an address. */
  readonly caller?: string | undefined;
  /**
   * stop() first only ends the command's input, and sends signals later if that was not enough. For receive-pack: ended by
   * a signal it leaves what was pushed so far lying in its quarantine (since git 2.39).
   */
  readonly stopByInput?: boolean;
}

export interface GitProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the process and its pipes are closed: rejects with GitError or the abort reason. Never unhandled. */
  readonly ended: Promise<void>;
  /** Asks the process and its children to stop, and kills them if they do not. */
  stop(): void;
}

/**
 * Starts `git --git-dir=directory args…` (without --git-dir if directory is undefined) once a slot is free. The caller
 * must read stdout to its end or call stop(). User text in args belongs behind `--end-of-options`. Throws
 * Failure("unavailable") for a repository that checkRepository refuses at the moment of the start.
 */
export function spawnGit(
  directory: string | undefined,
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitProcess> {
  return inLastingSpan(
    `git ${args.find((arg, at) => !arg.startsWith("-") && args[at - 1] !== "-c") ?? ""}`,
    () => ({ "process.command": "git", "gokura.git.lane": options.lane ?? "command" }),
    async () => {
      const started = await startGit(directory, args, options);
      return [started, started.ended];
    },
  );
}

async function startGit(
  directory: string | undefined,
  args: readonly string[],
  options: GitOptions,
): Promise<GitProcess> {
  const { signal, lane = "command", repository = directory } = options;
  const release = lane === "none" ? () => {} : await lanes[lane].take(signal, options.caller);
  let child: ChildProcessByStdio<Writable, Readable, Readable>;
  try {
    signal?.throwIfAborted();
    // Only now: a wait for a slot may be long, and what counts is what git will find.
    if (repository !== undefined) checkRepository(repository);
    child = spawn("git", directory === undefined ? [...args] : [`--git-dir=${directory}`, ...args], {
      cwd: "/",
      env: options.environment ?? gitEnvironment(),
      stdio: ["pipe", "pipe", "pipe"],
      detached: true, // leads its own process group
    });
    if (lane === "refs" && lanes.refs.waiting(options.caller) > 0) makeWay(child.pid);
  } catch (error) {
    release();
    throw error;
  }

  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (stderr.length < MAX_STDERR_BYTES) stderr = (stderr + text).slice(0, MAX_STDERR_BYTES);
  });
  // A process that ends before it has read everything is judged by its exit status, not by our broken pipe.
  child.stdin.on("error", () => {});
  child.stdout.on("error", () => {});

  let over = false; // then the process id may be another process's
  let next: NodeJS.Timeout | undefined;
  const after = (action: () => void): void => {
    next = setTimeout(action, STOP_GRACE_MS);
  };
  const signalGroup = (): void => {
    after(() => killGroup(child.pid, "SIGKILL"));
    killGroup(child.pid, "SIGTERM");
    child.stdout.destroy();
  };
  const stop = (): void => {
    if (over || next !== undefined || child.pid === undefined) return;
    child.stdin.destroy();
    if (options.stopByInput === true) {
      after(signalGroup);
      child.stdout.resume(); // a broken pipe would be a signal too
    } else signalGroup();
  };
  signal?.addEventListener("abort", stop, { once: true });

  const ended = new Promise<void>((resolve, reject) => {
    const settle = (error?: unknown): void => {
      over = true;
      clearTimeout(next);
      signal?.removeEventListener("abort", stop);
      release();
      if (signal?.aborted) reject(signal.reason);
      else if (error !== undefined) reject(error);
      else resolve();
    };
    child.once("error", (error) => {
      // Only a failed start leaves no pid; other errors (a signal not delivered) are followed by "close".
      if (child.pid !== undefined) return;
      settle(new Failure("unavailable", "the git program could not be started", { cause: error, mustAct: true }));
    });
    child.once("close", (code) => settle(code === 0 ? undefined : new GitError(args, code, stderr)));
  });
  ended.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, ended, stop };
}

/**
 * Whose other requests wait in line keeps the processors busy all the time: what somebody else asks for goes first. Only for
 * what takes no lock, or those who wait for the lock would wait for everybody.
 */
function makeWay(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, Math.min(getPriority() + NICER, NICEST));
  } catch {
    // gone already
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // gone already
  }
}

export interface RunGitOptions extends GitOptions {
  readonly input?: Buffer | string;
  readonly maxOutputBytes?: number;
  readonly timeoutMs?: number;
}

/**
 * Runs one git command to its end and returns what it wrote. Rejects with GitError (nonzero exit, with the command's own
 * words), Failure("too-large") (more output than maxOutputBytes), Failure("unavailable") (took longer than timeoutMs, or
 * git cannot be started), or the signal's reason.
 */
export async function runGit(
  directory: string | undefined,
  args: readonly string[],
  options: RunGitOptions = {},
): Promise<Buffer> {
  const { maxOutputBytes = MAX_OUTPUT_BYTES, timeoutMs = COMMAND_TIMEOUT_MS } = options;
  const git = await spawnGit(directory, args, options);
  let stoppedFor: Failure | undefined;
  const stopFor = (reason: Failure): void => {
    stoppedFor ??= reason;
    git.stop();
  };
  const timer = setTimeout(
    () => stopFor(new Failure("unavailable", `git ${args[0]} took longer than ${timeoutMs} ms`)),
    timeoutMs,
  );
  const chunks: Buffer[] = [];
  let size = 0;
  git.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutputBytes)
      stopFor(new Failure("too-large", `git ${args[0]} wrote more than ${maxOutputBytes} bytes`));
    else chunks.push(chunk);
  });
  git.stdin.end(options.input);
  try {
    await git.ended;
  } catch (error) {
    throw stoppedFor ?? error;
  } finally {
    clearTimeout(timer);
  }
  if (stoppedFor !== undefined) throw stoppedFor;
  return Buffer.concat(chunks);
}
