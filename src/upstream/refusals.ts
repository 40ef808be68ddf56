// What becomes of an answer that was judged to be none (admission.ts): a security event for administrators, written once an
// hour for the same thing, for it is clients who decide how often something is asked. A zip is besides absent for seconds, so
// that the same wrong bytes are not fetched again and again.
import { recordUpstreamEvent } from "../registry/versions/upstream-modules.ts";
import type { Refused } from "./admission.ts";
import { type Absent, absent } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";

/** Writes down that a zip was refused, and remembers for seconds that it is not to be had. */
export async function absentAsRefused(
  state: DependencyState,
  path: string,
  upstream: string,
  refused: Refused,
): Promise<Absent> {
  await writeDown(state, path, upstream, refused);
  const nothing = absent(404, `unzip ${path}: ${refused.message}\n`);
  state.absences.set(path, nothing);
  return nothing;
}

/** The security event that an upstream sent something that was refused. */
export async function writeDown(
  state: DependencyState,
  path: string,
  upstream: string,
  { message }: Refused,
): Promise<void> {
  const event = `${upstream} ${path} ${message}`;
  if (state.refusals.has(event)) return;
  state.refusals.set(event, true);
  await recordUpstreamEvent(state.registry, "upstream.refused", path, { upstream, reason: message });
}
