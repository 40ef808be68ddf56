// The world behind our own modules. What does not change (.info, .mod and .zip of a version) is fetched from upstream once,
// judged (admission.ts) and stored for ever; what changes (lists, @latest) is an index of our own (module-list.ts); what is
// not there is believed for seconds (absence.ts). Names that are ours or private never leave (asking.ts). Each thing costs
// one request: a .mod never the zip, and an .info nothing else (go-module-rules 6.13).
import { setTimeout as delay } from "node:timers/promises";
import { openLocks } from "../database/locks.ts";
import { escapeVersion, type ModulePath } from "../gomod/module-path.ts";
import { MAX_GO_MOD } from "../gomod/module-zip.ts";
import type { Registry } from "../registry/registry.ts";
import { findUpstreamVersion, storeUpstreamPart } from "../registry/upstream-modules.ts";
import { type Absent, createShortMemory, FLEETING_MS, notCached } from "./absence.ts";
import { admitGoMod, admitInfo, isExactVersion, Refused } from "./admission.ts";
import { ask, type DependencyProxy, type Found, pathOf, pinned, refuse, refuseBuriedName, wholeOf } from "./asking.ts";
import { type Download, type DownloadOutcome, startDownload } from "./download.ts";
import { lookOrGet, shared } from "./download-lock.ts";
import { changingAnswer, LIST_TTL_MS, versionWasSeen } from "./module-list.ts";
import type { FoundUpstream, Upstreams } from "./upstreams.ts";

export type { Absent } from "./absence.ts";
export type { DependencyProxy, Found } from "./asking.ts";
export type { Download } from "./download.ts";

const MAX_INFO_BYTES = 1024 * 1024;
/** How long a server that stops waits for what it is fetching, for nobody any more. */
const CLOSING_MS = 2_000;

export interface DependencyProxyParts {
  readonly registry: Registry;
  readonly databaseUrl: string;
  /** undefined: only what is stored is served. */
  readonly upstreams: Upstreams | undefined;
  readonly isPrivate: (modulePath: string) => boolean;
  readonly listTtlMs?: number;
}

export interface OpenedDependencyProxy {
  readonly proxy: DependencyProxy;
  /** Waits for what is being fetched to come to its end, and lets go of the locks. */
  close(): Promise<void>;
}

/** Builds the dependency proxy. */
export function openDependencyProxy(parts: DependencyProxyParts): OpenedDependencyProxy {
  const { registry, databaseUrl, upstreams, isPrivate, listTtlMs = LIST_TTL_MS } = parts;
  const locks = openLocks(databaseUrl, registry.log);
  const proxy: DependencyProxy = {
    registry,
    upstreams,
    locks,
    isPrivate,
    listTtlMs,
    memory: createShortMemory(),
    fetching: new Map(),
    downloads: new Map(),
    resting: new Map(),
  };
  return {
    proxy,
    async close() {
      const running = [...proxy.fetching.values(), ...[...proxy.downloads.values()].map(({ outcome }) => outcome)];
      await Promise.race([Promise.allSettled(running), delay(CLOSING_MS, undefined, { ref: false })]);
      await locks.close();
    },
  };
}

/** The list of a module, or its @latest. `storedOnly`: upstream is not asked. */
export async function upstreamIndex(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  kind: "list" | "latest",
  storedOnly: boolean,
): Promise<Found | Absent> {
  return changingAnswer(proxy, modulePath, kind, storedOnly);
}

/** The .info of a version, a branch or a commit. */
export async function upstreamInfo(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  query: string,
  storedOnly: boolean,
): Promise<Found | Absent> {
  if (isExactVersion(modulePath, query)) return versionPart(proxy, modulePath, query, "info", storedOnly);
  const rest = `@v/${escapeVersion(query)}.info`;
  const path = pathOf(modulePath, rest);
  const known = proxy.memory.fleeting.get(path);
  if (known) return passing(known);
  if (storedOnly || !proxy.upstreams) return notCached(path);
  return shared(proxy.fetching, path, async () => {
    const answer = await ask(proxy, modulePath, rest, MAX_INFO_BYTES);
    if (answer.kind === "absent") return answer;
    return judged(proxy, path, answer, MAX_INFO_BYTES, async (bytes) => {
      admitInfo(modulePath, undefined, bytes);
      proxy.memory.fleeting.set(path, bytes);
      return passing(bytes);
    });
  });
}

/** The go.mod of a version, which must be canonical. */
export async function upstreamGoMod(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  storedOnly: boolean,
): Promise<Found | Absent> {
  return versionPart(proxy, modulePath, version, "mod", storedOnly);
}

/**
 * The zip of a version, which must be canonical: stored, or a download that everybody who asks for it shares. `lost`: it is
 * stored, but its bytes are not there any more.
 */
export async function upstreamZip(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  storedOnly: boolean,
  lost = false,
): Promise<DownloadOutcome | { readonly kind: "arriving"; readonly download: Download }> {
  const stored = await findUpstreamVersion(proxy.registry, modulePath, version);
  if (stored?.zip && !lost) return { kind: "stored", zip: stored.zip };
  const rest = `@v/${escapeVersion(version)}.zip`;
  const path = pathOf(modulePath, rest);
  if (storedOnly || !proxy.upstreams) return notCached(path);
  const known = proxy.memory.absences.get(path);
  if (known) return known;
  await refuseBuriedName(proxy, modulePath, version);
  let download = proxy.downloads.get(path);
  if (!download) {
    download = startDownload(proxy, modulePath, version, rest, () =>
      versionPart(proxy, modulePath, version, "mod", false),
    );
    proxy.downloads.set(path, download);
    const forget = (): void => void proxy.downloads.delete(path);
    download.outcome.then(forget, forget);
  }
  return { kind: "arriving", download };
}

/** The .info or .mod of an exact version: stored, or fetched once and stored. */
async function versionPart(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  part: "info" | "mod",
  storedOnly: boolean,
): Promise<Found | Absent> {
  const look = async (): Promise<Found | undefined> => {
    const stored = await findUpstreamVersion(proxy.registry, modulePath, version);
    const body = part === "info" ? stored?.info : stored?.goMod;
    return body && pinned(body);
  };
  const rest = `@v/${escapeVersion(version)}.${part}`;
  const path = pathOf(modulePath, rest);
  const stored = await look();
  if (stored) return stored;
  const fleeting = proxy.memory.fleeting.get(path);
  if (fleeting) return passing(fleeting);
  if (storedOnly || !proxy.upstreams) return notCached(path);
  const known = proxy.memory.absences.get(path);
  if (known) return known;
  return shared(proxy.fetching, path, async () => {
    await refuseBuriedName(proxy, modulePath, version);
    const got = await lookOrGet<Found | Absent>(proxy.locks, path, look, async () => {
      const limit = part === "info" ? MAX_INFO_BYTES : MAX_GO_MOD;
      const answer = await ask(proxy, modulePath, rest, limit);
      if (answer.kind === "absent") return answer;
      return judged(proxy, path, answer, limit, (bytes) => keep(proxy, modulePath, version, part, path, bytes));
    });
    if (got.kind === "found") versionWasSeen(proxy, modulePath, version);
    return got;
  });
}

async function keep(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  part: "info" | "mod",
  path: string,
  bytes: Buffer,
): Promise<Found> {
  if (part === "info") {
    const { time } = admitInfo(modulePath, version, bytes);
    return pinned((await storeUpstreamPart(proxy.registry, modulePath, version, { info: bytes, time })).info!);
  }
  if (admitGoMod(modulePath, version, bytes).keep)
    return pinned((await storeUpstreamPart(proxy.registry, modulePath, version, { goMod: bytes })).goMod!);
  proxy.memory.fleeting.set(path, bytes);
  return passing(bytes);
}

/** Reads an answer and has it judged; a refusal is written down and told. */
async function judged(
  proxy: DependencyProxy,
  path: string,
  answer: FoundUpstream,
  maxBytes: number,
  judge: (bytes: Buffer) => Promise<Found>,
): Promise<Found | Absent> {
  try {
    return await judge(await wholeOf(answer, maxBytes));
  } catch (error) {
    if (error instanceof Refused) return refuse(proxy, path, answer.upstream, error);
    throw error;
  }
}

function passing(body: Buffer): Found {
  return { kind: "found", body, pinned: false, freshMs: FLEETING_MS };
}
