// What is told of a module when nobody can be asked: what is stored, and nothing else, so that the go command chooses what it
// can have. A version can be had if its go.mod and its zip are here; a module of which there are only go.mod files is known by
// these. What upstream last said of versions that are not here is of no use to anybody.
import type { ModulePath } from "../gomod/module-path.ts";
import { pseudoVersionRev, pseudoVersionTime, SHORT_HASH_LENGTH } from "../gomod/pseudo-version.ts";
import { isPseudoVersion } from "../gomod/version.ts";
import { latestVersion, newestPseudoVersion } from "../gomod/version-list.ts";
import type { Registry } from "../registry/registry.ts";
import { findUpstreamVersion, type UsableVersion, usableVersions } from "../registry/versions/upstream-modules.ts";
import { ABSENCE_MS, changing, type Found } from "./answers.ts";

/** The name of a commit, as long as git takes it for one. */
const COMMIT = /^[0-9a-f]{7,64}$/;

/** The versions that can be had, without pseudo-versions; undefined if nothing of the module is stored. */
export async function storedList(registry: Registry, modulePath: ModulePath): Promise<Found | undefined> {
  const versions = await versionsToHave(registry, modulePath);
  if (versions.length === 0) return undefined;
  const listed = versions.filter(({ version }) => !isPseudoVersion(version));
  return changing(Buffer.from(listed.map(({ version }) => `${version}\n`).join("")), ABSENCE_MS);
}

/** The .info of the latest version that can be had. */
export async function storedLatest(registry: Registry, modulePath: ModulePath): Promise<Found | undefined> {
  const versions = await versionsToHave(registry, modulePath);
  const retracted = new Set(versions.filter(({ isRetracted }) => isRetracted).map(({ version }) => version));
  const names = versions.map(({ version }) => version);
  const latest =
    latestVersion(names, (version) => retracted.has(version)) ??
    newestPseudoVersion(names.map((version) => ({ version, time: undefined })));
  return latest === undefined ? undefined : await storedInfo(registry, modulePath, latest);
}

/** The .info of the stored version that a commit's name means; of several versions of one commit the highest. */
export async function storedCommit(
  registry: Registry,
  modulePath: ModulePath,
  revision: string,
): Promise<Found | undefined> {
  if (!COMMIT.test(revision)) return undefined;
  const wanted = revision.slice(0, SHORT_HASH_LENGTH);
  const meant = (await versionsToHave(registry, modulePath)).filter(
    ({ version }) => isPseudoVersion(version) && pseudoVersionRev(version).startsWith(wanted),
  );
  const commits = new Set(meant.map(({ version }) => pseudoVersionRev(version)));
  return commits.size === 1 ? await storedInfo(registry, modulePath, meant.at(-1)!.version) : undefined;
}

/** The .info of a version: as it came, else what follows from a stored go.mod, which is that there is such a version. */
export async function storedInfo(
  registry: Registry,
  modulePath: ModulePath,
  version: string,
): Promise<Found | undefined> {
  const stored = await findUpstreamVersion(registry, modulePath, version);
  if (stored?.info) return changing(stored.info, ABSENCE_MS);
  if (!stored?.goMod) return undefined;
  // Time is optional; a pseudo-version tells it itself.
  const time = isPseudoVersion(version) ? pseudoVersionTime(version).toISOString().replace(".000Z", "Z") : undefined;
  return changing(Buffer.from(JSON.stringify({ Version: version, Time: time })), ABSENCE_MS);
}

async function versionsToHave(registry: Registry, modulePath: ModulePath): Promise<UsableVersion[]> {
  const usable = await usableVersions(registry, modulePath);
  const whole = usable.filter(({ hasZip }) => hasZip);
  return whole.length > 0 ? whole : usable;
}
