// The one way out: every question of the dependency proxy to an upstream passes here, so here is where names that are ours,
// or private, end (dependency confusion: registry/forge/module-owner.ts, GOKURA_PRIVATE), and where what came is judged
// before anybody else can have it.
import { isFailure, notFound } from "../errors.ts";
import { type GoRequest, goPathOf } from "../gomod/proxy-path.ts";
import { isOwned } from "../registry/forge/module-owner.ts";
import { Refused } from "./admission.ts";
import { type Absent, absent, notCached } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";
import { refuse, writeDown } from "./refusals.ts";
import type { Absence, FoundUpstream, UpstreamClient } from "./upstream-client.ts";

/** Longer names are not asked for: nobody has them, and the database's indexes take no more. */
const MAX_PATH_LENGTH = 1_000;

/** Asks upstream for something of a module. Throws not-found for a name that must not leave, unavailable for no answer. */
export function ask(state: DependencyState, request: GoRequest, maxBytes: number): Promise<FoundUpstream | Absent> {
  return asking(state, request, (upstreams) => upstreams.fetch(request, { maxBytes }));
}

/** What came of a question for something small. */
export interface Judged<T> {
  readonly kind: "found";
  readonly bytes: Buffer;
  /** What the judge said. */
  readonly verdict: T;
}

/**
 * Asks for something small, reads it to its end and has it judged. What a judge refuses is trouble with that upstream: it is
 * written down, and the next one is asked if the list says so. When nobody has better, it is absent, with the reason.
 */
export async function askAndJudge<T>(
  state: DependencyState,
  request: GoRequest,
  maxBytes: number,
  judge: (bytes: Buffer) => T,
): Promise<Judged<T> | Absent> {
  const refusals: { upstream: string; refused: Refused }[] = [];
  let verdict: T;
  const answer = await asking(state, request, async (upstreams, path) => {
    const check = (bytes: Buffer, upstream: string): void => {
      try {
        verdict = judge(bytes);
      } catch (error) {
        if (error instanceof Refused) refusals.push({ upstream, refused: error });
        throw error;
      }
    };
    try {
      return await upstreams.fetchBytes(request, { maxBytes, check });
    } catch (error) {
      const last = refusals.at(-1);
      if (!last || error !== last.refused) throw error;
      refusals.pop();
      return await refuse(state, path, last.upstream, last.refused);
    } finally {
      for (const { upstream, refused } of refusals) await writeDown(state, path, upstream, refused);
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
    throw notFound(`${modulePath} is private to this registry: no other is asked for it`);
  const known = absences.get(path);
  if (known) return known;
  const answer = await fetch(upstreams, path).catch((error: unknown) => {
    if (isFailure(error, "too-large")) return refuse(state, path, "", new Refused(error.message));
    throw error;
  });
  if (answer.kind === "found" || !("upstream" in answer)) return answer;
  const nothing = absent(answer.status, answer.text);
  absences.set(path, nothing);
  return nothing;
}
