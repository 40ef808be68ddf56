// What the branches and tags of a project are, as far as the registry has been told. A push is told in two steps: before
// git moves anything the project is marked, and afterwards its refs are recorded, together with the job that makes
// versions of them, in one transaction that takes the mark away. Whoever finds a mark of an older push (after a crash)
// records again; recording twice changes nothing.
import type { Transaction } from "../../database/client.ts";
import { notFound } from "../../errors.ts";
import { audit } from "../audit.ts";
import { credentialOf, nameOfPrincipal, type Principal } from "../principal.ts";
import type { Registry, StoredPack } from "../registry.ts";
import { recordPushedTags } from "./pushed-tags.ts";
import { TAGS } from "./ref-names.ts";
import { recordPacks } from "./repository-packs.ts";
import { type LostCommit, recordTagEvents } from "./tag-events.ts";

/** A longer name of a ref is left out, in bytes: no module path is so long, and the database's index has to hold it. */
const MAX_REF_NAME = 1_000;
/** So many refs are looked at one by one; of more, all that there are. */
const MAX_NAMED = 200;
/** So many of the refs that changed are peeled and recorded at a time, which bounds the memory of a push of any size. */
const REFS_AT_ONCE = 2_000;
/** An audit row names so many refs of a push. */
const MAX_REFS_NAMED = 20;

/** A branch or tag as git has it now. */
export interface CurrentRef {
  readonly name: string;
  readonly oid: string;
}

/**
 * Marks that refs may be about to move. Returns whether they might have before: another push has not been recorded yet. Throws
 * not-found for a project that was deleted meanwhile.
 */
export async function beginPush(registry: Registry, projectId: number): Promise<boolean> {
  await registry.leadership.demand();
  const { rows } = await registry.database.pool.query<{ marked: boolean }>(
    `WITH before AS (SELECT push_started_at IS NOT NULL AS marked FROM project WHERE id = $1 FOR UPDATE)
      UPDATE project SET push_started_at = now() FROM before WHERE id = $1 RETURNING marked`,
    [projectId],
  );
  if (!rows[0]) throw notFound("Project Not Found");
  return rows[0].marked;
}

/** The projects whose last push was never recorded, what a crash left behind, each with the mark of that push. */
export async function unrecordedPushes(registry: Registry): Promise<{ projectId: number; mark: string }[]> {
  const { rows } = await registry.database.pool.query<{ projectId: number; mark: string }>(
    `SELECT id AS "projectId", push_started_at::text AS mark FROM project WHERE push_started_at IS NOT NULL ORDER BY id`,
  );
  return rows;
}

/** How a push looks from git's side. */
export interface PushedRepository {
  /**
   * The refs as git has them, all of them or, given some full names, at least these and all branches. Called while the
   * project is locked: of two pushes that end together the later records last.
   */
  refs(names: ReadonlySet<string> | undefined): Promise<readonly CurrentRef[]>;
  /** The default branch: the wanted one if it is among these refs; undefined while there is no branch. */
  head(refs: readonly CurrentRef[], wanted: string | null): Promise<string | undefined>;
  /** What is left of objects without annotations: the object itself for most, nothing for one that git does not have. */
  peel(oids: readonly string[]): Promise<{
    readonly peeled: ReadonlyMap<string, string>;
    /** Damaged objects. */
    readonly unreadable: ReadonlySet<string>;
  }>;
  /** Told of the old values of refs that moved or went away, before they are forgotten here. */
  keep(lost: readonly LostCommit[]): Promise<void>;
  /** Its packs, all of them stored, where repositories are in the blob store. Asked after `refs`. */
  packs?(): Promise<readonly StoredPack[]>;
  /** Told, after all is committed, in which generation packs and refs are recorded. */
  agreed?(generation: number): Promise<void>;
}

/** A ref that git and the registry disagree about. */
interface Difference {
  readonly name: string;
  /** What git has; null: nothing. */
  readonly oid: string | null;
  /** What the registry knows, without annotations; null: nothing. */
  readonly old: string | null;
}

/** A push that git has done, as far as it is recorded here. */
export interface RecordedPush {
  readonly projectId: number;
  /** Who pushed a ref, by its full name; undefined where that is not known. */
  readonly pusherOf: (ref: string) => Principal | undefined;
  /** Whether no push is under way, so that the mark of beginPush is taken away; asked while no push can be marked. */
  readonly settled: () => boolean;
  /** The full names of the refs that can have moved since the last record; undefined where any can. */
  readonly touched: () => ReadonlySet<string> | undefined;
  /** The only mark that is taken away: that of a push which may have come meanwhile stays. Without it, any. */
  readonly mark?: string;
}

/** What is recorded without a push: nobody is known to have moved anything. */
export const nobodysPush = (projectId: number): RecordedPush => ({
  projectId,
  pusherOf: () => undefined,
  settled: () => true,
  touched: () => undefined,
});

/**
 * Records the refs of a project and who moved them, as far as they can have moved, and leaves the job that indexes the new ones. Returns how many were not
 * as they were recorded; of a project that was deleted meanwhile there is nothing to record.
 */
export async function recordRefs(
  registry: Registry,
  { projectId, pusherOf, settled, touched, mark }: RecordedPush,
  repository: PushedRepository,
): Promise<number> {
  const { count, acts, generation, fullPath } = await registry.prisma.$transaction(
    async (tx) => {
      // What git has here is true only while this server leads: another one may know better by now.
      await registry.leadership.fence(tx);
      const [locked] = await tx.$queryRaw<{ branch: string | null; fullPath: string }[]>`
        SELECT default_branch AS branch, full_path AS "fullPath" FROM project WHERE id = ${projectId} FOR UPDATE`;
      if (!locked)
        return {
          count: 0,
          acts: new Map<Principal | undefined, PushDetail>(),
          generation: undefined,
          fullPath: undefined,
        };
      const names = touched();
      // Of a longer one, whatever git made of it, nothing would be kept, and a command line has no room for many.
      const some = names && names.size <= MAX_NAMED ? new Set([...names].filter(isKept)) : undefined;
      const refs = await repository.refs(some);
      const wanted = locked.branch;
      const branch = (await repository.head(refs, wanted)) ?? wanted;
      const current = refs.filter(({ name }) => isKept(name));
      if (current.length < refs.length)
        registry.log.warn(
          { project: projectId, refs: refs.length - current.length },
          "refs with overlong names do not count",
        );
      const acts = new Map<Principal | undefined, PushDetail>();
      let count = 0;
      let hasNewTags = false;
      for (const part of await (some ? compareSome(tx, projectId, current, some) : compare(tx, projectId, current))) {
        for (const difference of part) addTo(acts, difference, pusherOf);
        count += part.length;
        if (await recordPart(registry, tx, projectId, repository, part, pusherOf)) hasNewTags = true;
      }
      const packs = await repository.packs?.();
      const generation = packs && (await recordPacks(tx, projectId, packs, count > 0));
      await tx.$executeRaw`UPDATE project SET last_activity_at = now(),
        push_started_at = CASE WHEN ${settled()} AND ${mark ?? null}::timestamptz IS NULL THEN NULL
          ELSE NULLIF(push_started_at, ${mark ?? null}::timestamptz) END WHERE id = ${projectId}`;
      // Only a change is worth telling every server.
      if (branch !== wanted)
        await tx.$executeRaw`UPDATE project SET default_branch = ${branch} WHERE id = ${projectId}`;
      if (hasNewTags) await registry.jobs.send(tx, "index-refs", { projectId });
      for (const [pusher, detail] of acts)
        await audit(tx, pusher ?? "gokura", "project.push", locked.fullPath, {
          ...detail,
          ...(pusher === undefined ? {} : { by: credentialOf(pusher) }),
        });
      return { count, acts, generation, fullPath: locked.fullPath };
    },
    { timeout: 120_000 },
  );
  if (fullPath !== undefined) registry.recordedLately.set(projectId, fullPath);
  if (generation !== undefined) await repository.agreed?.(generation);
  for (const [pusher, detail] of acts)
    registry.log.info(
      { project: projectId, ...(pusher ? { principal: nameOfPrincipal(pusher) } : {}), ...detail },
      "a push was recorded",
    );
  return count;
}

function isKept(name: string): boolean {
  return Buffer.byteLength(name) <= MAX_REF_NAME;
}

/** What somebody did in a push, in numbers, and the first names. */
type PushDetail = {
  created: number;
  moved: number;
  deleted: number;
  readonly refs: string[];
};

function addTo(
  acts: Map<Principal | undefined, PushDetail>,
  { name, oid, old }: Difference,
  pusherOf: RecordedPush["pusherOf"],
): void {
  const pusher = pusherOf(name);
  const detail = acts.get(pusher) ?? { created: 0, moved: 0, deleted: 0, refs: [] };
  acts.set(pusher, detail);
  if (oid === null) detail.deleted++;
  else if (old === null) detail.created++;
  else detail.moved++;
  if (detail.refs.length < MAX_REFS_NAMED) detail.refs.push(name);
}

/** Records some of the refs that are not as they were. Returns whether there are tags among them that wait now. */
async function recordPart(
  registry: Registry,
  tx: Transaction,
  projectId: number,
  repository: PushedRepository,
  differences: readonly Difference[],
  pusherOf: RecordedPush["pusherOf"],
): Promise<boolean> {
  const { peeled, unreadable } = await repository.peel(differences.flatMap(({ oid }) => oid ?? []));
  const changed: RecordedRef[] = [];
  const lost: LostCommit[] = [];
  for (const { name, oid, old } of differences) {
    if (oid !== null && unreadable.has(oid)) {
      registry.log.error(
        { project: projectId, ref: name, object: oid },
        "a ref names a damaged object and stays as it was",
      );
      continue;
    }
    const now = oid === null ? undefined : peeled.get(oid);
    if (oid !== null && now !== undefined) changed.push({ name, oid, peeled: now });
    if (old !== null && old !== now) lost.push({ name, commit: old, now });
  }
  if (lost.length > 0) await repository.keep(lost);
  await recordTagEvents(registry, tx, projectId, lost, pusherOf);
  const deleted = lost.filter((ref) => ref.now === undefined).map((ref) => ref.name);
  if (deleted.length > 0) {
    await tx.$executeRaw`DELETE FROM ref WHERE project_id = ${projectId} AND name = ANY(${deleted})`;
    const tags = deleted.filter((name) => name.startsWith(TAGS)).map((name) => name.slice(TAGS.length));
    await tx.$executeRaw`DELETE FROM rejected_tag WHERE project_id = ${projectId} AND tag = ANY(${tags})`;
  }
  if (changed.length > 0) await upsert(tx, projectId, changed);
  await recordPushedTags(tx, projectId, changed, pusherOf);
  return changed.some(({ name }) => name.startsWith(TAGS));
}

/**
 * The database compares, so that what comes back is what a push changed and not all that there is. Lists travel as text,
 * a line each (no name and no object id holds a space or a line feed, git-check-ref-format): that takes a tenth of the
 * time and memory of rows and arrays, and the first push of a repository may bring 100,000.
 */
async function compare(
  tx: Transaction,
  projectId: number,
  current: readonly CurrentRef[],
): Promise<Iterable<Difference[]>> {
  const names = current.map(({ name }) => name).join("\n");
  const oids = current.map(({ oid }) => oid).join("\n");
  const [found] = await tx.$queryRaw<{ lines: string | null }[]>`
    SELECT string_agg(concat_ws(' ', COALESCE(now.name, known.name), COALESCE(now.oid, '-'), known.peeled), E'\n') AS lines
    FROM unnest(string_to_array(${names}, E'\n'), string_to_array(${oids}, E'\n')) AS now (name, oid)
    FULL JOIN (SELECT name, oid, peeled FROM ref WHERE project_id = ${projectId}) AS known ON known.name = now.name
    WHERE now.oid IS DISTINCT FROM known.oid`;
  return partsOf(found?.lines ?? "");
}

/** The differences that lines of text tell, in parts. */
function* partsOf(lines: string): Generator<Difference[], void, undefined> {
  let part: Difference[] = [];
  for (let at = 0; at < lines.length; ) {
    const feed = lines.indexOf("\n", at);
    const end = feed < 0 ? lines.length : feed;
    const [name = "", oid = "", old = null] = lines.slice(at, end).split(" ");
    part.push({ name, oid: oid === "-" ? null : oid, old });
    at = end + 1;
    if (part.length < REFS_AT_ONCE) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** What changed among some refs, which costs nothing for the others. */
async function compareSome(
  tx: Transaction,
  projectId: number,
  current: readonly CurrentRef[],
  names: ReadonlySet<string>,
): Promise<Iterable<Difference[]>> {
  const known = await tx.$queryRaw<{ name: string; oid: string; peeled: string }[]>`
    SELECT name, oid, peeled FROM ref WHERE project_id = ${projectId} AND name = ANY(${[...names]})`;
  const before = new Map(known.map((ref) => [ref.name, ref]));
  const now = new Map(current.map(({ name, oid }) => [name, oid]));
  const differences = [...names].flatMap((name) => {
    const [oid, old] = [now.get(name) ?? null, before.get(name)];
    return oid === (old?.oid ?? null) ? [] : [{ name, oid, old: old?.peeled ?? null }];
  });
  return differences.length > 0 ? [differences] : [];
}

interface RecordedRef extends CurrentRef {
  readonly peeled: string;
}

async function upsert(tx: Transaction, projectId: number, refs: readonly RecordedRef[]): Promise<void> {
  const names = refs.map(({ name }) => name).join("\n");
  const oids = refs.map(({ oid }) => oid).join("\n");
  const peeled = refs.map((ref) => ref.peeled).join("\n");
  await tx.$executeRaw`INSERT INTO ref (project_id, name, oid, peeled, indexed)
    SELECT ${projectId}, name, oid, peeled, name NOT LIKE 'refs/tags/%'
    FROM unnest(string_to_array(${names}, E'\\n'), string_to_array(${oids}, E'\\n'), string_to_array(${peeled}, E'\\n'))
      AS new (name, oid, peeled)
    ON CONFLICT (project_id, name) DO UPDATE
    SET oid = excluded.oid, peeled = excluded.peeled, indexed = excluded.indexed, updated_at = now()`;
}

/** Tells every server that what a project publishes may be something else, though no ref has changed. */
export async function announceContent(registry: Registry, projectId: number): Promise<void> {
  await registry.database.pool.query("SELECT pg_notify('gokura_content', $1)", [String(projectId)]);
}
