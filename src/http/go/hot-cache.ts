// Answers of the Go endpoint that are kept in memory, headers and bytes ready to be written, so that a hit touches neither
// git, nor the disk, nor the database, nor Koa. An entry says nothing about who may have it: the principal is asked for
// every time, from memory too (answerFromMemory), and when anything needed is not in memory the request goes the long way.
import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";
import { isFailure } from "../../errors.ts";
import { demandGroupSeen, demandPackages, demandUpstream, requireScope } from "../../registry/access/access.ts";
import { authenticateFromMemory, type SeenCredentials, seenCredentials } from "../../registry/access/authentication.ts";
import { GO_PROXY, isFlagOn } from "../../registry/forge/feature-flags.ts";
import type { Registry } from "../../registry/registry.ts";
import type { GroupRow } from "../../registry/rows.ts";
import type { Blobs } from "../../storage/blobs.ts";
import { answerHead } from "../protocol/answer-head.ts";
import { failsIfMatch, writeFailedCondition } from "../protocol/conditions.ts";
import { credentialsOf } from "../protocol/credentials.ts";
import { matchesEtag, writeNotModified } from "../protocol/etag.ts";
import type { ReadyAnswer } from "../protocol/repeated-requests.ts";
import { type BlobAnswer, headersOfWhole, SMALL_BYTES, sendBlob } from "../protocol/send-blob.ts";
import { ContentChanges, type ContentOf } from "./content-changes.ts";
import { ZipMemory } from "./zip-memory.ts";

/** Longer URLs are not kept: nobody needs them fast. */
const MAX_KEY_LENGTH = 2_048;
/** No answer takes more than this part of the memory. Of larger zips only the name is kept. */
const LARGEST_PART = 1 / 8;
/** What an entry costs beside its body and key, about. */
export const ENTRY_OVERHEAD_BYTES = 1_100;

/** An answer, ready to be written: a text, or a blob (a zip), whose bytes are kept along if there are few. */
export type HotAnswer = TextAnswer | { readonly blob: BlobAnswer };

export interface TextAnswer {
  readonly status: 200 | 404 | 410;
  /** Name, value, name, value… */
  readonly headers: readonly string[];
  readonly etag: string;
  /** The bytes, one a character (latin1): header and body then leave in one write. */
  readonly body: string;
}

/** Where the content of a project, or of a module from upstream, stands. */
export interface Moment {
  readonly state: number;
  readonly deletions: number;
}

interface Entry {
  readonly answer: HotAnswer;
  readonly of: ContentOf;
  /** The state of the project's content that the answer was made of; undefined: it is the same in every state. */
  readonly state: number | undefined;
  /** When something pinned had been taken away from the project, or other versions could be had than before, the last time. */
  readonly deletions: number;
  /** Until when it may be given without a look (performance.now): what comes from upstream, and what policies let through. */
  readonly until: number;
  /** The state of what is known about access and ownership that the answer was made in, where it is for that state alone. */
  readonly generation: number | undefined;
  /** The group whose endpoint it is of, as it was in that state, where that is to be asked for too. */
  readonly group: GroupRow | undefined;
  /** The project whose endpoint it is of, where that is not the one whose content it is. */
  readonly through: number | undefined;
  /** The head of the answer as it is written, once it was asked for. */
  head: string | undefined;
}

/** How far an answer may be trusted. */
export interface AnswerTrust {
  /** How long it may be given without a look. */
  readonly freshMs: number;
  /**
   * The state in which it was made: of one from upstream, which belongs to no project whose access could be asked for, and of
   * one with a group or a project that is asked for too.
   */
  readonly generation?: number;
  /** The group whose endpoint it is, if whoever is given the answer must see that as well. */
  readonly group?: GroupRow | undefined;
  /** The project whose endpoint it is, if that is another than the one whose content it is. */
  readonly through?: number | undefined;
}

const FOR_EVER: AnswerTrust = { freshMs: Number.POSITIVE_INFINITY };

export class HotCache {
  readonly #entries: LRUCache<string, Entry>;
  readonly #states = new ContentChanges();
  readonly #deletions = new ContentChanges();
  /** Counts whatever was said to have changed, of whomever. */
  changes = 0;

  /** The largest answer that is kept whole, in bytes. */
  readonly maxAnswerBytes: number;
  /** Zips on their way into memory, and out of it. */
  readonly zips: ZipMemory;

  constructor(maxBytes: number) {
    this.maxAnswerBytes = maxBytes * LARGEST_PART;
    this.zips = new ZipMemory(maxBytes);
    this.#entries = new LRUCache<string, Entry>({
      maxSize: Math.max(maxBytes, 1),
      sizeCalculation: ({ answer }, key) => ENTRY_OVERHEAD_BYTES + key.length + bytesOf(answer),
    });
  }

  /** The state of a project's content; an answer is kept under the state that was read before it was worked out. */
  stateOf(content: ContentOf): number {
    return this.#states.last(content);
  }

  /** A project publishes something else than before; `deleted`: also what is the same in every state may be gone. */
  contentChanged(content: ContentOf, deleted: boolean): void {
    this.changes++;
    this.#states.changed(content);
    if (deleted) this.#deletions.changed(content);
  }

  /** Other versions may be had than before: every answer is worked out anew, also what is the same in every state. */
  policiesChanged(): void {
    this.changes++;
    this.#deletions.allChanged();
  }

  deletionsOf(content: ContentOf): number {
    return this.#deletions.last(content);
  }

  clear(): void {
    this.changes++;
    this.#states.allChanged();
    this.#deletions.allChanged();
    this.#entries.clear();
  }

  get(url: string): Entry | undefined {
    const entry = this.#entries.get(url);
    if (!entry) return undefined;
    const { of, state, deletions, until } = entry;
    const same = (state === undefined || state === this.stateOf(of)) && deletions === this.deletionsOf(of);
    if (same && (until === Number.POSITIVE_INFINITY || performance.now() < until)) return entry;
    this.#entries.delete(url);
    return undefined;
  }

  /**
   * Keeps an answer, unless the project's content is not what it was when the answer was begun. `pinned`: for ever the same.
   */
  set(
    url: string,
    of: ContentOf,
    begun: Moment,
    pinned: boolean,
    answer: HotAnswer,
    trust: AnswerTrust = FOR_EVER,
  ): void {
    if (url.length > MAX_KEY_LENGTH || bytesOf(answer) > this.maxAnswerBytes) return;
    const { state, deletions } = begun;
    const { freshMs, generation, group, through } = trust;
    const until = performance.now() + freshMs;
    this.#entries.set(url, {
      answer,
      of,
      state: pinned ? undefined : state,
      deletions,
      until,
      generation,
      group,
      through,
      head: undefined,
    });
  }

  /**
   * What is kept for a URL, with the bytes of a zip that is small enough to be kept with them, and was not read before: when
   * the server started, or when there was no room. Without them if there is none now. Throws not-found when they are gone.
   */
  async withBytes(url: string, entry: Entry, blob: BlobAnswer, blobs: Blobs): Promise<HotAnswer> {
    const bytes = await this.zips.read(blobs, blob.key, blob.size);
    if (bytes === undefined) return entry.answer;
    const answer = { blob: { ...blob, bytes } };
    if (this.#entries.peek(url) === entry) this.#entries.set(url, { ...entry, answer });
    return answer;
  }

  /** Forgets an answer. */
  drop(url: string): void {
    this.#entries.delete(url);
  }

  /** What to remember before an answer is worked out. */
  moment(content: ContentOf): Moment {
    return { state: this.stateOf(content), deletions: this.deletionsOf(content) };
  }
}

/** Whether nothing has changed in who owns what since an answer from upstream was made. */
export function isTrusted(entry: { readonly generation: number | undefined }, registry: Registry): boolean {
  return registry.memory.live && entry.generation === registry.memory.generation;
}

/**
 * Answers a request from memory alone; false when that cannot be done, with nothing written. Of a large zip only the name is
 * in memory: when its bytes turn out to be gone, `longWay` is called.
 */
export function answerFromMemory(
  cache: HotCache,
  registry: Registry,
  req: IncomingMessage,
  res: ServerResponse,
  longWay: () => void,
): boolean {
  if (req.method !== "GET" && req.method !== "HEAD") return false;
  const entry = cache.get(req.url!);
  if (!entry || !mayHave(registry, entry, () => seenCredentials(credentialsOf(req.headers)))) return false;
  countHit(registry);
  const { answer } = entry;
  const isUnread = "blob" in answer && !answer.blob.bytes && answer.blob.size <= cache.maxAnswerBytes;
  const written = isUnread
    ? cache
        .withBytes(req.url!, entry, answer.blob, registry.blobs)
        .then((whole) => writeHotAnswer(cache, whole, registry.blobs, req, res))
    : writeHotAnswer(cache, answer, registry.blobs, req, res);
  written.catch((error: unknown) => {
    if (isFailure(error, "not-found") && !res.headersSent) {
      cache.drop(req.url!);
      longWay();
      return;
    }
    registry.log.error({ err: error }, "a zip that is published cannot be read");
    res.destroy();
  });
  return true;
}

/** What is in memory for a URL, if these may have it; undefined also for large zips, which gain nothing. */
export function readyAnswer(
  cache: HotCache,
  registry: Registry,
  url: string,
  credentials: SeenCredentials | undefined,
): ReadyAnswer | undefined {
  const entry = cache.get(url);
  if (!entry) return undefined;
  const { answer } = entry;
  if ("blob" in answer && (!answer.blob.bytes || answer.blob.size > SMALL_BYTES)) return undefined;
  if (!mayHave(registry, entry, () => credentials)) return undefined;
  countHit(registry);
  if (!("blob" in answer)) {
    entry.head ??= answerHead(answer.status, answer.headers);
    return { head: entry.head, body: answer.body };
  }
  const { blob } = answer;
  const bytes = blob.bytes!;
  entry.head ??= answerHead(200, headersOfWhole(blob));
  blob.downloads.add();
  return { head: entry.head, body: bytes, held: () => cache.zips.hold(bytes) };
}

function countHit({ metrics, traffic }: Registry): void {
  metrics.hotHits.inc();
  traffic.answers.memory++;
}

/** Whether whoever sends these credentials may have an answer, from memory; false also when that is not known there. */
function mayHave(registry: Registry, entry: Entry, credentials: () => SeenCredentials | undefined): boolean {
  const { of, group, through } = entry;
  if ((typeof of === "string" || entry.generation !== undefined) && !isTrusted(entry, registry)) return false;
  const { flags: allFlags, projects } = registry.memory;
  const project = typeof of === "number" ? projects.get(of) : undefined;
  const endpoint = through === undefined ? undefined : projects.get(through);
  const flags = allFlags.get("all");
  if (typeof of === "number" && (!project || !flags)) return false;
  if (through !== undefined && (!endpoint || !flags)) return false;
  try {
    const principal = authenticateFromMemory(registry, credentials());
    if (!principal) return false;
    requireScope(principal, "go endpoint");
    if (typeof of === "string") demandUpstream(principal, registry);
    if (project) demandPackages(principal, project, (one) => isFlagOn(flags!, GO_PROXY, one));
    if (endpoint) demandPackages(principal, endpoint, (one) => isFlagOn(flags!, GO_PROXY, one));
    if (group) demandGroupSeen(principal, group);
  } catch (error) {
    if (isFailure(error)) return false; // the long way says it properly
    throw error;
  }
  return true;
}

/** Writes an answer of either kind. Rejects with nothing sent when a blob is not there. */
export function writeHotAnswer(
  cache: HotCache,
  answer: HotAnswer,
  blobs: Blobs,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (!("blob" in answer)) {
    writeAnswer(answer, req, res);
    return DONE;
  }
  const { blob } = answer;
  const sent = sendBlob(req, res, blobs, blob);
  if (blob.bytes && res.writableLength > 0) res.once("close", cache.zips.hold(blob.bytes));
  return sent;
}

const DONE = Promise.resolve();

function bytesOf(answer: HotAnswer): number {
  return "blob" in answer ? (answer.blob.bytes?.length ?? 0) : answer.body.length;
}

/** Writes an answer, or 304 to a client that has it (RFC 9110, 13.1.2). */
function writeAnswer(answer: TextAnswer, req: IncomingMessage, res: ServerResponse): void {
  const condition = req.headers["if-none-match"];
  if (answer.status === 200 && failsIfMatch(req, answer.etag)) {
    writeFailedCondition(res);
    return;
  }
  if (answer.status === 200 && condition !== undefined && matchesEtag(condition, answer.etag)) {
    writeNotModified(res, answer.etag, answer.headers);
    return;
  }
  res.writeHead(answer.status, answer.headers as string[]);
  if (req.method === "HEAD") res.end();
  else res.end(answer.body, "latin1");
}
