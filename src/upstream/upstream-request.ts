// The one way out: every question of the dependency proxy to an upstream passes here, so here is where names that are ours,
// or private, end (dependency confusion: registry/forge/module-owner.ts, GOKURA_PRIVATE), and where what came is judged
// before anybody else can have it. What is known of one path for seconds, an absence or trouble, is not asked again: whoever
// asks often must not cost upstream as often.
import { isFailure, notFound } from "../errors.ts";
import { type GoRequest, goPathOf } from "../gomod/proxy-path.ts";
import { isOwned } from "../registry/forge/module-owner.ts";
import { Refused } from "./admission.ts";
import { type Absent, absent, notCached } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";
import { BrokenOff, Unreachable } from "./http-trouble.ts";
import { absentAsRefused, asFailure, writeDown } from "./refusals.ts";
import type { Absence, Answering, FoundUpstream, UpstreamClient } from "./upstream-client.ts";

/** Longer names are not asked for: nobody has them, and the database's indexes take no more. */
const MAX_PATH_LENGTH = 1_000;

/**
 * Asks upstream for something large of a module. Throws not-found for a name that must not leave, unavailable or forbidden when
 * it is not known whether there is such a thing.
 */
export async function ask(
  state: DependencyState,
  request: GoRequest,
  maxBytes: number,
): Promise<FoundUpstream | Absent> {
  return asking(state, request, async (upstreams, path) => {
    try {
      return await remembered(state, path, () => upstreams.fetch(request, { maxBytes }));
    } catch (error) {
      if (isFailure(error, "too-large")) return await absentAsRefused(state, path, "", new Refused(error.message));
      throw error;
    }
  });
}

/** What came of a question for something small. */
export interface JudgedBytes<T> {
  readonly kind: "found";
  readonly bytes: Buffer;
  /** What the judge said. */
  readonly verdict: T;
}

/**
 * Asks for something small, reads it to its end and has it judged. What a judge refuses is trouble with that upstream: it is
 * written down, and the next one is asked if the list says so. When nobody has better, unavailable is thrown with the reason,
 * and nothing remembered: a page for people says nothing about the module, and may be gone in a moment. Throws as `ask` does
 * besides.
 */
export async function askAndJudge<T>(
  state: DependencyState,
  request: GoRequest,
  maxBytes: number,
  judge: (bytes: Buffer, from: Answering) => T | Promise<T>,
): Promise<JudgedBytes<T> | Absent> {
  let verdict: T;
  const answer = await asking(state, request, async (upstreams, path) => {
    const check = async (bytes: Buffer, from: Answering): Promise<void> => {
      try {
        verdict = await judge(bytes, from);
      } catch (error) {
        if (error instanceof Refused) await writeDown(state, path, from.upstream, error);
        throw error;
      }
    };
    try {
      return await remembered(state, path, () => upstreams.fetchBytes(request, { maxBytes, check }));
    } catch (error) {
      const refused = isFailure(error, "too-large") ? new Refused(error.message) : error;
      if (!(refused instanceof Refused)) throw error;
      if (refused !== error) await writeDown(state, path, "", refused);
      throw asFailure(path, refused);
    }
  });
  return answer.kind === "found" ? { kind: "found", bytes: answer.bytes, verdict: verdict! } : answer;
}

async function asking<F extends { readonly kind: "found" }>(
  state: DependencyState,
  request: GoRequest,
  fetch: (upstreams: UpstreamClient, path: string) => Promise<F | Absence | Absent>,
): Promise<F | Absent> {
  const { registry, upstreams, absences } = state;
  const { modulePath } = request;
  const path = goPathOf(request);
  if (path.length > MAX_PATH_LENGTH) throw notFound("a name of such a length is no module's");
  if (!upstreams) return notCached(path);
  if (registry.privateModules.covers(modulePath) || (await isOwned(registry, modulePath)))
    throw notFound(`${modulePath} is private to this registry: no other is asked for it`, "module_private");
  const known = absences.get(path);
  if (known) return known;
  const answer = await fetch(upstreams, path);
  if (answer.kind === "found" || !("upstream" in answer)) return answer;
  const nothing = absent(answer.status, answer.text);
  absences.set(path, nothing);
  return nothing;
}

/** Does the work, unless it failed seconds ago for what concerns this path; lines and hosts that are away do not. */
async function remembered<T>({ troubles }: DependencyState, path: string, work: () => Promise<T>): Promise<T> {
  const known = troubles.get(path);
  if (known) throw known;
  try {
    return await work();
  } catch (error) {
    const isOfPath = !(error instanceof Unreachable || error instanceof BrokenOff);
    if (isFailure(error, "unavailable", "forbidden") && isOfPath) troubles.set(path, error);
    throw error;
  }
}
