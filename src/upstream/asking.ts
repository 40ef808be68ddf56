// The one way out: every request to an upstream passes here, so here is where names that are ours, or private, end
// (dependency confusion: registry/forge/module-owner.ts, GOKURA_PRIVATE), and where what came is read within bounds.
import type { Readable } from "node:stream";
import type { Locks } from "../database/locks.ts";
import { Failure, isFailure, notFound } from "../errors.ts";
import { escapePath, type ModulePath } from "../gomod/module-path.ts";
import { isOwned } from "../registry/forge/module-owner.ts";
import type { Registry } from "../registry/registry.ts";
import { findGrave } from "../registry/versions/tombstones.ts";
import { recordRefusal } from "../registry/versions/upstream-modules.ts";
import { type Absent, absent, notCached, type ShortMemory } from "./absence.ts";
import { Refused } from "./admission.ts";
import type { Download } from "./download.ts";
import type { AbsentUpstream, FoundUpstream, Upstreams } from "./upstreams.ts";

export interface DependencyProxy {
  readonly registry: Registry;
  /** Whom to ask; undefined: nobody (GOKURA_UPSTREAM=off), only what is stored is served. */
  readonly upstreams: Upstreams | undefined;
  readonly locks: Locks;
  /** How long a list and @latest are fresh. */
  readonly listTtlMs: number;
  readonly memory: ShortMemory;
  /** What is being fetched now, by what is asked. */
  readonly fetching: Map<string, Promise<unknown>>;
  readonly downloads: Map<string, Download>;
  /** Lists whose last refresh failed, and when. */
  readonly resting: Map<string, number>;
}

/** Longer names are not asked for: nobody has them, and the database's indexes take no more. */
const MAX_PATH_LENGTH = 1_000;

/** An answer of bytes. */
export interface Found {
  readonly kind: "found";
  readonly body: Buffer;
  /** For ever the same. */
  readonly pinned: boolean;
  /** For how long it may be given again without a look. */
  readonly freshMs: number;
  /** Whether whoever asked waited for an upstream. */
  readonly asked?: boolean;
}

export const pinned = (body: Buffer): Found => ({
  kind: "found",
  body,
  pinned: true,
  freshMs: Number.POSITIVE_INFINITY,
});

/** How a thing is named, to upstream and in messages. */
export function pathOf(modulePath: ModulePath, rest: string): string {
  return `${escapePath(modulePath)}/${rest}`;
}

/** Asks upstream for something of a module. Throws not-found for a name that must not leave, unavailable for no answer. */
export function ask(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  rest: string,
  maxBytes: number,
): Promise<FoundUpstream | Absent> {
  return asking(proxy, modulePath, rest, (upstreams, path) => upstreams.fetch(path, { maxBytes }));
}

/** What came of a question for something small. */
export interface Judged<T> {
  readonly kind: "found";
  readonly bytes: Buffer;
  /** What the judge said. */
  readonly verdict: T;
}

/**
 * The same for something small, read to its end and judged. What a judge refuses is trouble with that upstream: it is
 * written down, and the next one is asked if the list says so. When nobody has better, it is absent, with the reason.
 */
export async function askAndJudge<T>(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  rest: string,
  maxBytes: number,
  judge: (bytes: Buffer) => T,
): Promise<Judged<T> | Absent> {
  const refusals: { upstream: string; refused: Refused }[] = [];
  let verdict: T;
  const answer = await asking(proxy, modulePath, rest, async (upstreams, path) => {
    const check = (bytes: Buffer, upstream: string): void => {
      try {
        verdict = judge(bytes);
      } catch (error) {
        if (error instanceof Refused) refusals.push({ upstream, refused: error });
        throw error;
      }
    };
    try {
      return await upstreams.fetchBytes(path, { maxBytes, check });
    } catch (error) {
      const last = refusals.at(-1);
      if (!last || error !== last.refused) throw error;
      refusals.pop();
      return await refuse(proxy, path, last.upstream, last.refused);
    } finally {
      for (const { upstream, refused } of refusals) await writeDown(proxy, path, upstream, refused);
    }
  });
  return answer.kind === "found" ? { kind: "found", bytes: answer.bytes, verdict: verdict! } : answer;
}

async function asking<F extends { readonly kind: "found" }>(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  rest: string,
  fetch: (upstreams: Upstreams, path: string) => Promise<F | AbsentUpstream | Absent>,
): Promise<F | Absent> {
  const path = pathOf(modulePath, rest);
  if (path.length > MAX_PATH_LENGTH) throw notFound("a name of such a length is no module's");
  if (!proxy.upstreams) return notCached(path);
  if (proxy.registry.privateModules.covers(modulePath) || (await isOwned(proxy.registry, modulePath)))
    throw notFound(`${modulePath} is private to this registry: no other is asked for it`);
  const known = proxy.memory.absences.get(path);
  if (known) return known;
  const answer = await fetch(proxy.upstreams, path).catch((error: unknown) => {
    if (isFailure(error, "too-large")) return refuse(proxy, path, "", new Refused(error.message));
    throw error;
  });
  if (answer.kind === "found" || !("upstream" in answer)) return answer;
  const nothing = absent(answer.status, answer.text);
  proxy.memory.absences.set(path, nothing);
  return nothing;
}

/** Refuses a name under which something of a project was published once: upstream cannot take it over. */
export async function refuseBuriedName(proxy: DependencyProxy, modulePath: string, version: string): Promise<void> {
  const grave = await findGrave(proxy.registry, modulePath, version);
  if (grave) throw notFound(`${modulePath}@${version} was published here before (${grave.reason}); it is not fetched`);
}

/** Writes down that something was refused, and remembers for seconds that it is not to be had. */
export async function refuse(
  proxy: DependencyProxy,
  path: string,
  upstream: string,
  refused: Refused,
): Promise<Absent> {
  await writeDown(proxy, path, upstream, refused);
  const words = path.endsWith(".zip") ? `unzip ${path}: ${refused.message}` : `not found: ${path}: ${refused.message}`;
  const nothing = absent(404, `${words}\n`);
  proxy.memory.absences.set(path, nothing);
  return nothing;
}

/** The security event; the same one not again and again, for it is clients who decide how often something is asked. */
async function writeDown(proxy: DependencyProxy, path: string, upstream: string, { message }: Refused): Promise<void> {
  const event = `${upstream} ${path} ${message}`;
  if (proxy.memory.refusals.has(event)) return;
  proxy.memory.refusals.set(event, true);
  await recordRefusal(proxy.registry, path, { upstream, reason: message });
}

/** The chunks of an answer; throws Refused beyond `maxBytes`, unavailable when they are not as many as was said. */
export async function* chunksOf(
  { body, headers, upstream }: FoundUpstream,
  maxBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new Refused(`upstream sent more than ${maxBytes} bytes`);
      yield chunk;
    }
  } catch (cause) {
    if (isFailure(cause, "too-large")) throw new Refused(cause.message);
    if (cause instanceof Refused || isFailure(cause)) throw cause;
    throw new Failure("unavailable", `${upstream} broke off its answer; try again`, { cause });
  } finally {
    (body as Readable).destroy();
  }
  const length = lengthOf(headers["content-length"], headers["content-encoding"]);
  if (length !== undefined && size !== length)
    throw new Failure("unavailable", `${upstream} sent ${size} bytes where it had promised ${length}; try again`);
}

/** The length that was promised; undefined if none was, or one of something else than what we read. */
export function lengthOf(length: string | undefined, encoding: string | undefined): number | undefined {
  return encoding === undefined && length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}
