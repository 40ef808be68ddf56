// The world behind our own modules, in the three verbs of a Go proxy: list, query, download. What does not change (.info, .mod
// and .zip of a version) is fetched from upstream once, judged (admission.ts) and stored for ever (version-files.ts,
// zip-download.ts); what changes (lists, @latest) is an index of our own (module-list.ts); what is not there is believed for
// seconds (answers.ts). Names that are ours or private never leave (upstream-request.ts).
import { setTimeout as delay } from "node:timers/promises";
import type { Connections } from "../database/connections.ts";
import { openLocks } from "../database/locks.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { goPathOf, type VersionRequest } from "../gomod/proxy-path.ts";
import type { Registry } from "../registry/registry.ts";
import { wasPublishedHere } from "../registry/versions/tombstones.ts";
import { lookUpVersion } from "../registry/versions/upstream-modules.ts";
import { type Absent, type FoundAnswer, notCached } from "./answers.ts";
import { changingAnswer, LIST_TTL_MS } from "./changing-answer.ts";
import { createDependencyState, type DependencyState } from "./dependency-state.ts";
import type { Download, DownloadOutcome } from "./download.ts";
import { LATEST, unlistedWasSeen } from "./latest-version.ts";
import { listAnswer } from "./module-list.ts";
import { demandUncontradicted } from "./refusals.ts";
import type { UpstreamClient } from "./upstream-client.ts";
import type { Verification } from "./upstream-verification.ts";
import { infoFile, versionFile } from "./version-files.ts";
import { startDownload } from "./zip-download.ts";

/** How long a server that stops waits for what it is fetching, for nobody any more. */
const CLOSING_MS = 2_000;

/** How a question is asked. */
export interface AskOptions {
  /** Only what is stored is served; no upstream is asked. */
  readonly storedOnly?: boolean;
  /** Of the .info of a version: its .mod is wanted next, and may be asked for along with it. */
  readonly withGoMod?: boolean;
  /** Of a zip: it is stored, but its bytes are not there any more, and are wanted again. */
  readonly lost?: boolean;
}

/** A zip: whole, arriving (everybody who asks for it meanwhile shares the download), or not there. */
export type ZipAnswer = DownloadOutcome | { readonly kind: "arriving"; readonly download: Download };

/**
 * What answers for modules that are nobody's here. All verbs throw not-found for a name that is never asked upstream, and
 * unavailable or forbidden when it is not known whether there is such a thing.
 */
export interface DependencyProxy {
  readonly registry: Registry;
  /** The versions of a module, one a line. */
  list(modulePath: ModulePath, options?: AskOptions): Promise<FoundAnswer | Absent>;
  /** The .info of what a version, a branch or a commit names; that of the latest version for undefined. */
  query(modulePath: ModulePath, revision: string | undefined, options?: AskOptions): Promise<FoundAnswer | Absent>;
  /** The .mod or the .zip of a version, which must be canonical. */
  download(request: VersionRequest<"mod">, options?: AskOptions): Promise<FoundAnswer | Absent>;
  download(request: VersionRequest<"zip">, options?: AskOptions): Promise<ZipAnswer>;
}

export interface DependencyProxyParts {
  readonly registry: Registry;
  readonly databaseUrl: string;
  readonly connections?: Connections;
  /** undefined: only what is stored is served. */
  readonly upstreams: UpstreamClient | undefined;
  readonly verification: Verification;
  /** How long a list and @latest are fresh. */
  readonly listTtlMs?: number;
}

export interface OpenedDependencyProxy {
  readonly proxy: DependencyProxy;
  /** Waits for what is being fetched to come to its end, and lets go of the locks. */
  close(): Promise<void>;
}

/** Builds the dependency proxy. */
export function openDependencyProxy(parts: DependencyProxyParts): OpenedDependencyProxy {
  const { registry, databaseUrl, connections, upstreams, verification, listTtlMs = LIST_TTL_MS } = parts;
  const locks = openLocks(databaseUrl, registry.log, connections);
  const state = createDependencyState({ registry, upstreams, verification, locks, listTtlMs });
  function download(request: VersionRequest<"mod">, options?: AskOptions): Promise<FoundAnswer | Absent>;
  function download(request: VersionRequest<"zip">, options?: AskOptions): Promise<ZipAnswer>;
  function download(
    request: VersionRequest<"mod"> | VersionRequest<"zip">,
    { storedOnly = false, lost = false }: AskOptions = {},
  ): Promise<FoundAnswer | ZipAnswer> {
    if (request.kind === "zip") return zipFile(state, request, storedOnly, lost);
    return noted(state, request, versionFile(state, request, { storedOnly }));
  }
  const query: DependencyProxy["query"] = (modulePath, revision, { storedOnly = false, withGoMod = false } = {}) => {
    if (revision === undefined) return changingAnswer(state, LATEST, modulePath, storedOnly);
    const request = { kind: "info", modulePath, version: revision } as const;
    return noted(state, request, infoFile(state, request, { storedOnly, withGoMod }));
  };
  const proxy: DependencyProxy = {
    registry,
    list: (modulePath, { storedOnly = false } = {}) => listAnswer(state, modulePath, storedOnly),
    query,
    download,
  };
  return {
    proxy,
    async close() {
      const running = [...state.fetching.all(), ...[...state.downloads.values()].map(({ outcome }) => outcome)];
      await Promise.race([Promise.allSettled(running), delay(CLOSING_MS, undefined, { ref: false })]);
      await locks.close();
    },
  };
}

/** An answer; when a version was fetched for it that the list does not have, that is about to have something new. */
async function noted(
  state: DependencyState,
  { modulePath, version }: VersionRequest<"info"> | VersionRequest<"mod">,
  answering: Promise<FoundAnswer | Absent>,
): Promise<FoundAnswer | Absent> {
  const answer = await answering;
  if (answer.kind === "found" && answer.unlisted) unlistedWasSeen(state, modulePath, version);
  return answer;
}

async function zipFile(
  state: DependencyState,
  request: VersionRequest<"zip">,
  storedOnly: boolean,
  lost: boolean,
): Promise<ZipAnswer> {
  const { modulePath, version } = request;
  const lookedAt = performance.now();
  const found = await lookUpVersion(state.registry, modulePath, version);
  demandUncontradicted(state, request, found);
  const { stored, buried } = found;
  if (stored?.zip && !lost) return { kind: "stored", id: stored.id, zip: stored.zip };
  const path = goPathOf(request);
  if (storedOnly || !state.upstreams) return notCached(path);
  const known = state.absences.get(path);
  if (known) return known;
  if (buried !== undefined) throw wasPublishedHere(modulePath, version, { reason: buried });
  let download = state.downloads.get(path);
  if (!download) {
    download = startDownload(state, request, stored, lookedAt);
    state.downloads.set(path, download);
    download.outcome.then(
      (outcome) => outcome.kind === "stored" && outcome.unlisted && unlistedWasSeen(state, modulePath, version),
      () => {},
    );
    const forget = (): void => void state.downloads.delete(path);
    download.outcome.then(forget, forget);
  }
  return { kind: "arriving", download };
}
