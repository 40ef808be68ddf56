// The server side of git's smart HTTP protocol (gitprotocol-http(5)): GET info/refs announces what there is, POST
// git-upload-pack gives objects out, POST git-receive-pack takes a push in (receive-pack.ts). git's own upload-pack and
// receive-pack speak the protocol; git-request.ts carries bytes between them and node:http.

import type { IncomingMessage, ServerResponse } from "node:http";
import { gitEnvironment } from "../process/git-environment.ts";
import { wantedObjects } from "./fetch-wants.ts";
import { fetchWords } from "./fetch-words.ts";
import { announceBothFormats } from "./first-push.ts";
import { carry, GitAnswer, type SmartHttpOutcome } from "./git-request.ts";
import { FLUSH, packet } from "./pkt-line.ts";
import { readWhole } from "./request-body.ts";

export type GitService = "git-upload-pack" | "git-receive-pack";

/** A fetch request (what the client wants and has) may have this many bytes after decompression. */
const MAX_FETCH_REQUEST_BYTES = 32 * 1024 * 1024;
/** A fetch's request must be there whole within this time, in milliseconds; most have a few kilobytes. */
const FETCH_REQUEST_MS = 120_000;

export interface AdvertiseOptions {
  /** The bare repository's absolute path. */
  readonly directory: string;
  readonly service: GitService;
  /** The Git-Protocol request header as it came. */
  readonly protocol?: string | undefined;
  readonly res: ServerResponse;
  /** Who asks: so many git processes at once work for one caller (process/git-process.ts). */
  readonly caller?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ServeOptions {
  /** The bare repository's absolute path. */
  readonly directory: string;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The Git-Protocol request header as it came. */
  readonly protocol?: string | undefined;
  /** Who asks: so many git processes at once work for one caller (process/git-process.ts). */
  readonly caller?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly stallMs?: number;
}

/** Answers GET info/refs?service=…: the refs and abilities of a repository. Never rejects. */
export async function advertiseRefs(options: AdvertiseOptions): Promise<SmartHttpOutcome> {
  const { directory, service } = options;
  const version = service === "git-upload-pack" ? protocolVersion(options.protocol) : undefined;
  return await carry({
    ...options,
    lane: "refs",
    args: [service.slice("git-".length), "--stateless-rpc", "--advertise-refs", directory],
    contentType: `application/x-${service}-advertisement`,
    // Version 2 answers have no service line (http-backend.c get_info_refs).
    ...(version === "version=2" ? {} : { preamble: Buffer.concat([packet(`# service=${service}\n`), FLUSH]) }),
    prepare: () => ({ chunks: [], environment: environmentOf(version) }),
    ...(service === "git-receive-pack" ? { relay: onlyFirst(announceBothFormats) } : {}),
  });
}

export interface UploadPackOptions extends ServeOptions {
  /** The first of some objects that is not to be given out; all of them unless told. */
  readonly firstUnserved?: (oids: readonly string[]) => Promise<string | undefined>;
}

/** Answers POST git-upload-pack: clone and fetch. Never rejects. */
export async function serveUploadPack(options: UploadPackOptions): Promise<SmartHttpOutcome> {
  const words = fetchWords(options.directory);
  return await carry({
    ...options,
    args: ["upload-pack", "--stateless-rpc", options.directory],
    relay: words.take,
    conclude: async () => words.end(),
    contentType: "application/x-git-upload-pack-result",
    async prepare(open) {
      const rules = { type: "application/x-git-upload-pack-request", maxBytes: MAX_FETCH_REQUEST_BYTES };
      const { bytes, release } = await readWhole(open(rules), FETCH_REQUEST_MS);
      const unserved = await options.firstUnserved?.(wantedObjects(bytes)).catch((error: unknown) => {
        release();
        throw error;
      });
      if (unserved !== undefined) {
        release();
        const words = `upload-pack: not our ref ${unserved}`; // as git says of what it does not have
        throw new GitAnswer(packet(`ERR ${words}`), words);
      }
      return { chunks: [bytes], environment: environmentOf(protocolVersion(options.protocol)), release };
    },
  });
}

/** Changes the first chunk, which holds the first packet whole: git writes it at once, and it is smaller than a pipe. */
function onlyFirst(change: (chunk: Buffer) => Buffer): (chunk: Buffer) => Buffer {
  let isFirst = true;
  return (chunk) => {
    const changed = isFirst ? change(chunk) : chunk;
    isFirst = false;
    return changed;
  };
}

function environmentOf(version: string | undefined): NodeJS.ProcessEnv {
  return gitEnvironment(version === undefined ? {} : { protocol: version });
}

/** The one thing that we let through from a Git-Protocol header: which version the client speaks. */
function protocolVersion(header: string | undefined): string | undefined {
  const found = header?.split(":").filter((part) => part === "version=1" || part === "version=2");
  return found?.sort().at(-1);
}
