// Since when a version of a module of others is known to exist: what an age is worked out of that nobody can forge. The time in
// .info is the author's and says nothing. Two things do: when we saw the version first, and the number of its record in the
// public checksum database. Whatever stands below a head of that database existed when the head was seen, and so heads are
// written down once an hour, and those of the past ship with the release (sumdb/dated-records.ts). The earlier of the two
// moments counts. A version whose record cannot be asked for just now is as old as its first sight.
import { PUBLIC_DATABASE } from "../../sumdb/database-name.ts";
import { DATED_TREES } from "../../sumdb/dated-records.ts";
import type { AskRecord, Registry, SeenTree } from "../registry.ts";

/** Records that are asked for at once, and how long an answer waits for them: what comes later counts the next time. */
const ASKED_AT_ONCE = 16;
const WAIT_MS = 5_000;
/**
 * Records that are asked for because of one list: anybody's module may have a hundred thousand versions. Whoever asks next has the
 * rest asked for.
 */
const MOST_ASKED = 2_000;
/** How long the database is not asked again after it had no record, or could not be asked. */
const REST_MS = 15 * 60_000;
/** How long heads are remembered: one comes an hour. */
const HEADS_MS = 60_000;

interface Sight {
  readonly version: string;
  readonly seen_at: Date;
  readonly record_id: string | null;
  readonly asked_at: Date | null;
}

/**
 * Since when each of some versions is known to exist, in milliseconds since 1970. All are seen by this, so they must be known
 * to exist: a version that was asked for before its time would be old when it comes. Records are asked
 * for only of versions that are younger than `youngerThan`, for of the others nothing depends on it.
 */
export async function knownSince(
  registry: Registry,
  modulePath: string,
  versions: readonly string[],
  youngerThan: number,
): Promise<Map<string, number>> {
  if (versions.length === 0) return new Map();
  const trees = await seenTrees(registry);
  const now = notBefore(trees, registry.policies.now());
  const sights = await see(registry, modulePath, versions, now);
  const since = new Map(sights.map((sight) => [sight.version, sinceOf(sight, trees)]));
  const wanted = sights.filter(
    ({ version, record_id, asked_at }) =>
      record_id === null && since.get(version)! > youngerThan && now - (asked_at?.getTime() ?? 0) > REST_MS,
  );
  const { askRecord } = registry.policies;
  if (askRecord === undefined || wanted.length === 0) return since;
  const asking = learn(registry, askRecord, modulePath, wanted.slice(0, MOST_ASKED), (sight) =>
    since.set(sight.version, sinceOf(sight, trees)),
  );
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([asking, new Promise((done) => (timer = setTimeout(done, WAIT_MS)))]);
  clearTimeout(timer);
  return since;
}

/** Since when a version is known to exist, as far as that was found out before; undefined if it was never seen. */
export async function lastKnownSince(
  registry: Registry,
  modulePath: string,
  version: string,
): Promise<number | undefined> {
  const { rows } = await registry.database.pool.query<Sight>(SIGHTS, [modulePath, [version]]);
  return rows[0] && sinceOf(rows[0], await seenTrees(registry));
}

/** Since when versions of a module that are stored are known to exist; nothing is asked, and none is seen by this. */
export async function storedKnownSince(
  registry: Registry,
  modulePath: string,
  stored: readonly { readonly version: string; readonly created_at: Date }[],
): Promise<Map<string, number>> {
  const trees = await seenTrees(registry);
  const { rows } = await registry.database.pool.query<Sight>(SIGHTS, [
    modulePath,
    stored.map(({ version }) => version),
  ]);
  const sights = new Map(rows.map((sight) => [sight.version, sinceOf(sight, trees)]));
  return new Map(stored.map(({ version, created_at: at }) => [version, sights.get(version) ?? at.getTime()]));
}

const SIGHTS =
  "SELECT version, seen_at, record_id, asked_at FROM version_sight WHERE module_path = $1 AND version = ANY($2)";

function sinceOf({ seen_at, record_id }: Sight, trees: readonly SeenTree[]): number {
  const seen = seen_at.getTime();
  if (record_id === null) return seen;
  const tree = trees.find(({ size }) => Number(record_id) < size);
  return Math.min(seen, tree?.existedAt ?? seen);
}

/** A clock that went back says nothing: it is later than the latest head that was seen. */
function notBefore(trees: readonly SeenTree[], now: number): number {
  return Math.max(now, trees.at(-1)?.existedAt ?? now);
}

/** The sights of versions; those that were never seen are seen now, or when they were stored. */
async function see(
  { database: { pool } }: Registry,
  modulePath: string,
  versions: readonly string[],
  now: number,
): Promise<Sight[]> {
  const { rows: known } = await pool.query<Sight>({
    name: "version-sights",
    text: SIGHTS,
    values: [modulePath, versions],
  });
  const seen = new Set(known.map(({ version }) => version));
  const unseen = versions.filter((version) => !seen.has(version));
  if (unseen.length === 0) return known;
  await pool.query(
    `INSERT INTO version_sight (module_path, version, seen_at)
      SELECT $1, wanted.version, LEAST($3::timestamptz, (SELECT min(v.created_at) FROM module m
          JOIN module_version v ON v.module_id = m.id AND v.version = wanted.version
          WHERE m.path = $1 AND m.origin = 'UPSTREAM'))
        FROM unnest($2::text[]) AS wanted (version)
      ON CONFLICT DO NOTHING`,
    [modulePath, unseen, new Date(now)],
  );
  const { rows } = await pool.query<Sight>(SIGHTS, [modulePath, unseen]);
  return [...known, ...rows];
}

/** Asks for the records of versions and writes their numbers down; for one that is asked for already it waits. */
async function learn(
  registry: Registry,
  askRecord: AskRecord,
  modulePath: string,
  sights: readonly Sight[],
  learned: (sight: Sight) => void,
): Promise<void> {
  const { pool } = registry.database;
  const { asking, now } = registry.policies;
  const ask = async (version: string): Promise<number | undefined> => {
    const record = await askRecord(modulePath, version).catch((error: unknown) => {
      registry.log.debug({ err: error, modulePath, version }, "the record of a version could not be asked for");
      return undefined;
    });
    await pool.query("UPDATE version_sight SET record_id = $3, asked_at = $4 WHERE module_path = $1 AND version = $2", [
      ...[modulePath, version, record ?? null, new Date(now())],
    ]);
    return record;
  };
  const remaining = sights.values();
  const work = async (): Promise<void> => {
    for (const sight of remaining) {
      const { version } = sight;
      const record = await asking.run(`${modulePath}@${version}`, () => ask(version));
      if (record !== undefined) learned({ ...sight, record_id: String(record) });
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, work)).catch((error: unknown) =>
    registry.log.warn({ err: error, modulePath }, "the ages of versions could not be written down"),
  );
}

/** The trees of the public database that are known to have existed, ascending, the moments too. */
async function seenTrees(registry: Registry): Promise<readonly SeenTree[]> {
  const { policies, database } = registry;
  const known = policies.trees;
  if (known && performance.now() < known.until) return known.trees;
  const { rows } = await database.pool.query<{ size: string; seen_at: Date }>(
    "SELECT size, seen_at FROM seen_head WHERE verifier_key = $1 ORDER BY size",
    [policies.logKey ?? ""],
  );
  const seen = rows.map(({ size, seen_at }) => ({ size: Number(size), existedAt: seen_at.getTime() }));
  const dated = policies.logKey === PUBLIC_DATABASE.verifierKey ? DATED_TREES : [];
  const trees: SeenTree[] = [];
  for (const tree of [...dated, ...seen].sort((a, b) => a.size - b.size || a.existedAt - b.existedAt)) {
    // A larger tree is no older than a smaller one, whatever the clock said.
    const existedAt = Math.max(tree.existedAt, trees.at(-1)?.existedAt ?? 0);
    trees.push({ size: tree.size, existedAt });
  }
  policies.trees = { trees, until: performance.now() + HEADS_MS };
  return trees;
}

/** Writes down that a head of the database was seen now; its signature was checked. */
export async function seeHead(registry: Registry, size: number): Promise<void> {
  const { policies, database } = registry;
  if (policies.logKey === undefined) return;
  const now = notBefore(await seenTrees(registry), policies.now());
  await database.pool.query(
    "INSERT INTO seen_head (verifier_key, size, seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    [policies.logKey, size, new Date(now)],
  );
  policies.trees = undefined;
}

/** The pseudo-versions of a module that were seen. */
export async function seenPseudoVersions(registry: Registry, modulePath: string): Promise<string[]> {
  const { rows } = await registry.database.pool.query<{ version: string }>(
    `SELECT version FROM version_sight WHERE module_path = $1 AND version ~ '[-.][0-9]{14}-[0-9a-f]{12}(\\+incompatible)?$'
      ORDER BY seen_at DESC LIMIT 100`,
    [modulePath],
  );
  return rows.map(({ version }) => version);
}
