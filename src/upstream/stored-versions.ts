// What is told of a module when nobody can be asked: what is stored, and nothing else, so that the go command chooses what it
// can have. A version can be had if its go.mod and its zip are here; a module of which there are only go.mod files is known by
// these. What upstream last said of versions that are not here is of no use to anybody.
import type { ModulePath } from "../gomod/module-path.ts";
import { pseudoVersionRev, pseudoVersionTime, SHORT_HASH_LENGTH } from "../gomod/pseudo-version.ts";
import { isIncompatible, isPseudoVersion } from "../gomod/version.ts";
import { parseVersionInfo } from "../gomod/version-info.ts";
import { latestVersion, linesOfList, newestPseudoVersion } from "../gomod/version-list.ts";
import { isHashPrefix } from "../gomod/version-query.ts";
import type { Registry } from "../registry/registry.ts";
import {
  findUpstreamAnswer,
  findUpstreamVersion,
  storeUpstreamAnswer,
  type UsableVersion,
  usableVersions,
} from "../registry/versions/upstream-modules.ts";
import { changing, type FoundAnswer } from "./answers.ts";

/** How long such an answer is given again without a look: another server may store more. */
const STORED_FRESH_MS = 1_000;

/** The versions that can be had, without pseudo-versions; undefined if nothing of the module is stored. */
export async function storedList(registry: Registry, modulePath: ModulePath): Promise<FoundAnswer | undefined> {
  const versions = await versionsToHave(registry, modulePath);
  if (versions.length === 0) return undefined;
  const listed = versions.filter(({ version }) => !isPseudoVersion(version));
  return changing(Buffer.from(listed.map(({ version }) => `${version}\n`).join("")), STORED_FRESH_MS);
}

/** The .info of the latest version that can be had. */
export async function storedLatest(registry: Registry, modulePath: ModulePath): Promise<FoundAnswer | undefined> {
  const versions = await versionsToHave(registry, modulePath);
  const retracted = new Set(versions.filter(({ isRetracted }) => isRetracted).map(({ version }) => version));
  const names = versions.map(({ version }) => version);
  const latest =
    (await latestVersion(names, (version) => retracted.has(version))) ??
    (await newestPseudoVersion(names.map((version) => ({ version, time: undefined }))));
  return latest === undefined ? undefined : await storedInfo(registry, modulePath, latest);
}

/** Remembers what upstream said that a branch, or a tag that is no version, names; a commit's name needs no memory. */
export async function storeRevision(
  registry: Registry,
  modulePath: ModulePath,
  revision: string,
  body: Buffer,
): Promise<void> {
  if (isHashPrefix(revision)) return;
  await storeUpstreamAnswer(registry, modulePath, `query:${revision}`, { body, fetchedAt: new Date() });
}

/** The .info of what a commit's name means, or a branch or tag named when upstream was last asked, if that can be had. */
export async function storedRevision(
  registry: Registry,
  modulePath: ModulePath,
  revision: string,
): Promise<FoundAnswer | undefined> {
  if (isHashPrefix(revision)) return await storedCommit(registry, modulePath, revision);
  const known = await findUpstreamAnswer(registry, modulePath, `query:${revision}`);
  const named = known && parseVersionInfo(known.body)?.version;
  const isHere = named && (await versionsToHave(registry, modulePath)).some(({ version }) => version === named);
  return isHere ? changing(known.body, STORED_FRESH_MS) : undefined;
}

/** Of several versions of one commit the highest. */
async function storedCommit(
  registry: Registry,
  modulePath: ModulePath,
  revision: string,
): Promise<FoundAnswer | undefined> {
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
): Promise<FoundAnswer | undefined> {
  const stored = await findUpstreamVersion(registry, modulePath, version);
  if (stored?.info) return changing(stored.info, STORED_FRESH_MS);
  if (!stored?.goMod) return undefined;
  // Time is optional; a pseudo-version tells it itself.
  const time = isPseudoVersion(version) ? pseudoVersionTime(version).toISOString().replace(".000Z", "Z") : undefined;
  return changing(Buffer.from(JSON.stringify({ Version: version, Time: time })), STORED_FRESH_MS);
}

async function versionsToHave(registry: Registry, modulePath: ModulePath): Promise<UsableVersion[]> {
  const [stored, known] = await Promise.all([
    usableVersions(registry, modulePath),
    findUpstreamAnswer(registry, modulePath, "list"),
  ]);
  // Whether a module has +incompatible versions the list decides, by the go.mod files of others: they can be had without it.
  const lines = known && (await linesOfList(known.body.toString("utf8")));
  const listed = lines && new Set(lines.map(({ version }) => version));
  const usable = listed ? stored.filter(({ version }) => !isIncompatible(version) || listed.has(version)) : stored;
  const whole = usable.filter(({ hasZip }) => hasZip);
  return whole.length > 0 ? whole : usable;
}
