// One request of a git client and the git process that answers it: bytes are carried between node:http and git, and promises
// kept that git alone does not keep. A client that stalls, drips or leaves ends its git process; nothing is held for a client
// before its request is there as far as it can be (`prepare`); what has to happen before the client may learn the end happens
// (`conclude`), also if the client is gone.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { noteStreamed } from "../../concurrency/streamed-garbage.ts";
import { Failure, isFailure } from "../../errors.ts";
import { GitError, type GitProcess, spawnGit } from "../process/git-process.ts";
import { checkRepository } from "../process/repository-guard.ts";
import { type ClientPace, clientPace } from "./client-pace.ts";
import { type Body, type BodyRules, ClientLeft, requestBody } from "./request-body.ts";

/** A connection on which neither side moved a byte for this long is given up. git itself sends a sign of life every 5 s. */
const STALL_MS = 60_000;
/** How long the rest of a refused request is read and thrown away, so that the client sees the answer. */
const LINGER_MS = 10_000;

/**
 * How a request ended, for the log. "served": the protocol ran to its end (it may well have refused refs). "refused": the
 * client got a status >= 400 and text, or a protocol error. "aborted": the client left, stalled, or the signal aborted.
 */
export interface SmartHttpOutcome {
  readonly outcome: "served" | "refused" | "aborted";
  readonly error?: unknown;
}

/** What git is given. */
export interface GitInput {
  readonly chunks: AsyncIterable<Buffer> | Iterable<Buffer>;
  readonly environment: NodeJS.ProcessEnv;
  /** Called when git has all of it, or will not have it. */
  readonly release?: () => void;
}

export interface Carriage {
  /** The bare repository's absolute path, which is among the args too. */
  readonly directory: string;
  readonly req?: IncomingMessage;
  readonly res: ServerResponse;
  readonly signal?: AbortSignal | undefined;
  /** Whom the git process counts for. */
  readonly caller?: string | undefined;
  /** As in GitOptions; "session" unless told. */
  readonly lane?: "session" | "refs";
  readonly stallMs?: number | undefined;
  readonly args: readonly string[];
  readonly contentType: string;
  readonly preamble?: Buffer;
  /** What git reads. `body` opens the body of the request. May throw what the client is to be told. */
  prepare(body: (rules: BodyRules) => Body): Promise<GitInput> | GitInput;
  /** What of git's output goes to the client at once; all of it unless told. */
  relay?(chunk: Buffer): Buffer;
  /** For what must not be cut off by a signal: git is ended by the end of its input. */
  readonly stopByInput?: boolean;
  /**
   * Awaited once git has ended, however it ended, and before the client learns how: what is still to be sent. `say` sends
   * something at once. If it rejects, the client is told so.
   */
  conclude?(say: (bytes: Buffer) => void): Promise<Buffer>;
}

/** Thrown by `prepare`: git is not asked, and these bytes are the whole answer. */
export class GitAnswer extends Error {
  readonly bytes: Buffer;
  constructor(bytes: Buffer, why: string) {
    super(why);
    this.bytes = bytes;
  }
}

/** Serves one request. Never rejects. */
export async function carry(work: Carriage): Promise<SmartHttpOutcome> {
  const { req, res, stallMs = STALL_MS } = work;
  // One signal for all that can end the work early: the client's leaving or stalling, a bad body, the caller's signal.
  const ending = new AbortController();
  const end = (reason: unknown): void => ending.abort(reason);
  const onClose = (): void => {
    if (!res.writableFinished) end(new ClientLeft("the client closed the connection"));
  };
  const onSignal = (): void =>
    end(
      new Failure("unavailable", "the server is stopping", { reason: "server_stopping", cause: work.signal?.reason }),
    );
  res.once("close", onClose);
  work.signal?.addEventListener("abort", onSignal, { once: true });
  const stalled = (): void => end(new ClientLeft("the connection stalled"));
  let watchdog: NodeJS.Timeout | undefined;
  const alive = (): void => void watchdog?.refresh();
  const [sending, reading] = [clientPace(stalled, stallMs / 2), clientPace(stalled, stallMs / 2)];
  let input: GitInput | undefined;

  try {
    if (work.signal?.aborted) onSignal();
    if (res.destroyed || (req?.destroyed && !req.complete)) onClose(); // one that was read to its end is destroyed too
    ending.signal.throwIfAborted();
    checkRepository(work.directory);
    input = await work.prepare((rules) => requestBody(req!, rules, sending, ending.signal));
    const git = await spawnGit(undefined, work.args, {
      repository: work.directory,
      lane: work.lane ?? "session",
      caller: work.caller,
      signal: ending.signal,
      environment: input.environment,
      stopByInput: work.stopByInput ?? false,
    });
    watchdog = setTimeout(stalled, stallMs);
    feed(input, git, alive, ending.signal).catch(end);

    let failure: unknown;
    try {
      await relay(git, work, reading, alive, ending.signal);
      await git.ended;
    } catch (error) {
      failure = error;
      git.stop();
      await git.ended.catch(() => {});
    }
    clearTimeout(watchdog);
    const last = await concluded(work);
    if (ending.signal.aborted) throw ending.signal.reason;
    if (failure !== undefined && (!(failure instanceof GitError) || failure.exitCode === null)) throw failure;
    if (failure !== undefined && !res.headersSent && last.length === 0) throw failure;
    // git has told the client in its own protocol what went wrong, if anything did.
    sendHead(work);
    res.end(last);
    if (req !== undefined) linger(req);
    return failure === undefined ? { outcome: "served" } : { outcome: "refused", error: failure };
  } catch (error) {
    return endWithError(work, ending.signal.aborted ? ending.signal.reason : error);
  } finally {
    clearTimeout(watchdog);
    input?.release?.();
    res.off("close", onClose);
    work.signal?.removeEventListener("abort", onSignal);
  }
}

async function concluded(work: Carriage): Promise<Buffer> {
  if (work.conclude === undefined) return Buffer.alloc(0);
  return await work.conclude((bytes) => {
    if (work.res.writableEnded || work.res.destroyed) return;
    sendHead(work);
    work.res.write(bytes);
  });
}

/** Carries the request into git. When git has ended before it, reads on so that the client gets its answer. */
async function feed(input: GitInput, git: GitProcess, alive: () => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const chunk of input.chunks) {
      alive();
      noteStreamed(chunk.length);
      if (git.stdin.writable && !git.stdin.write(chunk)) await drained(git.stdin, signal);
    }
    git.stdin.end();
  } finally {
    input.release?.();
  }
}

/** Carries git's answer to the client as it comes. */
async function relay(
  git: GitProcess,
  work: Carriage,
  pace: ClientPace,
  alive: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { res } = work;
  for await (const chunk of git.stdout.iterator({ destroyOnReturn: false })) {
    signal.throwIfAborted();
    noteStreamed((chunk as Buffer).length);
    const bytes = work.relay === undefined ? (chunk as Buffer) : work.relay(chunk as Buffer);
    if (bytes.length > 0) {
      sendHead(work);
      if (!res.write(bytes)) await pace.wait(drained(res, signal), () => bytes.length);
      signal.throwIfAborted();
    }
    alive();
  }
}

function sendHead({ res, contentType, preamble }: Carriage): void {
  if (res.headersSent) return;
  res.writeHead(200, { "Content-Type": contentType, ...NO_CACHE });
  if (preamble !== undefined) res.write(preamble);
}

/** As git's own http-backend says it. */
export const NO_CACHE = {
  Expires: "Fri, 01 Jan 1980 00:00:00 GMT",
  Pragma: "no-cache",
  "Cache-Control": "no-cache, max-age=0, must-revalidate",
} as const;

/** Waits until a stream takes more, or never will, or the signal aborts. */
async function drained(stream: Writable, signal: AbortSignal): Promise<void> {
  if (stream.destroyed || !stream.writableNeedDrain || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done).off("error", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("error", done);
    signal.addEventListener("abort", done);
  });
}

/** Ends an exchange that failed, with an answer if one can still be given, and says how it ended. */
function endWithError(work: Carriage, error: unknown): SmartHttpOutcome {
  const { req, res } = work;
  if (error instanceof ClientLeft || (res.destroyed && !res.writableFinished)) {
    res.destroy();
    return { outcome: "aborted", error };
  }
  if (error instanceof GitAnswer && !res.headersSent) {
    sendHead(work);
    res.end(error.bytes);
  } else if (!res.headersSent) {
    const [status, sentence] = statusOf(error);
    res.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...NO_CACHE });
    res.end(`${sentence}\n`);
  } else if (!res.writableEnded) {
    res.destroy(); // a half answer must not look like a whole one
  }
  if (req !== undefined) linger(req);
  return { outcome: "refused", error };
}

function statusOf(error: unknown): [status: number, sentence: string] {
  if (isFailure(error, "invalid")) return [400, error.message];
  if (isFailure(error, "forbidden")) return [403, error.message];
  if (isFailure(error, "not-found")) return [404, error.message];
  if (isFailure(error, "too-large")) return [413, error.message];
  if (isFailure(error, "unavailable")) return [503, error.message];
  // git's own words may name paths of this machine.
  if (error instanceof GitError && /protocol error|hung up|bad line length/.test(error.stderr)) {
    return [400, "the request does not follow git's protocol"];
  }
  return [500, "git could not serve this request"];
}

/**
 * Reads and throws away what a client still sends although it has been answered: closing the connection on it would make
 * it lose the answer. Not for long.
 */
export function linger(req: IncomingMessage): void {
  if (req.complete || req.destroyed) return;
  const timer = setTimeout(() => req.socket.destroy(), LINGER_MS);
  timer.unref();
  for (const event of ["end", "close", "error"]) req.once(event, () => clearTimeout(timer));
  req.unpipe();
  req.resume();
}
