// The zips of hosted versions. A zip is made once, when it is first wanted or shortly after the push, and pinned; however
// many clients ask for one that is being made, it is made once, and a client that goes away does not stop it.
import { rm } from "node:fs/promises";
import { createSingleFlight, type SingleFlight } from "../../concurrency/single-flight.ts";
import { createSlots, type Slots } from "../../concurrency/slots.ts";
import { Failure, isFailure, notFound } from "../../errors.ts";
import { invalidVersionMessage } from "../../gomod/pseudo-check.ts";
import type { Registry } from "../../registry/registry.ts";
import { noteUnzippable } from "../../registry/versions/rejected-tags.ts";
import { findVersionById, type ServedVersion } from "../../registry/versions/served-versions.ts";
import { logSumsSoon, type MadeZip, pinZip, zipKeyOf } from "../../registry/versions/version-zip.ts";
import { storing } from "../../storage/disk-blobs.ts";
import { inSpan } from "../../telemetry/tracing.ts";
import { type Repositories, type Repository, repositoryOf } from "../hosting/repositories-of-projects.ts";
import { archiveModule } from "../objects/archive.ts";

/** Zips that are made at the same time: each keeps one git and one processor busy. */
const MAKING_AT_ONCE = 2;
/** However long the line is: a job waits in it, too. */
const PATIENT = { waitMs: Number.POSITIVE_INFINITY };

export interface ModuleArchives {
  readonly registry: Registry;
  readonly repositories: Repositories;
  /** By version number: what is being made now. */
  readonly making: SingleFlight<number, MadeZip>;
  /** Places among those that are being made. */
  readonly places: Slots;
}

export function openModuleArchives(registry: Registry, repositories: Repositories): ModuleArchives {
  return { registry, repositories, making: createSingleFlight(), places: createSlots(MAKING_AT_ONCE, PATIENT) };
}

/** The zip of a version, made if need be. Throws not-found, with the go command's words, when it cannot be one. */
export async function zipOf(archives: ModuleArchives, projectId: number, version: ServedVersion): Promise<MadeZip> {
  if (version.zip) return version.zip;
  return archives.making.run(version.id, () => make(archives, projectId, version));
}

/** The zip of a hosted version by its number, made if need be. Throws not-found if the version is gone. */
export async function zipOfVersion(archives: ModuleArchives, versionId: number): Promise<MadeZip> {
  const version = await findVersionById(archives.registry, versionId);
  if (!version) throw notFound("the version was deleted a moment ago");
  return zipOf(archives, version.projectId, version);
}

/** Makes the zips of some versions that have none yet. One that cannot be made does not keep the others from it. */
export async function ensureBuiltZips(archives: ModuleArchives, versionIds: readonly number[]): Promise<void> {
  for (const id of versionIds) {
    const version = await findVersionById(archives.registry, id);
    if (!version || version.zip) continue;
    await zipOf(archives, version.projectId, version).catch((error: unknown) => {
      if (!(error instanceof Failure)) throw error;
      const { modulePath, version: name } = version;
      archives.registry.log.info({ module: modulePath, version: name, reason: error.message }, "a version has no zip");
    });
  }
}

/** The h1 that a module at a commit has, without keeping its zip; undefined if its files cannot be one. */
export async function sumAtCommit(
  registry: Registry,
  repository: Repository,
  module: {
    readonly modulePath: string;
    readonly version: string;
    readonly commit: string;
    readonly directory: string;
  },
): Promise<string | undefined> {
  const scratch = registry.blobs.scratch();
  try {
    const zip = await storing(() => archiveModule({ ...module, repository, subdir: module.directory, file: scratch }));
    return zip.h1;
  } catch (error) {
    if (isFailure(error, "invalid", "too-large", "not-found")) return undefined;
    throw error;
  } finally {
    await rm(scratch, { force: true });
  }
}

async function make(archives: ModuleArchives, projectId: number, version: ServedVersion): Promise<MadeZip> {
  const leave = await archives.places.take();
  try {
    const attributes = () => ({ "gokura.module": version.modulePath, "gokura.version": version.version });
    return await inSpan("zip", "internal", attributes, () => makeNow(archives, projectId, version));
  } finally {
    leave();
  }
}

async function makeNow(
  { registry, repositories }: ModuleArchives,
  projectId: number,
  version: ServedVersion,
): Promise<MadeZip> {
  const { commit, directory: subdir, modulePath, version: name } = version;
  if (commit === null) throw new Error(`${modulePath}@${name} was uploaded, but its zip is not stored`);
  const scratch = registry.blobs.scratch();
  try {
    const repository = await repositoryOf(registry, repositories, projectId);
    const zip = await storing(() =>
      archiveModule({ repository, commit, subdir, modulePath, version: name, file: scratch }),
    );
    // First the bytes, then the row that promises them.
    await registry.blobs.adopt(scratch, zipKeyOf(zip));
    const pinned = await pinZip(registry, version.id, zip);
    registry.jobs.gather("describe-module", version.id);
    logSumsSoon(registry, version.id);
    return pinned;
  } catch (error) {
    if (!isFailure(error, "invalid", "too-large", "not-found")) throw error;
    // To a client such a version is not there; its author is told why.
    await noteUnzippable(registry, projectId, version, error.message);
    throw notFound(invalidVersionMessage(modulePath, name, error.message), "version_invalid");
  } finally {
    await rm(scratch, { force: true });
  }
}
