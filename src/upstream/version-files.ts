// The small files of one version, .info and .mod: pinned when they are stored, else fetched once for everybody who asks, judged,
// and stored for ever. Each costs one request: a .mod never the zip, and an .info nothing else. Whoever is known to want the
// .mod next, as the go command does, has both asked for at the same time: they come in the time of one, and enter together.
import { setTimeout as delay } from "node:timers/promises";
import { h1OfGoMod } from "../gomod/dir-hash.ts";
import { MAX_GO_MOD } from "../gomod/module-zip.ts";
import { goPathOf, type VersionRequest } from "../gomod/proxy-path.ts";
import { wasPublishedHere } from "../registry/versions/tombstones.ts";
import { type KnownVersion, lookUpVersion, storeUpstreamPart } from "../registry/versions/upstream-modules.ts";
import { admitGoMod, admitInfo, isExactVersion, vouchesFor } from "./admission.ts";
import { type Absent, changing, FLEETING_MS, type FoundAnswer, notCached, pinned } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";
import { getOnce } from "./download-lock.ts";
import { ownBytes } from "./own-bytes.ts";
import { demandTried, demandUncontradicted, refuseUnproved } from "./refusals.ts";
import { storedInfo, storedRevision, storeRevision } from "./stored-versions.ts";
import { askAndJudge } from "./upstream-request.ts";

/** How long an .info that has come waits for the .mod that was asked for along with it. */
const TOGETHER_MS = 1_000;

/** The largest .info that is read. */
export const MAX_INFO_BYTES = 1024 * 1024;

/** How a small file is wanted. */
export interface FileOptions {
  /** No upstream is asked. */
  readonly storedOnly: boolean;
  /** Of an .info: the .mod of the version is wanted next. */
  readonly withGoMod?: boolean;
}

/** The .info of a version, a branch or a commit. */
export async function infoFile(
  state: DependencyState,
  request: VersionRequest<"info">,
  options: FileOptions,
): Promise<FoundAnswer | Absent> {
  const { modulePath, version } = request;
  const { storedOnly } = options;
  if (isExactVersion(modulePath, version)) return versionFile(state, request, options);
  const path = goPathOf(request);
  if (storedOnly || !state.upstreams)
    return (await storedRevision(state.registry, modulePath, version)) ?? notCached(path);
  const known = state.fleeting.get(path);
  if (known) return changing(known, FLEETING_MS);
  const answered = await state.fetching.run<FoundAnswer | Absent>(path, async () => {
    const answer = await askAndJudge(state, request, MAX_INFO_BYTES, (bytes) =>
      admitInfo(modulePath, undefined, bytes),
    );
    if (answer.kind === "absent") return answer;
    state.fleeting.set(path, ownBytes(answer.bytes));
    await storeRevision(state.registry, modulePath, version, answer.bytes);
    return changing(answer.bytes, FLEETING_MS);
  });
  return { ...answered, asked: true };
}

/** The .info or .mod of an exact version: stored, or fetched once and stored. */
export async function versionFile(
  state: DependencyState,
  request: VersionRequest<"info"> | VersionRequest<"mod">,
  { storedOnly, withGoMod = false }: FileOptions,
): Promise<FoundAnswer | Absent> {
  const { modulePath, version, kind } = request;
  const storedIn = ({ stored }: KnownVersion): FoundAnswer | undefined => {
    const body = kind === "info" ? stored?.info : stored?.goMod;
    return body && pinned(body);
  };
  const path = goPathOf(request);
  const lookedAt = performance.now();
  let found = await lookUpVersion(state.registry, modulePath, version);
  demandUncontradicted(state, request, found);
  const stored = storedIn(found);
  if (stored) return stored;
  if (storedOnly || !state.upstreams)
    return (kind === "info" && (await storedInfo(state.registry, modulePath, version))) || notCached(path);
  const fleeting = state.fleeting.get(path);
  if (fleeting) return changing(fleeting, FLEETING_MS);
  const known = state.absences.get(path);
  if (known) return known;
  const answered = await state.fetching.run(path, async () => {
    if (found.buried !== undefined) throw wasPublishedHere(modulePath, version, { reason: found.buried });
    const look = async (): Promise<FoundAnswer | undefined> => {
      found = await lookUpVersion(state.registry, modulePath, version);
      return storedIn(found);
    };
    const get = (): Promise<FoundAnswer | Absent> =>
      request.kind === "info" ? getInfo(state, request, withGoMod && !found.stored?.goMod) : getGoMod(state, request);
    return await getOnce(state, path, { look, get, lookedAt });
  });
  return { ...answered, asked: true };
}

async function getInfo(
  state: DependencyState,
  request: VersionRequest<"info">,
  withGoMod: boolean,
): Promise<FoundAnswer | Absent> {
  const { modulePath, version } = request;
  const goModRequest = { kind: "mod", modulePath, version } as const;
  const isNew = withGoMod && !state.fleeting.has(goPathOf(goModRequest));
  const judging = isNew ? judgedGoMod(state, goModRequest) : undefined;
  judging?.catch(() => {}); // whoever asks for the .mod learns what is wrong
  const tried = state.tried.get(goPathOf(request));
  const answer = tried
    ? { kind: "found" as const, bytes: tried, verdict: admitInfo(modulePath, version, tried) }
    : await askAndJudge(state, request, MAX_INFO_BYTES, (bytes) => admitInfo(modulePath, version, bytes));
  if (answer.kind === "absent") return answer;
  const late = judging && delay(TOGETHER_MS, undefined, { ref: false });
  const judged = await Promise.race([judging, late]).catch(() => undefined);
  const goMod = judged?.kind === "found" && judged.keep ? judged.bytes : undefined;
  const part = { info: answer.bytes, time: answer.verdict.time, goMod };
  const stored = await storeUpstreamPart(state.registry, modulePath, version, part);
  return { ...pinned(stored.info!), unlisted: stored.unlisted, ...(goMod && { goMod: stored.goMod! }) };
}

async function getGoMod(state: DependencyState, request: VersionRequest<"mod">): Promise<FoundAnswer | Absent> {
  const { modulePath, version } = request;
  const judged = await judgedGoMod(state, request);
  if (judged.kind === "absent") return judged;
  const { bytes: goMod, keep } = judged;
  if (!keep) return changing(goMod, FLEETING_MS);
  const stored = await storeUpstreamPart(state.registry, modulePath, version, { goMod });
  return { ...pinned(stored.goMod!), unlisted: stored.unlisted };
}

/** A .mod that came and was found to be good. */
interface JudgedGoMod {
  readonly kind: "found";
  readonly bytes: Buffer;
  /** Whether it may be stored by itself. */
  readonly keep: boolean;
}

/** Asks for a .mod and has it judged, once for all who want it meanwhile. */
function judgedGoMod(state: DependencyState, request: VersionRequest<"mod">): Promise<JudgedGoMod | Absent> {
  const { modulePath, version } = request;
  const path = goPathOf(request);
  return state.fetching.run(`judged ${path}`, async () => {
    demandTried(state, path);
    const proving = state.verification.begin(modulePath, version);
    proving.catch(() => {}); // looked at when there is something to compare
    const answer = await askAndJudge(state, request, MAX_GO_MOD, async (bytes) => {
      const { keep } = admitGoMod(modulePath, bytes);
      return { keep: vouchesFor(await proving, "go.mod", h1OfGoMod(bytes)) || keep };
    });
    if (answer.kind === "absent") return answer;
    const proved = await proving;
    if (proved.kind === "refused") throw refuseUnproved(state, path, proved.failure);
    const { bytes, verdict } = answer;
    if (!verdict.keep) state.fleeting.set(path, ownBytes(bytes));
    return { kind: "found", bytes, keep: verdict.keep };
  });
}
