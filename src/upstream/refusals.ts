// What becomes of an answer that was judged to be none (admission.ts): a security event for administrators, written once an
// hour for the same thing, for it is clients who decide how often something is asked. A zip is besides absent for seconds, so
// that the same wrong bytes are not fetched again and again.

import { Failure } from "../errors.ts";
import { type KnownVersion, recordUpstreamEvent } from "../registry/versions/upstream-modules.ts";
import { type Refused, SumMismatch } from "./admission.ts";
import { type Absent, absent } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";

/**
 * Writes down that a zip was refused, and remembers for seconds that it is not to be had. Throws unavailable for one with
 * other sums than everybody else's: who asked must not go on to the next registry as if nothing had happened.
 */
export async function absentAsRefused(
  state: DependencyState,
  path: string,
  upstream: string,
  refused: Refused,
): Promise<Absent> {
  await writeDown(state, path, upstream, refused);
  if (refused instanceof SumMismatch) {
    const failure = asFailure(path, refused);
    state.troubles.set(path, failure);
    throw failure;
  }
  const nothing = absent(404, `unzip ${path}: ${refused.message}\n`);
  state.absences.set(path, nothing);
  return nothing;
}

/** The security event that an upstream sent something that was refused. */
export async function writeDown(
  state: DependencyState,
  path: string,
  upstream: string,
  refused: Refused,
): Promise<void> {
  const { message } = refused;
  const event = `${upstream} ${path} ${message}`;
  if (state.refusals.has(event)) return;
  state.refusals.set(event, true);
  const detail = { upstream, reason: message };
  if (!(refused instanceof SumMismatch)) return recordUpstreamEvent(state.registry, "upstream.refused", path, detail);
  await recordUpstreamEvent(state.registry, "upstream.mismatch", path, { ...detail, ...refused.sums });
}

/** What a client is told of something small that was refused: nothing about the module, which another may have in a moment. */
export function asFailure(path: string, refused: Refused): Failure {
  const reason = refused instanceof SumMismatch ? "checksum_mismatch" : "upstream_unavailable";
  return new Failure("unavailable", `${path}: ${refused.message}`, { reason });
}

/** Refuses what could not be verified, and remembers for seconds that it was tried. */
export function refuseUnproved(state: DependencyState, path: string, failure: Failure): Failure {
  state.troubles.set(path, failure);
  return failure;
}

/** Refuses what was tried a moment ago and came to nothing, before anybody is asked. */
export function demandTried({ troubles }: DependencyState, path: string): void {
  const known = troubles.get(path);
  if (known) throw known;
}

/** Refuses what is stored and is not what a checksum database was proved to say: it is quarantined, not deleted. */
export function demandUncontradicted(
  { verification }: DependencyState,
  { modulePath, version }: { readonly modulePath: string; readonly version: string },
  { isContradicted }: Pick<KnownVersion, "isContradicted">,
): void {
  if (!isContradicted || !verification.covers(modulePath)) return;
  throw new Failure(
    "forbidden",
    `${modulePath}@${version} is quarantined: what is stored here is not what the checksum database says; an administrator must look (gokura sumdb quarantine)`,
    { reason: "version_quarantined" },
  );
}
