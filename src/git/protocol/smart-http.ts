// The server side of git's smart HTTP protocol (gitprotocol-http(5)): GET info/refs announces what there is, POST
// git-upload-pack gives objects out, POST git-receive-pack takes a push in. git's own upload-pack and receive-pack speak
// the protocol; this file carries bytes between them and node:http and keeps the promises that git alone does not: bodies
// are bounded, also behind gzip; a client that stalls or leaves ends its git process; and the report of a push is held back
// until `beforeEnd` has recorded what moved, so that a push which the client sees acknowledged is durable.
//
// A push that breaks moves no ref: receive-pack keeps incoming objects in a quarantine until the whole pack is checked
// (git-receive-pack(1), "QUARANTINE ENVIRONMENT"), and two pushes at once are kept apart by git's own lock on each ref.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable, Writable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Failure, invalid, isFailure } from "../../errors.ts";
import { gitEnvironment } from "../process/git-environment.ts";
import { GitError, type GitProcess, spawnGit } from "../process/git-process.ts";
import { checkRepository } from "../process/repository-guard.ts";
import { FLUSH, fatalPacket, packet, packetCutter } from "./pkt-line.ts";

export type GitService = "git-upload-pack" | "git-receive-pack";

/** A fetch request (what the client wants and has) may have this many bytes after decompression. */
const MAX_FETCH_REQUEST_BYTES = 32 * 1024 * 1024;
/** What a push request may have beside its pack: one line per ref. */
const PUSH_COMMANDS_BYTES = 8 * 1024 * 1024;
/** A connection on which neither side moved a byte for this long is given up. git itself sends a sign of life every 5 s. */
const STALL_MS = 60_000;
/** A report of receive-pack (a line per ref) larger than this is not one, in bytes. */
const MAX_REPORT_BYTES = 64 * 1024 * 1024;
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

export interface AdvertiseOptions {
  /** The bare repository's absolute path. */
  readonly directory: string;
  readonly service: GitService;
  /** The Git-Protocol request header as it came. */
  readonly protocol?: string | undefined;
  readonly res: ServerResponse;
  readonly signal?: AbortSignal | undefined;
}

export interface ServeOptions {
  /** The bare repository's absolute path. */
  readonly directory: string;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The Git-Protocol request header as it came. */
  readonly protocol?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly stallMs?: number;
}

export interface ReceivePackOptions extends ServeOptions {
  /** The largest pack that is taken, in bytes. */
  readonly maxBytes: number;
  /**
   * Awaited once receive-pack has ended, however it ended (refs may have moved even if the client left), and before the
   * client learns that its push succeeded. If it rejects, the client is told that the push failed.
   */
  readonly beforeEnd?: () => Promise<void>;
}

/** Answers GET info/refs?service=…: the refs and abilities of a repository. Never rejects. */
export async function advertiseRefs(options: AdvertiseOptions): Promise<SmartHttpOutcome> {
  const { directory, service, res, signal } = options;
  const version = service === "git-upload-pack" ? protocolVersion(options.protocol) : undefined;
  return await carry({
    directory,
    res,
    signal,
    stallMs: STALL_MS,
    args: [service.slice("git-".length), "--stateless-rpc", "--advertise-refs", directory],
    environment: gitEnvironment(version === undefined ? {} : { protocol: version }),
    contentType: `application/x-${service}-advertisement`,
    // Version 2 answers have no service line (http-backend.c get_info_refs).
    ...(version === "version=2" ? {} : { preamble: Buffer.concat([packet(`# service=${service}\n`), FLUSH]) }),
  });
}

/**
 * advertiseRefs for a repository that does not exist yet and is made by the push that follows: announces what an empty
 * repository, shared by all such requests and never written to, would.
 */
export async function advertiseEmpty(
  options: Omit<AdvertiseOptions, "directory"> & { readonly emptyRepository: string },
): Promise<SmartHttpOutcome> {
  return await advertiseRefs({ ...options, directory: options.emptyRepository });
}

/** Answers POST git-upload-pack: clone and fetch. Never rejects. */
export async function serveUploadPack(options: ServeOptions): Promise<SmartHttpOutcome> {
  const version = protocolVersion(options.protocol);
  return await carry({
    ...options,
    stallMs: options.stallMs ?? STALL_MS,
    args: ["upload-pack", "--stateless-rpc", options.directory],
    environment: gitEnvironment(version === undefined ? {} : { protocol: version }),
    requestType: "application/x-git-upload-pack-request",
    contentType: "application/x-git-upload-pack-result",
    maxBytes: MAX_FETCH_REQUEST_BYTES,
  });
}

/** Answers POST git-receive-pack: a push. Never rejects. */
export async function serveReceivePack(options: ReceivePackOptions): Promise<SmartHttpOutcome> {
  return await carry({
    ...options,
    stallMs: options.stallMs ?? STALL_MS,
    args: ["receive-pack", "--stateless-rpc", options.directory],
    environment: gitEnvironment({ maxPushBytes: options.maxBytes }),
    requestType: "application/x-git-receive-pack-request",
    contentType: "application/x-git-receive-pack-result",
    maxBytes: options.maxBytes + PUSH_COMMANDS_BYTES,
    beforeEnd: options.beforeEnd ?? (async () => {}),
  });
}

/** The one thing that we let through from a Git-Protocol header: which version the client speaks. */
function protocolVersion(header: string | undefined): string | undefined {
  const found = header?.split(":").filter((part) => part === "version=1" || part === "version=2");
  return found?.sort().at(-1);
}

interface Carriage {
  /** The bare repository's absolute path, which is among the args too. */
  readonly directory: string;
  readonly req?: IncomingMessage;
  readonly res: ServerResponse;
  readonly signal?: AbortSignal | undefined;
  readonly stallMs: number;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly requestType?: string;
  readonly contentType: string;
  readonly preamble?: Buffer;
  readonly maxBytes?: number;
  readonly beforeEnd?: () => Promise<void>;
}

/** The client left or stalled: there is nobody to answer. */
class ClientLeft extends Error {}

async function carry(work: Carriage): Promise<SmartHttpOutcome> {
  const { req, res } = work;
  // One signal for all that can end the work early: the client's leaving or stalling, a bad body, the caller's signal.
  const ending = new AbortController();
  const end = (reason: unknown): void => ending.abort(reason);
  const onClose = (): void => {
    if (!res.writableFinished) end(new ClientLeft("the client closed the connection"));
  };
  const onSignal = (): void =>
    end(new Failure("unavailable", "the server is stopping", { cause: work.signal?.reason }));
  res.once("close", onClose);
  work.signal?.addEventListener("abort", onSignal, { once: true });
  let watchdog: NodeJS.Timeout | undefined;
  const alive = (): void => void watchdog?.refresh();

  try {
    if (work.signal?.aborted) onSignal();
    if (res.destroyed || req?.destroyed) onClose();
    ending.signal.throwIfAborted();
    checkRepository(work.directory);
    const body = req === undefined ? undefined : requestBody(req, work, ending.signal);
    const git = await spawnGit(undefined, work.args, {
      lane: "session",
      signal: ending.signal,
      environment: work.environment,
      stopByInput: work.beforeEnd !== undefined,
    });
    watchdog = setTimeout(() => end(new ClientLeft("the connection stalled")), work.stallMs);
    const taken = { bytes: 0 };
    const feeding = feed(body, git, work, taken, alive, ending.signal);
    feeding.catch(end);

    let held: readonly Buffer[] = [];
    let failure: unknown;
    try {
      held = await relay(git, work, alive, ending.signal);
      await git.ended;
    } catch (error) {
      failure = error;
      git.stop();
      await git.ended.catch(() => {});
    }
    clearTimeout(watchdog);
    // Refs may have moved even if the end was bad. A lone flush packet is only git's way to try its credentials.
    if (work.beforeEnd !== undefined && taken.bytes > FLUSH.length) await recorded(work.beforeEnd, res);
    if (ending.signal.aborted) throw ending.signal.reason;
    if (failure !== undefined && (!(failure instanceof GitError) || failure.exitCode === null)) throw failure;
    if (failure !== undefined && !res.headersSent && held.length === 0) throw failure;
    // git has told the client in its own protocol what went wrong, if anything did.
    sendHead(work);
    for (const each of held) res.write(each);
    res.end();
    if (req !== undefined) linger(req);
    return failure === undefined ? { outcome: "served" } : { outcome: "refused", error: failure };
  } catch (error) {
    return refuse(work, ending.signal.aborted ? ending.signal.reason : error);
  } finally {
    clearTimeout(watchdog);
    res.off("close", onClose);
    work.signal?.removeEventListener("abort", onSignal);
  }
}

/** The body of a request, decompressed, after its headers were checked. Throws Failure. */
function requestBody(req: IncomingMessage, work: Carriage, signal: AbortSignal): Readable {
  if (req.headers["content-type"] !== work.requestType) {
    // A form or a script of a foreign page cannot send this type without being asked for permission by the browser.
    throw invalid(`the content type must be ${work.requestType}`);
  }
  if (Number(req.headers["content-length"] ?? 0) > (work.maxBytes ?? 0)) throw tooLarge(work);
  const encoding = req.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return req;
  if (encoding !== "gzip" && encoding !== "x-gzip") throw invalid(`the content encoding ${encoding} is not supported`);
  const gunzip = createGunzip();
  // Not pipeline(): it would destroy the request, and with it the connection that is to carry our answer.
  const stop = (): void => void gunzip.destroy(new ClientLeft("the request ended early"));
  req.once("error", stop);
  signal.addEventListener("abort", stop, { once: true });
  gunzip.once("close", () => {
    req.off("error", stop);
    signal.removeEventListener("abort", stop);
  });
  gunzip.on("error", () => {});
  return req.pipe(gunzip);
}

function tooLarge(work: Carriage): Failure {
  return new Failure("too-large", `the request is larger than ${work.maxBytes} bytes, the limit of this server`);
}

/** Carries the request body into git. When git has ended before the body, reads on so that the client gets its answer. */
async function feed(
  body: Readable | undefined,
  git: GitProcess,
  work: Carriage,
  taken: { bytes: number },
  alive: () => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const chunk of body?.iterator({ destroyOnReturn: false }) ?? []) {
      alive();
      taken.bytes += chunk.length;
      if (!git.stdin.writable) continue;
      if (taken.bytes > (work.maxBytes ?? 0)) throw tooLarge(work);
      if (!git.stdin.write(chunk)) await drained(git.stdin, signal);
    }
    git.stdin.end();
  } catch (error) {
    throw isZlibError(error) ? invalid("the request body is not valid gzip") : error;
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

/**
 * Carries git's answer to the client as it comes and returns what is held back: nothing, except for a push, where all
 * but progress waits until the push is recorded.
 */
async function relay(
  git: GitProcess,
  work: Carriage,
  alive: () => void,
  signal: AbortSignal,
): Promise<readonly Buffer[]> {
  const { res } = work;
  const write = async (chunk: Buffer): Promise<void> => {
    sendHead(work);
    if (!res.write(chunk)) await drained(res, signal);
    signal.throwIfAborted();
    alive();
  };
  if (work.beforeEnd === undefined) {
    for await (const chunk of git.stdout.iterator({ destroyOnReturn: false })) await write(chunk);
    return [];
  }
  const cut = packetCutter();
  const held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of git.stdout.iterator({ destroyOnReturn: false })) {
    signal.throwIfAborted();
    alive();
    for (const each of cut(chunk)) {
      if (isProgress(each)) {
        await write(each);
        continue;
      }
      held.push(each);
      heldBytes += each.length;
      if (heldBytes > MAX_REPORT_BYTES) throw new Error("receive-pack's report has no end");
    }
  }
  return held;
}

/** Side-band packets that are not part of the report: progress (channel 2) and the empty sign of life on channel 1. */
function isProgress(each: Buffer): boolean {
  return each[FLUSH.length] === 2 || (each.length === FLUSH.length + 1 && each[FLUSH.length] === 1);
}

async function recorded(beforeEnd: () => Promise<void>, res: ServerResponse): Promise<void> {
  try {
    await beforeEnd();
  } catch (error) {
    const sentence = "the push could not be recorded, please push again";
    // If progress went out the client speaks side-band and can be told why; else refuse() answers with a status.
    if (res.headersSent && res.writable) res.end(fatalPacket(sentence));
    throw new Failure("unavailable", sentence, { cause: error });
  }
}

function sendHead({ res, contentType, preamble }: Carriage): void {
  if (res.headersSent) return;
  res.writeHead(200, { "Content-Type": contentType, ...NO_CACHE });
  if (preamble !== undefined) res.write(preamble);
}

/** As git's own http-backend says it. */
const NO_CACHE = {
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

function refuse(work: Carriage, error: unknown): SmartHttpOutcome {
  const { req, res } = work;
  if (error instanceof ClientLeft || (res.destroyed && !res.writableFinished)) {
    res.destroy();
    return { outcome: "aborted", error };
  }
  if (!res.headersSent) {
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
function linger(req: IncomingMessage): void {
  if (req.complete || req.destroyed) return;
  const timer = setTimeout(() => req.socket.destroy(), LINGER_MS);
  timer.unref();
  for (const event of ["end", "close", "error"]) req.once(event, () => clearTimeout(timer));
  req.unpipe();
  req.resume();
}
