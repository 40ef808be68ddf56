// What processes that were killed left lying in the data directory is taken away: by every start, which knows that whatever
// is older than itself belongs to nobody, and every hour while a server runs, by the age of what lies there. A lock file
// that stays would refuse every later push to its tag.
import { join } from "node:path";
import type { Registry } from "../../registry/registry.ts";
import { type DeadBefore, deadByAge, namesIn, removeDead, removeLeftovers } from "../objects/leftovers.ts";

const EVERY_MS = 60 * 60_000;
/** A bundle is unpacked, and then read for as long as its versions are stored. */
const BUNDLES_ABANDONED_AFTER_MS = 24 * 60 * 60_000;
/** Clocks of file systems are coarser than ours. */
const CLOCK_GRAIN_MS = 1_000;

export interface Tidying {
  /** Resolves when the look round that the start begins with is over. */
  readonly first: Promise<void>;
  close(): Promise<void>;
}

/**
 * Begins to look round. `startedAt`: when this server became the only one of its data directory, in milliseconds since 1970.
 */
export function keepTidy(registry: Registry, startedAt: number): Tidying {
  let closed = false;
  const look = async (dead: DeadBefore): Promise<void> => {
    try {
      const removed = await tidy(registry.dataDirectory, dead, () => closed);
      if (removed.length > 0) registry.log.info({ removed }, "took away what processes that were killed had left");
    } catch (error) {
      registry.log.warn({ reason: (error as Error).message }, "could not look for what killed processes left");
    }
  };
  const before = startedAt - CLOCK_GRAIN_MS;
  const first = look({ locks: before, objects: before });
  let last = first;
  const timer = setInterval(() => {
    registry.blobs.tidy();
    last = look(deadByAge());
  }, EVERY_MS).unref();
  return {
    first,
    async close() {
      closed = true;
      clearInterval(timer);
      await last;
    },
  };
}

/**
 * Takes dead leftovers away: of git in the repositories of projects and in mirrors, of what is written under another name
 * first, and of bundles that were being loaded. Returns their paths.
 */
export async function tidy(dataDirectory: string, dead: DeadBefore, over: () => boolean): Promise<string[]> {
  const removed: string[] = [];
  const [repositories, mirrors] = [join(dataDirectory, "repositories"), join(dataDirectory, "mirrors")];
  for (const parent of [repositories, mirrors])
    removed.push(...(await removeDead(await namesIn(parent, /\.new-[0-9a-f]+(?:\.old)?$/), dead.objects)));
  removed.push(...(await removeDead(await namesIn(join(dataDirectory, "tls"), /\.new$/), dead.locks)));
  removed.push(...(await removeDead(await namesIn(join(mirrors, "scratch"), /./), dead.objects)));
  removed.push(...(await removeDead(await unfinishedFiles(dataDirectory), dead.locks)));
  // A command loads them, beside whatever server starts meanwhile.
  const bundles = await namesIn(dataDirectory, /^bundle-\w{6}$/);
  removed.push(...(await removeDead(bundles, Math.min(dead.objects, Date.now() - BUNDLES_ABANDONED_AFTER_MS))));
  for (const repository of [...(await namesIn(repositories, /\.git$/)), ...(await namesIn(mirrors, /\.git$/))]) {
    if (over()) break;
    removed.push(...(await removeLeftovers(repository, dead)));
  }
  return removed;
}

/** Files on their way to the names that they are to have: `NAME.UUID`. */
async function unfinishedFiles(dataDirectory: string): Promise<string[]> {
  const places = [dataDirectory, join(dataDirectory, "sumdb"), join(dataDirectory, "mirrors")];
  return (
    await Promise.all(places.map((place) => namesIn(place, /^[\w.-]+\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)))
  ).flat();
}
