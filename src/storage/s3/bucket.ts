// A bucket of a server that speaks S3, over connections that are kept: the few requests that a store of blobs needs. All of
// them may be repeated, because a key's bytes are always the same; and they are, when a connection breaks or the server says
// that it is busy. Nothing is believed that was not answered: a PUT counts when the server has said so, after it compared the
// body with the SHA-256 that we signed. Source: Amazon S3 API Reference.
import http from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "../../errors.ts";
import { trustedCertificates } from "../../network/trusted-certificates.ts";
import type { ByteRange } from "../blobs.ts";
import { abandonUploads, putInParts } from "./multipart.ts";
import { BucketAnswer, type BucketRequest, type PutObject, type Requests } from "./requests.ts";
import { signedHeaders, signedUrl, uriPath } from "./signature.ts";
import { xmlText, xmlTexts } from "./xml.ts";

/** SHA-256 of no bytes. */
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** A connection on which nothing moves for so long is given up. */
const SILENCE_MS = 30_000;
/** How long it is waited before each further try. */
const PAUSES_MS = [50, 250, 1_000];
const CONNECTIONS = 64;
/**
 * Whether an object of more bytes is there is asked before it is sent. A server that refuses a body which it has not read ends
 * the connection, and the refusal is lost with it.
 */
const ASKED_FIRST_BYTES = 256 * 1024;
/** An answer that is not an object is short. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;
/** What servers call it when there is no room left, beside 507. */
const FULL = /quota|StorageFull|InsufficientCapacity|NoSpace|DiskFull|EntityTooLarge/i;

/** Where the bucket is, and who we are there. */
export interface BucketPlace {
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly bucket: string;
  /** What the keys begin with: "" or something with a slash at its end. */
  readonly prefix: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Whether the bucket is the first element of the path, not of the host's name. */
  readonly pathStyle: boolean;
  /** A file of PEM certificates that are trusted besides Node's own. */
  readonly caFile: string | undefined;
  /** What is larger is sent in parts of so many bytes: 5 MiB at least, which S3 demands. */
  readonly partBytes: number;
}

/** What is known of an object without reading it. */
export interface FoundObject {
  readonly size: number;
  /** Milliseconds since 1970, to the second. */
  readonly writtenAt: number;
}

/** Names of objects are without the prefix of the settings. What fails is a Failure("unavailable") with the next step. */
export interface Bucket {
  /** What it is in messages. */
  readonly name: string;
  /** "there": an object is there already. */
  put(key: string, object: PutObject): Promise<"stored" | "there">;
  head(key: string): Promise<FoundObject | undefined>;
  /** The body must be read to its end or destroyed. */
  get(key: string, range?: ByteRange): Promise<Readable | undefined>;
  remove(key: string): Promise<void>;
  list(prefix: string): AsyncIterable<FoundObject & { readonly key: string }>;
  /** A URL for anybody, for so many seconds. */
  link(key: string, seconds: number): string;
  /** Gives up uploads in parts that were begun before a time, milliseconds since 1970, and have not ended; tells how many. */
  abandonUploads(begunBefore: number): Promise<number>;
  close(): void;
}

/** Opens a bucket; nothing is asked yet. `now`: milliseconds since 1970. */
export function openBucket(place: BucketPlace, now: () => number = Date.now): Bucket {
  const { bucket, prefix, pathStyle } = place;
  const base = new URL(place.endpoint);
  if (!pathStyle) base.hostname = `${bucket}.${base.hostname}`;
  const root = base.pathname.replace(/\/$/, "") + (pathStyle ? `/${bucket}` : "");
  const isTls = base.protocol === "https:";
  const ca = trustedCertificates(place.caFile);
  const agent = isTls
    ? new https.Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca })
    : new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const name = `the bucket ${bucket} at ${base.host}`;

  const urlOf = (key: string): URL => {
    const url = new URL(base);
    url.pathname = `${root}/${uriPath(prefix + key)}`;
    return url;
  };

  const once = ({ method, url, headers = {}, payload = NOTHING, body }: BucketRequest): Promise<http.IncomingMessage> =>
    new Promise((done, fail) => {
      const sent = signedHeaders({ method, url, headers, payload }, place, now());
      const request = (isTls ? https : http).request(url, { method, headers: sent, agent }, done);
      // Also without an answer and without an error, which is how Node ends it when the protocol is to change (101).
      request.once("close", () => fail(new Error("the connection was closed without an answer")));
      request.setTimeout(SILENCE_MS, () => request.destroy(new Error(`nothing moved for ${SILENCE_MS / 1000} s`)));
      const content = body?.();
      if (content === undefined || content instanceof Uint8Array) request.once("error", fail).end(content);
      else {
        // An answer that comes before the body is through (a refusal) is the answer; what is left need not be read.
        request.once("error", (error) => {
          content.destroy();
          fail(error);
        });
        request.once("response", () => content.destroy());
        content.once("error", (error) => request.destroy(error)).pipe(request);
      }
    });

  /**
   * Asks until there is an answer that does not say "later", or it is needless to ask again: then undefined. The body of the
   * answer is the caller's.
   */
  const askUnless = async (
    asked: BucketRequest,
    isNeedless: () => Promise<boolean>,
  ): Promise<http.IncomingMessage | undefined> => {
    for (let tries = 0; ; tries++) {
      if (tries > 0 && (await isNeedless())) return undefined;
      const pause = PAUSES_MS[tries];
      try {
        const answer = await once(asked);
        const status = answer.statusCode!;
        // 409: two wrote at once (Amazon S3, "conditional writes").
        const isLater = status >= 500 ? status !== 501 && status !== 507 : status === 429 || status === 409;
        if (!isLater || pause === undefined) return answer;
        answer.resume();
      } catch (cause) {
        if (pause === undefined)
          throw new Failure("unavailable", `${name} does not answer: try again in a moment`, {
            reason: "storage_unavailable",
            cause,
          });
      }
      await delay(pause);
    }
  };
  const ask = async (asked: BucketRequest): Promise<http.IncomingMessage> =>
    (await askUnless(asked, async () => false))!;

  /** Reads an answer that is no object; throws what it says if it is a refusal. */
  const textOf = async (answer: http.IncomingMessage, ...good: readonly number[]): Promise<string> => {
    let text = "";
    for await (const chunk of answer) {
      text += chunk;
      if (text.length > MAX_TEXT_BYTES) throw refused(name, new BucketAnswer(answer.statusCode!, "", "a long answer"));
    }
    if (good.includes(answer.statusCode!)) return text;
    throw refused(name, new BucketAnswer(answer.statusCode!, xmlText(text, "Code"), xmlText(text, "Message")));
  };

  const head = async (key: string): Promise<FoundObject | undefined> => {
    const answer = await ask({ method: "HEAD", url: urlOf(key) });
    answer.resume();
    if (answer.statusCode === 404) return undefined;
    await textOf(answer, 200);
    const { "content-length": size, "last-modified": written = "" } = answer.headers;
    return { size: Number(size), writtenAt: Date.parse(written) };
  };
  const bucketUrl = (): URL => {
    const url = new URL(base);
    url.pathname = `${root}/`;
    return url;
  };
  const requests: Requests = {
    ...{ ask, textOf, urlOf },
    refused: (answer) => refused(name, answer),
    sizeOf: async (key) => (await head(key))?.size,
  };

  return {
    name,
    head,
    async put(key, object) {
      const { sha256, size, body, onlyNew } = object;
      if (size > place.partBytes) return putInParts(requests, key, object, place.partBytes);
      const isThere = async (): Promise<boolean> => onlyNew && (await head(key)) !== undefined;
      if (size > ASKED_FIRST_BYTES && (await isThere())) return "there";
      const headers = {
        "content-length": String(size),
        "content-type": "application/octet-stream",
        ...(onlyNew ? { "if-none-match": "*" } : {}),
      };
      const asked: BucketRequest = { method: "PUT", url: urlOf(key), headers, payload: sha256, body: () => body() };
      const answer = await askUnless(asked, isThere);
      if (!answer) return "there";
      if (answer.statusCode === 412 && onlyNew) {
        answer.resume();
        return "there";
      }
      await textOf(answer, 200, 201, 204);
      return "stored";
    },
    async get(key, range) {
      const headers = range ? { range: `bytes=${range.start}-${range.end}` } : {};
      const answer = await ask({ method: "GET", url: urlOf(key), headers });
      if (answer.statusCode === (range ? 206 : 200)) return answer;
      if (answer.statusCode !== 404)
        throw await textOf(answer).then(
          () => undefined,
          (error: unknown) => error,
        );
      answer.resume();
      return undefined;
    },
    async remove(key) {
      await textOf(await ask({ method: "DELETE", url: urlOf(key) }), 200, 204, 404);
    },
    async *list(below) {
      let token: string | undefined;
      do {
        const url = bucketUrl();
        url.searchParams.set("list-type", "2");
        url.searchParams.set("prefix", `${prefix}${below}/`);
        if (token !== undefined) url.searchParams.set("continuation-token", token);
        const page = await textOf(await ask({ method: "GET", url }), 200);
        for (const entry of xmlTexts(page, "Contents"))
          yield {
            key: xmlText(entry, "Key").slice(prefix.length),
            size: Number(xmlText(entry, "Size")),
            writtenAt: Date.parse(xmlText(entry, "LastModified")),
          };
        token = xmlText(page, "NextContinuationToken") || undefined;
      } while (token !== undefined);
    },
    link: (key, seconds) => signedUrl(urlOf(key), place, seconds, now()),
    abandonUploads: (begunBefore) => abandonUploads(requests, bucketUrl(), prefix, begunBefore),
    close: () => agent.destroy(),
  };
}

function refused(name: string, answer: BucketAnswer): Failure {
  if (answer.status === 507 || FULL.test(answer.code))
    return new Failure("unavailable", `${name} is full: nothing was stored; ask this server's administrator`, {
      reason: "disk_full",
      cause: answer,
    });
  const isOurs = answer.status < 500; // wrong keys, no such bucket: nobody else can do anything about it
  return new Failure(
    "unavailable",
    `${name} does not do what it is asked; this server's administrator must look at it`,
    {
      reason: "storage_unavailable",
      cause: answer,
      mustAct: isOurs,
    },
  );
}
