// The world behind our own modules. What does not change (.info, .mod and .zip of a version) is fetched from upstream once,
// judged (admission.ts) and stored for ever; what changes (lists, @latest) is an index of our own (module-list.ts); what is
// not there is believed for seconds (absence.ts). Names that are ours or private never leave (asking.ts). Each thing costs
// one request: a .mod never the zip, and an .info nothing else (go-module-rules 6.13).
import { setTimeout as delay } from "node:timers/promises";
import { openLocks } from "../database/locks.ts";
import { escapeVersion, type ModulePath } from "../gomod/module-path.ts";
import { MAX_GO_MOD } from "../gomod/module-zip.ts";
import type { Registry } from "../registry/registry.ts";
import { findUpstreamVersion, storeUpstreamPart } from "../registry/versions/upstream-modules.ts";
import { type Absent, createShortMemory, FLEETING_MS, notCached } from "./absence.ts";
import { admitGoMod, admitInfo, isExactVersion } from "./admission.ts";
import { askAndJudge, type DependencyProxy, type Found, pathOf, pinned, refuseBuriedName } from "./asking.ts";
import { type Download, type DownloadOutcome, startDownload } from "./download.ts";
import { lookOrGet, shared } from "./download-lock.ts";
import { changingAnswer, LIST_TTL_MS, versionWasSeen } from "./module-list.ts";
import type { Upstreams } from "./upstreams.ts";

export type { Absent } from "./absence.ts";
export type { DependencyProxy, Found } from "./asking.ts";
export type { Download, StoredZip } from "./download.ts";

const MAX_INFO_BYTES = 1024 * 1024;
/** How long a server that stops waits for what it is fetching, for nobody any more. */
const CLOSING_MS = 2_000;

export interface DependencyProxyParts {
  readonly registry: Registry;
  readonly databaseUrl: string;
  /** undefined: only what is stored is served. */
  readonly upstreams: Upstreams | undefined;
  readonly listTtlMs?: number;
}

export interface OpenedDependencyProxy {
  readonly proxy: DependencyProxy;
  /** Waits for what is being fetched to come to its end, and lets go of the locks. */
  close(): Promise<void>;
}

/** Builds the dependency proxy. */
export function openDependencyProxy(parts: DependencyProxyParts): OpenedDependencyProxy {
  const { registry, databaseUrl, upstreams, listTtlMs = LIST_TTL_MS } = parts;
  const locks = openLocks(databaseUrl, registry.log);
  const proxy: DependencyProxy = {
    registry,
    upstreams,
    locks,
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
  const answered = await shared<Found | Absent>(proxy.fetching, path, async () => {
    const answer = await askAndJudge(proxy, modulePath, rest, MAX_INFO_BYTES, (bytes) =>
      admitInfo(modulePath, undefined, bytes),
    );
    if (answer.kind === "absent") return answer;
    proxy.memory.fleeting.set(path, answer.bytes);
    return passing(answer.bytes);
  });
  return { ...answered, asked: true };
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
  if (stored?.zip && !lost) return { kind: "stored", id: stored.id, zip: stored.zip };
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
  const answered = await shared(proxy.fetching, path, async () => {
    await refuseBuriedName(proxy, modulePath, version);
    const get = part === "info" ? getInfo : getGoMod;
    const got = await lookOrGet(proxy.locks, path, look, () => get(proxy, modulePath, version, rest));
    if (got.kind === "found") versionWasSeen(proxy, modulePath, version);
    return got;
  });
  return { ...answered, asked: true };
}

async function getInfo(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  rest: string,
): Promise<Found | Absent> {
  const answer = await askAndJudge(proxy, modulePath, rest, MAX_INFO_BYTES, (bytes) =>
    admitInfo(modulePath, version, bytes),
  );
  if (answer.kind === "absent") return answer;
  const part = { info: answer.bytes, time: answer.verdict.time };
  return pinned((await storeUpstreamPart(proxy.registry, modulePath, version, part)).info!);
}

async function getGoMod(
  proxy: DependencyProxy,
  modulePath: ModulePath,
  version: string,
  rest: string,
): Promise<Found | Absent> {
  const answer = await askAndJudge(proxy, modulePath, rest, MAX_GO_MOD, (bytes) =>
    admitGoMod(modulePath, version, bytes),
  );
  if (answer.kind === "absent") return answer;
  const goMod = answer.bytes;
  if (answer.verdict.keep)
    return pinned((await storeUpstreamPart(proxy.registry, modulePath, version, { goMod })).goMod!);
  proxy.memory.fleeting.set(pathOf(modulePath, rest), goMod);
  return passing(goMod);
}

function passing(body: Buffer): Found {
  return { kind: "found", body, pinned: false, freshMs: FLEETING_MS };
}
