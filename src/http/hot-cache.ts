// Answers of the Go endpoint that are kept in memory, headers and bytes ready to be written, so that a hit touches neither
// git, nor the disk, nor the database, nor Koa. An entry says nothing about who may have it: the principal is asked for
// every time, from memory too (answerFromMemory), and when anything needed is not in memory the request goes the long way.
import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";
import { isFailure } from "../errors.ts";
import { demandPackages, requireScope } from "../registry/access.ts";
import { authenticateFromMemory } from "../registry/authentication.ts";
import { GO_PROXY, isFlagOn } from "../registry/feature-flags.ts";
import type { Registry } from "../registry/registry.ts";
import { credentialsOf } from "./credentials.ts";
import { matchesEtag } from "./etag.ts";
import { type BlobAnswer, sendBlob } from "./send-blob.ts";

/** Longer URLs are not kept: nobody needs them fast. */
const MAX_KEY_LENGTH = 2_048;
/** No answer takes more than this part of the memory. Of larger zips only the name is kept. */
const LARGEST_PART = 1 / 8;
/** What an entry costs beside its body and key, about. */
const ENTRY_OVERHEAD_BYTES = 600;

/** An answer, ready to be written: a text, or a blob (a zip), whose bytes are kept along if there are few. */
export type HotAnswer = TextAnswer | { readonly blob: BlobAnswer };

export interface TextAnswer {
  readonly status: 200 | 404;
  /** Name, value, name, value… */
  readonly headers: readonly string[];
  readonly etag: string;
  /** The bytes, one a character (latin1): header and body then leave in one write. */
  readonly body: string;
}

/** Where a project's content stands. */
export interface Moment {
  readonly state: number;
  readonly deletions: number;
}

interface Entry {
  readonly answer: HotAnswer;
  readonly projectId: number;
  /** The state of the project's content that the answer was made of; undefined: it is the same in every state. */
  readonly state: number | undefined;
  /** How often something pinned had been taken away from the project. */
  readonly deletions: number;
}

export class HotCache {
  readonly #entries: LRUCache<string, Entry>;
  readonly #states = new Map<number, number>();
  readonly #deletions = new Map<number, number>();
  #epoch = 0;

  /** The largest answer that is kept whole, in bytes. */
  readonly maxAnswerBytes: number;

  constructor(maxBytes: number) {
    this.maxAnswerBytes = maxBytes * LARGEST_PART;
    this.#entries = new LRUCache<string, Entry>({
      maxSize: Math.max(maxBytes, 1),
      sizeCalculation: ({ answer }, key) => ENTRY_OVERHEAD_BYTES + key.length + bytesOf(answer),
    });
  }

  /** The state of a project's content; an answer is kept under the state that was read before it was worked out. */
  stateOf(projectId: number): number {
    return (this.#states.get(projectId) ?? 0) + this.#epoch;
  }

  /** A project publishes something else than before; `deleted`: also what is the same in every state may be gone. */
  contentChanged(projectId: number, deleted: boolean): void {
    this.#states.set(projectId, (this.#states.get(projectId) ?? 0) + 1);
    if (deleted) this.#deletions.set(projectId, this.deletionsOf(projectId) + 1);
  }

  deletionsOf(projectId: number): number {
    return this.#deletions.get(projectId) ?? 0;
  }

  clear(): void {
    this.#epoch++;
    this.#entries.clear();
  }

  get(url: string): Entry | undefined {
    const entry = this.#entries.get(url);
    if (!entry) return undefined;
    const { projectId, state, deletions } = entry;
    if ((state === undefined || state === this.stateOf(projectId)) && deletions === this.deletionsOf(projectId))
      return entry;
    this.#entries.delete(url);
    return undefined;
  }

  /**
   * Keeps an answer, unless the project's content is not what it was when the answer was begun. `pinned`: for ever the same.
   */
  set(url: string, projectId: number, begun: Moment, pinned: boolean, answer: HotAnswer): void {
    if (url.length > MAX_KEY_LENGTH || bytesOf(answer) > this.maxAnswerBytes) return;
    const { state, deletions } = begun;
    this.#entries.set(url, { answer, projectId, state: pinned ? undefined : state, deletions });
  }

  /** What to remember before an answer is worked out. */
  moment(projectId: number): Moment {
    return { state: this.stateOf(projectId), deletions: this.deletionsOf(projectId) };
  }
}

/** Answers a request from memory alone; false when that cannot be done, with nothing written. */
export function answerFromMemory(
  cache: HotCache,
  registry: Registry,
  req: IncomingMessage,
  res: ServerResponse,
): boolean {
  if (req.method !== "GET" && req.method !== "HEAD") return false;
  const entry = cache.get(req.url!);
  if (!entry) return false;
  const project = registry.memory.projects.get(entry.projectId);
  const flags = registry.memory.flags.get("all");
  if (!project || !flags) return false;
  try {
    const principal = authenticateFromMemory(registry, credentialsOf(req.headers));
    if (!principal) return false;
    requireScope(principal, "go endpoint");
    demandPackages(principal, project, (one) => isFlagOn(flags, GO_PROXY, one));
  } catch (error) {
    if (isFailure(error)) return false; // the long way says it properly
    throw error;
  }
  registry.metrics.hotHits.inc();
  const { answer } = entry;
  if ("blob" in answer)
    sendBlob(req, res, registry.blobs, answer.blob).catch((error: unknown) => {
      registry.log.error({ err: error }, "a zip that is published cannot be read");
      res.destroy();
    });
  else writeAnswer(answer, req, res);
  return true;
}

function bytesOf(answer: HotAnswer): number {
  return "blob" in answer ? (answer.blob.bytes?.length ?? 0) : answer.body.length;
}

/** Writes an answer, or 304 to a client that has it (RFC 9110, 13.1.2). */
export function writeAnswer(answer: TextAnswer, req: IncomingMessage, res: ServerResponse): void {
  const condition = req.headers["if-none-match"];
  if (answer.status === 200 && condition !== undefined && matchesEtag(condition, answer.etag)) {
    res.writeHead(304, ["ETag", answer.etag]);
    res.end();
    return;
  }
  res.writeHead(answer.status, answer.headers as string[]);
  if (req.method === "HEAD") res.end();
  else res.end(answer.body, "latin1");
}
