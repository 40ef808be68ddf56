// Repositories without a file system that servers share (GOKURA_REPOSITORIES=blobs): what a repository is made of is in the
// blob store and in rows, and its directory is a copy that any server can make. git leaves every push as one pack
// (receive.unpackLimit=1), whose name is its content, so that packs are blobs, which never change.
//
// A push goes: git moves the refs in the directory of the leader; every pack that has no row becomes a blob; one transaction,
// which holds the lease, writes the refs, the rows of the packs and a new generation; then the client hears that it is done.
// A kill before that transaction leaves blobs that nobody names, and a client that has heard nothing; after it, all is there.
// The refs are read before the packs are listed, under the project's lock: git brings a pack before the ref that needs it, so
// what is recorded is never without its objects. The few objects that lie about alone (holders of commits that no ref names)
// are packed along. Packs that git made one take the place of the others in one transaction too.
//
// A directory holds the generation in which it was last what the rows say. The first time that a leader needs a repository it
// looks: of the same generation, it goes on, and what a push that was cut off has moved is recorded; of another, somebody else
// has led meanwhile, and the directory is made anew. A server that stands by does that all the time (standby-repositories.ts).
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { copyFile, link, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { ExpiringMemory } from "../../concurrency/expiring-memory.ts";
import { createSingleFlight } from "../../concurrency/single-flight.ts";
import { Failure } from "../../errors.ts";
import { projectById } from "../../registry/forge/projects.ts";
import { recordPacksAlone, type StoredRepository, storedRepository } from "../../registry/forge/repository-packs.ts";
import type { Registry, StoredPack, StoredRepositories } from "../../registry/registry.ts";
import { projectIds, publishedCommits, whileNoPush } from "../../registry/versions/needed-objects.ts";
import { recordedRefs } from "../../registry/versions/stored-versions.ts";
import { packObjectKey } from "../../storage/object-keys.ts";
import { packLooseObjects, packRepository } from "../objects/pack-repository.ts";
import { rebuildRepository } from "../objects/rebuilt-repository.ts";
import type { Repositories } from "../objects/repositories.ts";
import { formatWord, repositoryDirectory } from "./repositories-of-projects.ts";
import { refsUnlikeRecorded } from "./unlike-recorded.ts";

/** In the directory of a repository: the generation. */
export const MARK = "gokura-generation";
const INITIAL_BRANCH = "main";
const MANY_PACKS = 50;
/**
 * So long a pack that was stored is not stored again: a push stores its pack before it locks the project, and lists it then. The
 * clean-up of packs that no row names spares them for longer.
 */
const STORED_LATELY_MS = 60_000;
const MOST_STORED_LATELY = 1_000;

/** Opens the repositories that are in the blob store of a registry. */
export function openStoredRepositories(registry: Registry, repositories: Repositories): StoredRepositories {
  let agreeing = new Set<number>();
  const looks = createSingleFlight<number, ReadonlySet<number>>();
  const lately = new ExpiringMemory<string, StoredPack>({ max: MOST_STORED_LATELY, ttl: STORED_LATELY_MS });
  const storing = createSingleFlight<string, StoredPack>();
  const directoryOf = (projectId: number): string => repositoryDirectory(registry, projectId);

  /** Makes the directory what the rows say, and returns what was counted in: those that agree since this server came to lead. */
  const look = async (projectId: number, level: "debug" | "info"): Promise<ReadonlySet<number>> => {
    const asked = agreeing;
    const stored = await storedRepository(registry, projectId);
    if (!stored) return asked; // the project is gone
    if (!(await isUpToDate(projectId, stored))) await rebuild(projectId, stored, level);
    asked.add(projectId);
    return asked;
  };

  const isUpToDate = async (projectId: number, { generation, isPushed }: StoredRepository): Promise<boolean> => {
    const directory = directoryOf(projectId);
    const mark = await markIn(directory);
    if (!existsSync(directory)) return generation === 0 && (await recordedRefs(registry, projectId)).size === 0;
    if ((mark ?? 0) !== generation) return false;
    if (isPushed) return true; // what it has moved is recorded
    const unlike = await refsUnlikeRecorded(registry, repositories.at(directory), projectId);
    if (unlike.length === 0) return true;
    if (mark === undefined)
      throw new Failure(
        "unavailable",
        `the repository ${directory} was never stored elsewhere and is not as it was recorded: gokura fsck says more`,
        { mustAct: true },
      );
    return false;
  };

  const rebuild = async (
    projectId: number,
    { generation, packs }: StoredRepository,
    level: "debug" | "info",
  ): Promise<void> => {
    const directory = directoryOf(projectId);
    const { objectFormat, defaultBranch, fullPath } = await projectById(registry, projectId);
    const refs = await recordedRefs(registry, projectId);
    if (generation === 0 && refs.size > 0)
      throw new Failure(
        "unavailable",
        `the repository of ${fullPath} is on another server and was never stored where this one can have it`,
        { mustAct: true },
      );
    const begun = performance.now();
    registry.log[level](
      { project: fullPath, packs: packs.length, refs: refs.size },
      "a repository is made of its packs",
    );
    const byName = new Map(packs.map((pack) => [pack.name, pack]));
    await rebuildRepository(repositories, directory, {
      ...{ objectFormat: formatWord(objectFormat), refs, head: defaultBranch ?? INITIAL_BRANCH },
      commits: await publishedCommits(registry, projectId),
      packs: packs.map(({ name }) => name),
      async fetch(name, file, index) {
        const pack = byName.get(name)!;
        await registry.blobs.copyInto(packObjectKey(pack.digest), file);
        if (pack.index === undefined) return false;
        await registry.blobs.copyInto(packObjectKey(pack.index), index);
        return true;
      },
    });
    await mark(directory, generation);
    registry.log[level]({ project: fullPath, ms: Math.round(performance.now() - begun) }, "a repository is there");
  };

  const store = async (projectId: number): Promise<StoredPack[]> => {
    const known = new Map((await storedRepository(registry, projectId))?.packs.map((pack) => [pack.name, pack]));
    const directory = directoryOf(projectId);
    await packLooseObjects(directory);
    const place = join(directory, "objects", "pack");
    const names = (await readdir(place).catch(() => [])).filter((name) => /^pack-[0-9a-f]+\.pack$/.test(name));
    const packs: StoredPack[] = [];
    for (const name of names.map((file) => file.slice(0, -".pack".length))) {
      let pack = known.get(name) ?? lately.get(name);
      if (!pack) {
        pack = await storing.run(name, () => storePack(registry, place, name));
        lately.set(name, pack);
      }
      packs.push(pack);
    }
    return packs;
  };

  return {
    async ensure(projectId) {
      if (agreeing.has(projectId)) return;
      // A look that began before this server came to lead may have found what is no longer so.
      while ((await looks.run(projectId, () => look(projectId, "info"))) !== agreeing);
    },
    async prepare(projectId) {
      await looks.run(projectId, () => look(projectId, "debug"));
    },
    store,
    async agreed(projectId, generation) {
      await mark(directoryOf(projectId), generation);
    },
    async record(projectId) {
      const directory = directoryOf(projectId);
      if (!existsSync(directory)) return;
      await store(projectId); // the most of it while nobody waits
      const generation = await recordPacksAlone(registry, projectId, () => store(projectId));
      if (generation !== undefined) await mark(directory, generation);
    },
    forget() {
      agreeing = new Set();
    },
  };
}

/** Makes many packs few, stores what was never stored, and what was packed anew beside the server; until `over`. */
export async function storeAll(registry: Registry, over: () => boolean): Promise<void> {
  for (const projectId of await projectIds(registry)) {
    if (over()) return;
    const { storedRepositories: stored } = registry;
    if (!stored || !existsSync(repositoryDirectory(registry, projectId))) continue;
    try {
      await stored.ensure(projectId);
      const { packs } = (await storedRepository(registry, projectId)) ?? { packs: [] };
      const directory = repositoryDirectory(registry, projectId);
      // Whoever leads next reads each of them through.
      if (packs.length >= MANY_PACKS) await whileNoPush(registry, projectId, () => packRepository(directory));
      if (await isOtherThan(directory, packs)) await stored.record(projectId);
    } catch (error) {
      registry.log.error({ err: error, project: projectId }, "a repository could not be stored");
    }
    await delay(0);
  }
}

/** Which packs of a project's repository should be in the blob store, and are not; by their SHA-256. */
export async function missingPacks(registry: Registry, projectId: number): Promise<string[]> {
  const missing: string[] = [];
  for (const { digest, index = digest } of (await storedRepository(registry, projectId))?.packs ?? [])
    for (const each of new Set([digest, index]))
      if (!(await registry.blobs.has(packObjectKey(each)))) missing.push(each);
  return missing;
}

/** Whether what is stored of a project's repository is newer than the directory here, or there is none here. */
export async function isStoredNewer(registry: Registry, projectId: number): Promise<boolean> {
  const generation = (await storedRepository(registry, projectId))?.generation ?? 0;
  return generation > 0 && !(await isOfGeneration(registry, projectId, generation));
}

/** Whether the directory here was last what the rows of a generation say. */
export async function isOfGeneration(registry: Registry, projectId: number, generation: number): Promise<boolean> {
  return (await markIn(repositoryDirectory(registry, projectId))) === generation;
}

/** Whether a directory was never stored, or has other packs than were. */
async function isOtherThan(directory: string, packs: readonly StoredPack[]): Promise<boolean> {
  if ((await markIn(directory)) === undefined) return true;
  const there = (await readdir(join(directory, "objects", "pack")).catch(() => []))
    .filter((name) => name.endsWith(".pack"))
    .map((name) => name.slice(0, -".pack".length));
  return there.length !== packs.length || packs.some(({ name }) => !there.includes(name));
}

async function storePack(registry: Registry, place: string, name: string): Promise<StoredPack> {
  const file = join(place, `${name}.pack`);
  const index = await storeBlob(registry, join(place, `${name}.idx`));
  return { digest: await storeBlob(registry, file), name, size: (await stat(file)).size, index };
}

/** Has a file in the blob store; returns the SHA-256 by which it is known there. */
async function storeBlob(registry: Registry, file: string): Promise<string> {
  const sum = createHash("sha256");
  await pipeline(createReadStream(file), sum);
  const digest = sum.digest("hex");
  const scratch = registry.blobs.scratch();
  try {
    await link(file, scratch).catch(() => copyFile(file, scratch));
    await registry.blobs.adopt(scratch, packObjectKey(digest));
  } finally {
    await rm(scratch, { force: true });
  }
  return digest;
}

async function markIn(directory: string): Promise<number | undefined> {
  const text = await readFile(join(directory, MARK), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

async function mark(directory: string, generation: number): Promise<void> {
  const file = join(directory, MARK);
  await writeFile(`${file}.new`, `${generation}\n`);
  await rename(`${file}.new`, file);
}
