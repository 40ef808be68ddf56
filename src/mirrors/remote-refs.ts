// What branches and tags a remote repository has, asked without starting a process: isomorphic-git speaks git's protocol 2 by
// the guarded HTTP, where the server leaves out what we do not follow (forges have more refs for pull requests than anything
// else). A server that speaks only the older protocol tells all of its refs at once. A repository whose objects are named by
// SHA-256 is asked by the older one: isomorphic-git does not say which hash it speaks of in protocol 2, and git ends such a
// conversation. That a server speaks protocol 2 is remembered, so that a look is three small questions on one connection.
//
// Whatever breaks off is a failure, not a shorter list: each answer must end as git ends it.
// Sources: git's Documentation/gitprotocol-v2.adoc (ls-refs, ref-prefix, object-format), gitprotocol-http.adoc.
import { createHash } from "node:crypto";
import type { GitHttpRequest, GitHttpResponse, ServerRef } from "isomorphic-git";
import { LRUCache } from "lru-cache";
import { Failure, notFound } from "../errors.ts";
import { FLUSH, packetCutter } from "../git/protocol/pkt-line.ts";
import { bytesOf } from "../upstream/bounded-body.ts";
import type { GuardedHttp, HttpAnswer } from "../upstream/guarded-http.ts";

/** 100,000 refs and more. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** For all questions of a look together, in milliseconds. */
const LOOK_TIMEOUT_MS = 60_000;
/** What servers say of themselves is asked anew so often, and remembered of so many repositories. */
const SPOKEN_TTL_MS = 60 * 60_000;
const MAX_SPOKEN = 5_000;
const SERVICE = "git-upload-pack";
const ADVERTISEMENT = `/info/refs?service=${SERVICE}`;

/** What a remote repository has now. */
export interface RemoteRefs {
  /** Where its redirects ended: without credentials, and without a slash at the end. */
  readonly url: string;
  readonly objectFormat: "sha1" | "sha256";
  /** How many branches and tags. */
  readonly count: number;
  /** The branch that HEAD names; undefined if it is not told, or names none. */
  readonly defaultBranch: string | undefined;
  /** Of all branches and tags and HEAD: two looks that find the same have the same. */
  readonly digest: string;
}

/** A server asked to be left alone for a while. */
export class ToldToWait extends Failure {
  /** Milliseconds. */
  readonly waitMs: number;

  constructor(host: string, waitMs: number) {
    super("unavailable", `${host} asks to be left alone for ${Math.ceil(waitMs / 1000)} s`, {
      reason: "upstream_unavailable",
    });
    this.waitMs = waitMs;
  }
}

/** A server did not let us in. */
export class WantsCredentials extends Failure {
  constructor(host: string, status: number) {
    super(
      "unavailable",
      `${host} wants credentials, or others than it got (${status}): give the mirror some that may read`,
      { reason: "upstream_unavailable" },
    );
  }
}

export interface RemoteRefsReader {
  /**
   * Asks a remote for its refs. `authorization` is sent to the host of the URL alone. Throws not-found when it has no such
   * repository, ToldToWait, and unavailable otherwise; each message is one sentence for the owner of a mirror.
   */
  read(url: string, authorization: string | undefined, signal?: AbortSignal): Promise<RemoteRefs>;
}

/** What a server said of itself, to be said again to isomorphic-git. */
interface Spoken {
  readonly url: string;
  readonly bytes: Buffer;
}

/** Opens a reader, which remembers who speaks protocol 2. A look that takes longer than some milliseconds came to nothing. */
export function openRemoteRefs(http: GuardedHttp, timeoutMs = LOOK_TIMEOUT_MS): RemoteRefsReader {
  const spoken = new LRUCache<string, Spoken>({ max: MAX_SPOKEN, ttl: SPOKEN_TTL_MS });
  return {
    async read(url, authorization, signal) {
      const bounds = AbortSignal.timeout(timeoutMs);
      const look = { http, spoken, url, authorization, signal: signal ? AbortSignal.any([signal, bounds]) : bounds };
      const known = spoken.has(url);
      try {
        return await readOnce(look);
      } catch (error) {
        if (bounds.aborted) throw unavailable(hostOf(url), `does not answer within ${timeoutMs / 1000} s`);
        if (!known || !(error instanceof NotGit)) throw error;
        spoken.delete(url); // it spoke protocol 2 before, and now perhaps does not
        return await readOnce(look);
      }
    },
  };
}

interface Look {
  readonly http: GuardedHttp;
  readonly spoken: LRUCache<string, Spoken>;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
}

async function readOnce(look: Look): Promise<RemoteRefs> {
  const { default: git } = await import("isomorphic-git");
  const client = clientOf(look);
  const host = hostOf(look.url);
  const asked = { http: { request: client.request }, url: look.url };
  const headers = (): Record<string, string> =>
    look.authorization === undefined ? {} : { Authorization: look.authorization };
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    try {
      return await question();
    } catch (error) {
      if (error instanceof Failure || look.signal.aborted) throw error;
      throw new NotGit(host, error);
    }
  };
  const info = await ask(() => git.getRemoteInfo2({ ...asked, headers: headers(), protocolVersion: 2 }));
  if (info.refs !== undefined) return resultOf(client.url(), info.capabilities, info.refs);
  if (formatIn(info.capabilities) === "sha256") {
    const { capabilities, refs = [] } = await ask(() =>
      git.getRemoteInfo2({ ...asked, headers: headers(), protocolVersion: 1 }),
    );
    // What it said of itself may be remembered from before it was made anew.
    if (formatIn(capabilities) !== "sha256") look.spoken.delete(look.url);
    return resultOf(client.url(), capabilities, refs);
  }
  const list = (prefix: string): Promise<ServerRef[]> =>
    ask(() => git.listServerRefs({ ...asked, headers: headers(), protocolVersion: 2, prefix, symrefs: true }));
  const refs = await Promise.all(["HEAD", "refs/heads/", "refs/tags/"].map(list));
  return resultOf(client.url(), info.capabilities, refs.flat());
}

type Capabilities = Readonly<Record<string, string | true>>;

const formatIn = (capabilities: Capabilities): RemoteRefs["objectFormat"] =>
  capabilities["object-format"] === "sha256" ? "sha256" : "sha1";

function resultOf(url: string, capabilities: Capabilities, refs: readonly ServerRef[]): RemoteRefs {
  return { url, objectFormat: formatIn(capabilities), ...summaryOf(refs) };
}

/** A ref as a server tells it: its name, and what it is of; `target` of a symbolic one is the name of that. */
export type ToldRef = Pick<ServerRef, "ref" | "oid" | "target">;

/** What is remembered of all refs that a server told, those that are not followed among them. */
export function summaryOf(refs: readonly ToldRef[]): Pick<RemoteRefs, "count" | "defaultBranch" | "digest"> {
  const head = refs.find(({ ref }) => ref === "HEAD")?.target;
  const followed = refs.filter(({ ref }) => /^refs\/(?:heads|tags)\//.test(ref));
  const lines = followed.map(({ ref, oid }) => `${oid} ${ref}\n`).sort();
  const digest = createHash("sha256").update(`HEAD ${head ?? ""}\n`);
  for (const line of lines) digest.update(line);
  return {
    count: followed.length,
    defaultBranch: head?.startsWith("refs/heads/") ? head.slice("refs/heads/".length) : undefined,
    digest: digest.digest("hex"),
  };
}

/** The HTTP client that isomorphic-git is given. It asks for what a server says of itself once in a look. */
function clientOf({ http, spoken, url, authorization, signal }: Look): {
  request(request: GitHttpRequest): Promise<GitHttpResponse>;
  url(): string;
} {
  let base = spoken.get(url)?.url ?? url;
  const options = { maxBytes: MAX_ANSWER_BYTES, signal };
  const response = (bytes: Buffer, type: string): GitHttpResponse => ({
    url,
    statusCode: 200,
    statusMessage: "OK",
    headers: { "content-type": type },
    body: chunks(bytes),
  });
  return {
    url: () => base,
    async request({ method, body, headers = {} }) {
      if (method === "GET") {
        const type = `application/x-${SERVICE}-advertisement`;
        const remembers = headers["Git-Protocol"] !== undefined;
        const known = remembers ? spoken.get(url) : undefined;
        if (known) return response(known.bytes, type);
        const answer = await http.get(url + ADVERTISEMENT, { ...options, headers });
        const bytes = await wholeAnswer(answer, url);
        base = baseOf(answer, url, authorization);
        if (bytes.subarray(0, 100).includes("version 2")) spoken.set(url, { url: base, bytes });
        return response(bytes, type);
      }
      const question = await joined(body);
      const answer = await http.post(`${base}/${SERVICE}`, question, {
        ...options,
        headers: { ...headers, "Git-Protocol": "version=2" },
      });
      return response(await wholeAnswer(answer, base), `application/x-${SERVICE}-result`);
    },
  };
}

/** Where the redirects of the first question ended, which the others are asked at; credentials go nowhere else. */
function baseOf(answer: HttpAnswer, url: string, authorization: string | undefined): string {
  if (!answer.finalUrl.endsWith(ADVERTISEMENT)) return url;
  const base = answer.finalUrl.slice(0, -ADVERTISEMENT.length);
  if (authorization !== undefined && new URL(base).origin !== new URL(url).origin)
    throw unavailable(hostOf(url), "sends us to another host, which must not have the credentials; follow that one");
  return base;
}

/** The bytes of an answer that is 200 and ends as git ends one. */
async function wholeAnswer(answer: HttpAnswer, url: string): Promise<Buffer> {
  const host = hostOf(url);
  if (answer.status !== 200) {
    answer.body.destroy();
    throw refusal(answer, host);
  }
  const bytes = await bytesOf(answer.body);
  try {
    const last = packetCutter()(bytes);
    const read = last.reduce((sum, { length }) => sum + length, 0);
    if (read !== bytes.length || !last.at(-1)?.equals(FLUSH)) throw new Error("it breaks off");
  } catch (cause) {
    throw new NotGit(host, cause);
  }
  return bytes;
}

/** Neither git's protocol nor anything that says what is wrong: a page for people, an answer that broke off. */
class NotGit extends Failure {
  constructor(host: string, cause: unknown) {
    super("unavailable", `${host} does not answer as git does, or broke off in the middle`, {
      reason: "upstream_unavailable",
      cause,
    });
  }
}

function refusal({ status, headers }: HttpAnswer, host: string): Failure {
  if (status === 429 || status === 503) return new ToldToWait(host, waitOf(headers["retry-after"]));
  if (status === 401 || status === 403) return new WantsCredentials(host, status);
  if (status === 404 || status === 410)
    return notFound(`${host} has no such repository, or none that these credentials may read`);
  if (status >= 300 && status < 400) return unavailable(host, "sends us elsewhere in the middle of a conversation");
  return unavailable(host, `answered ${status}`);
}

/** RFC 9110, 10.2.3: seconds or a date; a minute if there is none, a day at the most. */
function waitOf(header: string | undefined): number {
  const asked = /^\d+$/.test(header ?? "") ? Number(header) * 1000 : Date.parse(header ?? "") - Date.now();
  return Math.min(Math.max(Number.isNaN(asked) ? 60_000 : asked, 1_000), 86_400_000);
}

function unavailable(host: string, what: string): Failure {
  return new Failure("unavailable", `${host} ${what}`, { reason: "upstream_unavailable" });
}

const hostOf = (url: string): string => new URL(url).host;

async function joined(body: GitHttpRequest["body"]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body ?? []) parts.push(part);
  return Buffer.concat(parts);
}

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
