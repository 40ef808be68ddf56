// Reading objects out of a repository without a process per object: one long-lived `git cat-file --batch-command` answers
// any number of requests over its pipes, in the order in which they were asked (git-cat-file(1), "BATCH OUTPUT"). Requests
// are pipelined, so reading go.mod at 2,000 tags is one conversation and not 2,000 round trips, and what is asked in one go
// crosses the pipe in one go, there and back: a crossing costs more than most answers. An object is asked for its size
// first and its bytes only then, so that a huge one is never carried.

import { Failure } from "../../errors.ts";
import { GitError, type GitProcess, spawnGit } from "../process/git-process.ts";

/** An unused process is ended after this time; the next request starts another. */
const IDLE_MS = 60_000;
/** An unused process is ended after this time if its reader was retired and asked once more, in the middle of some work. */
const RETIRED_IDLE_MS = 500;
/** A line longer than this is not an answer of git's. */
const MAX_LINE_BYTES = 64 * 1024;

export type ObjectType = "commit" | "tree" | "blob" | "tag";

export interface ObjectHeader {
  readonly oid: string;
  readonly type: ObjectType;
  /** In bytes. */
  readonly size: number;
}

export interface GitObject extends ObjectHeader {
  readonly content: Buffer;
}

interface Request {
  readonly command: "info" | "contents";
  readonly spec: string;
  readonly resolve: (answer: GitObject | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Has git answer what it was asked so far. */
const FLUSH = "flush\n";
const NO_CONTENT = Buffer.alloc(0);

/** Whether a request failed because git stopped at the very object that it asks for: others can be read. */
export function isDamage(error: unknown): boolean {
  return error instanceof Failure && error.cause instanceof GitError && isOfOneObject(error.cause);
}

/** git dies of a damaged object with 128; without a repository it does so at any. */
function isOfOneObject(error: GitError): boolean {
  return error.exitCode === 128 && !error.stderr.includes("not a git repository");
}

/** What reads objects. */
export type ObjectReader = Pick<CatFile, "header" | "read">;

/** The object reader of one repository. Start and end of the process behind it are its own affair; close() when done. */
export class CatFile {
  readonly #directory: string;
  #idleMs: number;
  readonly #pending: Request[] = [];
  #conversation: Conversation | undefined;
  #starting: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;
  /** The process before was killed, and nobody knows by which of the requests. */
  #careful = false;

  constructor(directory: string, options: { idleMs?: number } = {}) {
    this.#directory = directory;
    this.#idleMs = options.idleMs ?? IDLE_MS;
  }

  /**
   * What a name stands for, without its bytes; undefined if there is no such object (or the name is ambiguous). The name is
   * git's: an object id, `id^{commit}`, `id:path`.
   */
  async header(spec: string): Promise<ObjectHeader | undefined> {
    return await this.#ask("info", spec);
  }

  /**
   * The object that a name stands for, whole; undefined if there is none. Throws Failure("too-large") if it has more than
   * maxBytes, before a byte of it was read; `take` is told of its bytes at the same time, and what it throws is thrown.
   */
  async read(spec: string, maxBytes: number, take?: (bytes: number) => void): Promise<GitObject | undefined> {
    const header = await this.#ask("info", spec);
    if (header === undefined) return undefined;
    if (header.size > maxBytes) {
      throw new Failure("too-large", `git object ${header.oid} has ${header.size} bytes, more than ${maxBytes}`);
    }
    take?.(header.size);
    return await this.#ask("contents", header.oid);
  }

  /** Ends the process after the answers that are still owed. Later requests are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.retire();
  }

  /** Ends the process after the answers that are still owed. Later requests are answered, but leave nothing running. */
  async retire(): Promise<void> {
    this.#idleMs = RETIRED_IDLE_MS;
    clearTimeout(this.#idle);
    await this.#starting?.catch(() => {});
    await this.#conversation?.finish();
  }

  #ask(command: Request["command"], spec: string): Promise<GitObject | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new Failure("unavailable", "the repository is being closed");
      if (/[\n\0]/.test(spec)) throw new Failure("invalid", "a git object name has no line break");
      const request = { command, spec, resolve, reject };
      clearTimeout(this.#idle);
      if (this.#conversation?.ask(request) === true) return;
      this.#pending.push(request);
      this.#start();
    });
  }

  #start(): void {
    this.#starting ??= (async () => {
      try {
        // Not counted among the commands: it lives long, and the pool that owns it bounds how many there are.
        const git = await spawnGit(this.#directory, ["cat-file", "--batch-command", "--buffer"], { lane: "none" });
        const conversation = new Conversation(
          git,
          this.#careful,
          () => this.#rest(),
          (unanswered, killed) => {
            if (this.#conversation === conversation) this.#conversation = undefined;
            this.#careful = killed;
            if (unanswered.length === 0) return;
            this.#pending.unshift(...unanswered);
            this.#start();
          },
        );
        this.#conversation = conversation;
        for (const request of this.#pending.splice(0)) {
          if (!conversation.ask(request)) request.reject(new Failure("unavailable", "git does not start"));
        }
      } catch (error) {
        for (const request of this.#pending.splice(0)) request.reject(error);
      } finally {
        this.#starting = undefined;
        if (this.#pending.length > 0) this.#start();
      }
    })();
  }

  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#closed) return;
    this.#idle = setTimeout(() => void this.#conversation?.finish(), this.#idleMs);
    this.#idle.unref();
  }
}

/** One process and what it was asked, from its start to its end. */
class Conversation {
  readonly #git: GitProcess;
  readonly #careful: boolean;
  readonly #asked: Request[] = [];
  readonly #onQuiet: () => void;
  readonly #ended: Promise<void>;
  #finishing = false;
  #unsent = "";
  // What arrived and is not yet understood: the beginning of a line, or the beginning of an object's bytes.
  #chunks: Buffer[] = [];
  #length = 0;
  #header: ObjectHeader | undefined;

  /**
   * onEnd gets the requests that must be asked again, and whether git was killed: a crash costs only the request that it
   * answered. A git that gives up says first what it has answered; one that is killed does not. So after that the requests
   * are asked carefully, each by itself, which finds the one.
   */
  constructor(
    git: GitProcess,
    careful: boolean,
    onQuiet: () => void,
    onEnd: (unanswered: Request[], killed: boolean) => void,
  ) {
    this.#git = git;
    this.#careful = careful;
    this.#onQuiet = onQuiet;
    let killed = false;
    git.stdout.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#ended = git.ended
      .catch((error: unknown) => {
        const failure = new Failure("unavailable", "git could not read the repository", {
          cause: error,
          mustAct: true,
        });
        killed = error instanceof GitError && error.exitCode === null;
        if (killed && !careful) return;
        // Where there is no repository, asking the rest again would fail as often as there are requests.
        const hopeless = !(error instanceof GitError) || (error.exitCode !== null && !isOfOneObject(error));
        for (const request of this.#asked.splice(0, hopeless ? this.#asked.length : 1)) request.reject(failure);
      })
      .then(() => onEnd(this.#asked.splice(0), killed));
  }

  /** Whether the request was taken; not once the end has begun. */
  ask(request: Request): boolean {
    if (this.#finishing || !this.#git.stdin.writable) return false;
    this.#asked.push(request);
    if (this.#unsent === "") process.nextTick(() => this.#send());
    this.#unsent += `${request.command} ${request.spec}\n${this.#careful ? FLUSH : ""}`;
    return true;
  }

  #send(): void {
    const requests = this.#unsent;
    this.#unsent = "";
    if (requests !== "" && this.#git.stdin.writable) this.#git.stdin.write(requests + FLUSH);
  }

  async finish(): Promise<void> {
    this.#finishing = true;
    this.#send();
    this.#git.stdin.end();
    await this.#ended;
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      const answer = this.#header === undefined ? this.#line() : this.#content(this.#header);
      if (answer === "incomplete") break;
      if (answer === "header") continue;
      this.#asked.shift()?.resolve(answer);
    }
    if (this.#asked.length === 0) this.#onQuiet();
  }

  #line(): GitObject | undefined | "header" | "incomplete" {
    if (this.#length === 0) return "incomplete";
    const buffer = this.#joined();
    const end = buffer.indexOf(0x0a);
    if (end < 0) {
      if (buffer.length > MAX_LINE_BYTES) this.#git.stop();
      this.#keep(buffer);
      return "incomplete";
    }
    this.#keep(buffer.subarray(end + 1));
    const found = /^([0-9a-f]{40,64}) (commit|tree|blob|tag) (\d+)$/.exec(buffer.toString("utf8", 0, end));
    if (found === null) return undefined; // "<name> missing", "<name> ambiguous", "<id> submodule"
    const header = { oid: found[1] ?? "", type: found[2] as ObjectType, size: Number(found[3]) };
    if (this.#asked[0]?.command === "info") return { ...header, content: NO_CONTENT };
    this.#header = header;
    return "header";
  }

  #content(header: ObjectHeader): GitObject | "incomplete" {
    if (this.#length < header.size + 1) return "incomplete"; // the bytes and a line feed
    const buffer = this.#joined();
    this.#keep(buffer.subarray(header.size + 1));
    this.#header = undefined;
    // A copy for small objects, so that they do not hold the 64 KiB chunk in which they came.
    const content = buffer.subarray(0, header.size);
    return { ...header, content: header.size < 32_768 ? Buffer.from(content) : content };
  }

  #joined(): Buffer {
    const [only] = this.#chunks;
    return this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks, this.#length);
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }
}
