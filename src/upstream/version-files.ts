// The small files of one version, .info and .mod: pinned when they are stored, else fetched once for everybody who asks, judged,
// and stored for ever. Each costs one request: a .mod never the zip, and an .info nothing else.
import { h1OfGoMod } from "../gomod/dir-hash.ts";
import { MAX_GO_MOD } from "../gomod/module-zip.ts";
import { goPathOf, type VersionRequest } from "../gomod/proxy-path.ts";
import { wasPublishedHere } from "../registry/versions/tombstones.ts";
import { type KnownVersion, lookUpVersion, storeUpstreamPart } from "../registry/versions/upstream-modules.ts";
import { admitGoMod, admitInfo, isExactVersion, vouchesFor } from "./admission.ts";
import { type Absent, changing, FLEETING_MS, type Found, notCached, pinned } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";
import { lookOrGet } from "./download-lock.ts";
import { demandTried, demandUncontradicted, refuseUnproved } from "./refusals.ts";
import { storedInfo, storedRevision, storeRevision } from "./stored-versions.ts";
import { askAndJudge } from "./upstream-request.ts";

/** The largest .info that is read. */
export const MAX_INFO_BYTES = 1024 * 1024;

/** The .info of a version, a branch or a commit. `storedOnly`: no upstream is asked. */
export async function infoFile(
  state: DependencyState,
  request: VersionRequest<"info">,
  storedOnly: boolean,
): Promise<Found | Absent> {
  const { modulePath, version } = request;
  if (isExactVersion(modulePath, version)) return versionFile(state, request, storedOnly);
  const path = goPathOf(request);
  if (storedOnly || !state.upstreams)
    return (await storedRevision(state.registry, modulePath, version)) ?? notCached(path);
  const known = state.fleeting.get(path);
  if (known) return changing(known, FLEETING_MS);
  const answered = await state.fetching.run<Found | Absent>(path, async () => {
    const answer = await askAndJudge(state, request, MAX_INFO_BYTES, (bytes) =>
      admitInfo(modulePath, undefined, bytes),
    );
    if (answer.kind === "absent") return answer;
    state.fleeting.set(path, answer.bytes);
    await storeRevision(state.registry, modulePath, version, answer.bytes);
    return changing(answer.bytes, FLEETING_MS);
  });
  return { ...answered, asked: true };
}

/** The .info or .mod of an exact version: stored, or fetched once and stored. `storedOnly`: no upstream is asked. */
export async function versionFile(
  state: DependencyState,
  request: VersionRequest<"info"> | VersionRequest<"mod">,
  storedOnly: boolean,
): Promise<Found | Absent> {
  const { modulePath, version, kind } = request;
  const storedIn = ({ stored }: KnownVersion): Found | undefined => {
    const body = kind === "info" ? stored?.info : stored?.goMod;
    return body && pinned(body);
  };
  const path = goPathOf(request);
  const found = await lookUpVersion(state.registry, modulePath, version);
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
    const look = async (): Promise<Found | undefined> =>
      storedIn(await lookUpVersion(state.registry, modulePath, version));
    const get = (): Promise<Found | Absent> =>
      request.kind === "info" ? getInfo(state, request) : getGoMod(state, request);
    return await lookOrGet(state.locks, path, look, get);
  });
  return { ...answered, asked: true };
}

async function getInfo(state: DependencyState, request: VersionRequest<"info">): Promise<Found | Absent> {
  const { modulePath, version } = request;
  const tried = state.tried.get(goPathOf(request));
  const answer = tried
    ? { kind: "found" as const, bytes: tried, verdict: admitInfo(modulePath, version, tried) }
    : await askAndJudge(state, request, MAX_INFO_BYTES, (bytes) => admitInfo(modulePath, version, bytes));
  if (answer.kind === "absent") return answer;
  const part = { info: answer.bytes, time: answer.verdict.time };
  return pinned((await storeUpstreamPart(state.registry, modulePath, version, part)).info!);
}

async function getGoMod(state: DependencyState, request: VersionRequest<"mod">): Promise<Found | Absent> {
  const { modulePath, version } = request;
  const path = goPathOf(request);
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
  const goMod = answer.bytes;
  if (answer.verdict.keep)
    return pinned((await storeUpstreamPart(state.registry, modulePath, version, { goMod })).goMod!);
  state.fleeting.set(path, goMod);
  return changing(goMod, FLEETING_MS);
}
