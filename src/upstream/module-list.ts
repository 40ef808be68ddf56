// Our own index of what upstream has: the list of a module's versions, and its @latest. Fresh for a while; then the last
// known answer is given at once while a new one is fetched (stale-while-revalidate, RFC 5861); only one that has grown old
// is waited for, and only shortly. A version that is asked for by name and is not in the list has the list fetched anew.
// When upstream has nothing to say, the last known answer stays, or what follows from the versions that are stored.
import { setTimeout as delay } from "node:timers/promises";
import { isFailure } from "../errors.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { goPathOf } from "../gomod/proxy-path.ts";
import { isPseudoVersion } from "../gomod/version.ts";
import { latestVersion } from "../gomod/version-list.ts";
import {
  type AnswerKind,
  findUpstreamAnswer,
  findUpstreamVersion,
  type KnownAnswer,
  storedVersionNames,
  storeUpstreamAnswer,
} from "../registry/versions/upstream-modules.ts";
import { admitInfo, admitList } from "./admission.ts";
import { ABSENCE_MS, type Absent, changing, type Found, notCached } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";
import { lookOrGet, shared } from "./download-lock.ts";
import { askAndJudge } from "./upstream-request.ts";

/** How long a list is fresh, if not said otherwise. */
export const LIST_TTL_MS = 60_000;
/** An answer older than this is worth a wait… */
const OLD_MS = 10 * 60_000;
/** …of this length. */
const STALE_WAIT_MS = 500;
/** How long a first answer is waited for when versions are stored that one can be made of. */
const STORED_WAIT_MS = 2_000;
/** How long a stale answer may be given again without a look. */
const STALE_FRESH_MS = 1_000;
/** How long upstream is left alone about a list after it failed to give one. */
const REST_MS = 10_000;
/** The largest list known has 300 kB. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;

/** The list or the @latest of a module. */
export async function changingAnswer(
  state: DependencyState,
  modulePath: ModulePath,
  kind: AnswerKind,
  storedOnly: boolean,
): Promise<Found | Absent> {
  const known = await findUpstreamAnswer(state.registry, modulePath, kind);
  if (storedOnly || !state.upstreams) {
    if (known) return changing(known.body, STALE_FRESH_MS);
    return (await fromStored(state, modulePath, kind)) ?? notCached(goPathOf({ kind, modulePath }));
  }
  const age = known ? Date.now() - known.fetchedAt.getTime() : Number.POSITIVE_INFINITY;
  if (known && age < state.listTtlMs) return changing(known.body, state.listTtlMs - age);
  const name = goPathOf({ kind, modulePath });
  if (known && Date.now() - (state.resting.get(name) ?? 0) < REST_MS) return changing(known.body, STALE_FRESH_MS);
  const refreshed = refresh(state, modulePath, kind, new Date(Date.now() - state.listTtlMs)).then(
    (answer): Found | Absent => ({ ...answer, asked: true }),
  );
  refreshed.catch(() => {}); // where nobody waits for it
  if (known) {
    // Whoever has nothing kept fresh wants to see what is new.
    const isWaitedFor = age > OLD_MS || state.listTtlMs === 0;
    const waited = isWaitedFor ? delay(STALE_WAIT_MS, undefined) : undefined;
    const answer = await Promise.race([refreshed.catch(() => undefined), waited]);
    return answer?.kind === "found" ? answer : changing(known.body, STALE_FRESH_MS);
  }
  // Upstream may have lost the module, be down, or hang: what follows from the stored versions is better than that.
  const late = delay(STORED_WAIT_MS, undefined, { ref: false });
  const answer = await Promise.race([refreshed, late]).catch((error: unknown) => {
    if (isFailure(error, "unavailable")) return undefined;
    throw error;
  });
  if (answer?.kind === "found") return answer;
  return (await fromStored(state, modulePath, kind)) ?? refreshed;
}

/**
 * Says that a version was fetched by name: if the list that is known does not have it, that is fetched anew. Nobody waits
 * for it; the next who asks for the list is told what went wrong.
 */
export function versionWasSeen(state: DependencyState, modulePath: ModulePath, version: string): void {
  if (isPseudoVersion(version)) return;
  const now = new Date();
  const seen = shared(state.fetching, `${goPathOf({ kind: "list", modulePath })} has ${version}`, async () => {
    const known = await findUpstreamAnswer(state.registry, modulePath, "list");
    if (!known || versionsIn(known.body).includes(version)) return;
    for (const kind of ["list", "latest"] as const) refresh(state, modulePath, kind, now).catch(() => {});
  });
  seen.catch((error: unknown) => state.registry.log.debug({ err: error }, "a list could not be looked at"));
}

/** Fetches an answer, unless another server has one that is newer than `than`. */
function refresh(
  state: DependencyState,
  modulePath: ModulePath,
  kind: AnswerKind,
  than: Date,
): Promise<Found | Absent> {
  const { registry } = state;
  const path = goPathOf({ kind, modulePath });
  const look = async (): Promise<Found | undefined> => {
    const known = await findUpstreamAnswer(registry, modulePath, kind);
    return known && known.fetchedAt > than ? changing(known.body, STALE_FRESH_MS) : undefined;
  };
  return shared(state.fetching, path, async () => {
    try {
      const answer = await lookOrGet<Found | Absent>(state.locks, path, look, () => get(state, modulePath, kind));
      if (answer.kind === "absent") rest(state, path);
      else state.resting.delete(path);
      return answer;
    } catch (error) {
      rest(state, path);
      throw error;
    }
  });
}

function rest(state: DependencyState, path: string): void {
  const now = Date.now();
  state.resting.set(path, now);
  for (const [other, since] of state.resting) if (now - since > REST_MS) state.resting.delete(other);
}

async function get(state: DependencyState, modulePath: ModulePath, kind: AnswerKind): Promise<Found | Absent> {
  const fetchedAt = new Date();
  const answer = await askAndJudge(state, { kind, modulePath }, MAX_LIST_BYTES, (bytes) => {
    if (kind === "list") return admitList(modulePath, bytes);
    admitInfo(modulePath, undefined, bytes);
    return bytes;
  });
  if (answer.kind === "absent") return answer;
  const known: KnownAnswer = { body: answer.verdict, fetchedAt };
  await storeUpstreamAnswer(state.registry, modulePath, kind, known);
  return changing(known.body, state.listTtlMs);
}

/** What follows from the versions that are stored, where upstream never gave an answer. */
async function fromStored(
  { registry }: DependencyState,
  modulePath: ModulePath,
  kind: AnswerKind,
): Promise<Found | undefined> {
  const stored = await storedVersionNames(registry, modulePath);
  if (kind === "list") {
    const names = stored.map(({ version }) => version).filter((version) => !isPseudoVersion(version));
    return names.length === 0
      ? undefined
      : changing(Buffer.from(names.map((name) => `${name}\n`).join("")), ABSENCE_MS);
  }
  const told = stored.filter(({ hasInfo }) => hasInfo).map(({ version }) => version);
  const latest = latestVersion(told, () => false) ?? told.at(-1);
  const info = latest && (await findUpstreamVersion(registry, modulePath, latest))?.info;
  return info ? changing(info, ABSENCE_MS) : undefined;
}

function versionsIn(list: Buffer): string[] {
  return list
    .toString("utf8")
    .split("\n")
    .map((line) => line.split(/\s/, 1)[0]!);
}
