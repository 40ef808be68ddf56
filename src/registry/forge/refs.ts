// What the branches and tags of a project are, as far as the registry has been told. A push is told in two steps: before
// git moves anything the project is marked, and afterwards its refs are recorded, together with the job that makes
// versions of them, in one transaction that takes the mark away. Whoever finds a mark of an older push (after a crash)
// records again; recording twice changes nothing.
import type { Transaction } from "../../database/client.ts";
import type { Prisma, Ref, TagEvent } from "../../database/generated/client.ts";
import { compareVersions } from "../../gomod/version.ts";
import { demandCode, MAINTAINER, type ProjectSubject, projectLevel } from "../access/access.ts";
import type { Principal } from "../access/principal.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import { checkPageSize, type Order } from "../lists/keyset-page.ts";
import { readStretch, type Stretch, type StretchOfRows, stretchOf } from "../lists/numbered-page.ts";
import type { Registry } from "../registry.ts";
import { searchText } from "../text.ts";

const TAGS = "refs/tags/";
/** A longer name of a ref is left out, in bytes: no module path is so long, and the database's index has to hold it. */
const MAX_REF_NAME = 1_000;
const REFS_PER_STATEMENT = 5_000;

export type TagEventRow = TagEvent;

/** A branch or tag as git has it now. */
export interface CurrentRef {
  readonly name: string;
  readonly oid: string;
}

/** A tag or branch whose old commit is named by it no more. */
export interface LostCommit {
  readonly name: string;
  readonly commit: string;
  /** What the ref names instead; undefined when it is gone. */
  readonly now: string | undefined;
}

/** Marks that refs may be about to move. */
export async function beginPush(registry: Registry, projectId: number): Promise<void> {
  await registry.database.pool.query("UPDATE project SET push_started_at = now() WHERE id = $1", [projectId]);
}

/** The projects whose last push was never recorded: what a crash left behind. */
export async function projectsWithOpenPush(registry: Registry): Promise<number[]> {
  const { rows } = await registry.database.pool.query<{ id: number }>(
    "SELECT id FROM project WHERE push_started_at IS NOT NULL ORDER BY id",
  );
  return rows.map((row) => row.id);
}

/** How a push looks from git's side. */
export interface PushedRepository {
  /** The refs as git has them. Called while the project is locked: of two pushes that end together the later records last. */
  refs(): Promise<readonly CurrentRef[]>;
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
}

/** A ref that git and the registry disagree about. */
interface Difference {
  readonly name: string;
  /** What git has; null: nothing. */
  readonly oid: string | null;
  /** What the registry knows, without annotations; null: nothing. */
  readonly old: string | null;
}

/**
 * Records all refs of a project and leaves the job that indexes the new ones. `settled` takes the mark of beginPush away.
 * Returns how many were not as they were recorded.
 */
export async function recordRefs(
  registry: Registry,
  projectId: number,
  repository: PushedRepository,
  settled: boolean,
): Promise<number> {
  return registry.prisma.$transaction(
    async (tx) => {
      const [locked] = await tx.$queryRaw<{ branch: string | null }[]>`
        SELECT default_branch AS branch FROM project WHERE id = ${projectId} FOR UPDATE`;
      const refs = await repository.refs();
      const wanted = locked?.branch ?? null;
      const branch = (await repository.head(refs, wanted)) ?? wanted;
      const current = refs.filter(({ name }) => Buffer.byteLength(name) <= MAX_REF_NAME);
      if (current.length < refs.length)
        registry.log.warn(
          { project: projectId, refs: refs.length - current.length },
          "refs with overlong names do not count",
        );
      const differences = await compare(tx, projectId, current);
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
      await recordTagEvents(registry, tx, projectId, lost);
      const deleted = lost.filter((ref) => ref.now === undefined).map((ref) => ref.name);
      if (deleted.length > 0) {
        await tx.$executeRaw`DELETE FROM ref WHERE project_id = ${projectId} AND name = ANY(${deleted})`;
        const tags = deleted.filter((name) => name.startsWith(TAGS)).map((name) => name.slice(TAGS.length));
        await tx.$executeRaw`DELETE FROM rejected_tag WHERE project_id = ${projectId} AND tag = ANY(${tags})`;
      }
      if (changed.length > 0) await upsert(tx, projectId, changed);
      await tx.$executeRaw`UPDATE project SET last_activity_at = now(),
        push_started_at = CASE WHEN ${settled} THEN NULL ELSE push_started_at END WHERE id = ${projectId}`;
      // Only a change is worth telling every server.
      if (branch !== wanted)
        await tx.$executeRaw`UPDATE project SET default_branch = ${branch} WHERE id = ${projectId}`;
      if (changed.some((ref) => ref.name.startsWith(TAGS))) await registry.jobs.send(tx, "index-refs", { projectId });
      return differences.length;
    },
    { timeout: 120_000 },
  );
}

/**
 * The database compares, so that what comes back is what a push changed and not all that there is. Lists travel as text,
 * a line each (no name and no object id holds a space or a line feed, git-check-ref-format): that takes a tenth of the
 * time and memory of rows and arrays, and the first push of a repository may bring 100,000.
 */
async function compare(tx: Transaction, projectId: number, current: readonly CurrentRef[]): Promise<Difference[]> {
  const names = current.map(({ name }) => name).join("\n");
  const oids = current.map(({ oid }) => oid).join("\n");
  const [found] = await tx.$queryRaw<{ lines: string | null }[]>`
    SELECT string_agg(concat_ws(' ', COALESCE(now.name, known.name), COALESCE(now.oid, '-'), known.peeled), E'\n') AS lines
    FROM unnest(string_to_array(${names}, E'\n'), string_to_array(${oids}, E'\n')) AS now (name, oid)
    FULL JOIN (SELECT name, oid, peeled FROM ref WHERE project_id = ${projectId}) AS known ON known.name = now.name
    WHERE now.oid IS DISTINCT FROM known.oid`;
  return (found?.lines?.split("\n") ?? []).map((line) => {
    const [name = "", oid = "", old = null] = line.split(" ");
    return { name, oid: oid === "-" ? null : oid, old };
  });
}

async function recordTagEvents(
  registry: Registry,
  tx: Transaction,
  projectId: number,
  lost: readonly LostCommit[],
): Promise<void> {
  const events = lost
    .filter((ref) => ref.name.startsWith(TAGS))
    .map((ref) => ({
      projectId,
      tag: ref.name.slice(TAGS.length),
      kind: ref.now === undefined ? ("DELETED" as const) : ("MOVED" as const),
      oldCommit: ref.commit,
      newCommit: ref.now ?? null,
    }));
  if (events.length === 0) return;
  await tx.tagEvent.createMany({ data: events });
  for (const event of events) {
    registry.metrics.tagEvents.inc({ kind: event.kind.toLowerCase() });
    registry.log.warn(event, `a tag was ${event.kind.toLowerCase()}; what was published from it stays as it was`);
  }
}

interface RecordedRef extends CurrentRef {
  readonly peeled: string;
}

async function upsert(tx: Transaction, projectId: number, refs: readonly RecordedRef[]): Promise<void> {
  for (let at = 0; at < refs.length; at += REFS_PER_STATEMENT) {
    const some = refs.slice(at, at + REFS_PER_STATEMENT);
    const names = some.map((ref) => ref.name);
    const oids = some.map((ref) => ref.oid);
    const peeled = some.map((ref) => ref.peeled);
    await tx.$executeRaw`INSERT INTO ref (project_id, name, oid, peeled, indexed)
      SELECT ${projectId}, name, oid, peeled, name NOT LIKE 'refs/tags/%'
      FROM unnest(${names}::text[], ${oids}::text[], ${peeled}::text[]) AS new (name, oid, peeled)
      ON CONFLICT (project_id, name) DO UPDATE
      SET oid = excluded.oid, peeled = excluded.peeled, indexed = excluded.indexed, updated_at = now()`;
  }
}

export interface RefOrder {
  readonly by: "name" | "updated" | "version";
  readonly sort: Order;
}

export interface RefSearch {
  readonly kind: "branches" | "tags";
  /** Part of the name; `^` in front means at the beginning, `$` behind at the end. */
  readonly search?: string | undefined;
  /** Exactly this one. */
  readonly name?: string | undefined;
}

/** A branch or tag as recorded; `name` is without refs/…/. */
export type RefRow = Pick<Ref, "name" | "oid" | "peeled" | "updatedAt">;

/** A stretch of the branches or tags of a project. Whoever may read its code. `version`: in Go's order. */
export async function searchRefs(
  registry: Registry,
  principal: Principal,
  project: ProjectSubject,
  search: RefSearch,
  order: RefOrder,
  stretch: Stretch,
): Promise<StretchOfRows<RefRow>> {
  demandCode(principal, project);
  const prefix = search.kind === "tags" ? TAGS : "refs/heads/";
  const where: Prisma.RefWhereInput = {
    AND: [
      { projectId: project.id, name: search.name === undefined ? { startsWith: prefix } : prefix + search.name },
      ...matching(prefix, search.search),
    ],
  };
  const short = (row: Ref): RefRow => ({ ...row, name: row.name.slice(prefix.length) });
  if (order.by === "version") {
    const all = (await registry.prisma.ref.findMany({ where })).map(short);
    all.sort((a, b) => compareVersions(a.name, b.name));
    return stretchOf(stretch, order.sort === "asc" ? all : all.reverse());
  }
  const by = order.by === "name" ? { name: order.sort } : { updatedAt: order.sort };
  return readStretch(stretch, {
    read: async (skip, take) =>
      (await registry.prisma.ref.findMany({ where, orderBy: [by, { name: order.sort }], skip, take })).map(short),
    count: (take) => registry.prisma.ref.count({ where, take }),
  });
}

function matching(prefix: string, search: string | undefined): Prisma.RefWhereInput[] {
  if (!search) return [];
  const [begins, ends] = [search.startsWith("^"), search.endsWith("$")];
  const text = searchText(search.slice(begins ? 1 : 0, ends ? -1 : undefined));
  return [
    begins ? { name: { startsWith: prefix + text } } : {},
    ends ? { name: { endsWith: text } } : {},
    begins || ends ? {} : { name: { contains: text, mode: "insensitive" } },
  ];
}

/** Tells every server that what a project publishes may be something else, though no ref has changed. */
export async function announceContent(registry: Registry, projectId: number): Promise<void> {
  await registry.database.pool.query("SELECT pg_notify('gokura_content', $1)", [String(projectId)]);
}

/** Has all tags looked at again: what they mean has changed. */
export async function reindexAllTags(registry: Registry, tx: Transaction, projectId: number): Promise<void> {
  await tx.ref.updateMany({ where: { projectId, name: { startsWith: TAGS } }, data: { indexed: false } });
  await registry.jobs.send(tx, "index-refs", { projectId });
}

/**
 * Leaves the job again wherever tags wait: a server that died in the middle of them took the job with it, and the queue
 * learns of that only by the clock. Done once too often it finds nothing to do.
 */
export async function resumeIndexing(registry: Registry): Promise<void> {
  const { rows } = await registry.database.pool.query<{ id: number }>(
    "SELECT DISTINCT project_id AS id FROM ref WHERE NOT indexed AND name LIKE 'refs/tags/%'",
  );
  for (const { id } of rows)
    await registry.prisma.$transaction((tx) => registry.jobs.send(tx, "index-refs", { projectId: id }));
}

/** A tag that waits to be looked at. */
export interface WaitingTag {
  /** Without refs/tags/. */
  readonly tag: string;
  readonly oid: string;
  readonly peeled: string;
  readonly updatedAt: Date;
}

/** Some tags that wait, in order of their names, after one. */
export async function waitingTags(
  registry: Registry,
  projectId: number,
  after: string,
  limit: number,
): Promise<WaitingTag[]> {
  const rows = await registry.prisma.ref.findMany({
    where: { projectId, indexed: false, name: { startsWith: TAGS, gt: TAGS + after } },
    orderBy: { name: "asc" },
    take: limit,
  });
  return rows.map(({ name, oid, peeled, updatedAt }) => ({ tag: name.slice(TAGS.length), oid, peeled, updatedAt }));
}

/** Notes that these values of these tags were looked at, in the transaction that holds what came of it. */
export async function markIndexed(tx: Transaction, projectId: number, tags: readonly WaitingTag[]): Promise<void> {
  const names = tags.map(({ tag }) => TAGS + tag);
  const oids = tags.map(({ oid }) => oid);
  await tx.$executeRaw`UPDATE ref SET indexed = true FROM unnest(${names}::text[], ${oids}::text[]) AS seen (name, oid)
    WHERE ref.project_id = ${projectId} AND ref.name = seen.name AND ref.oid = seen.oid`;
}

/**
 * What became of the tags that made versions, newest first, by the version's number; only of projects of which the
 * principal is Maintainer. `projects` says which project each version is of.
 */
export async function tagEventsOfVersions(
  registry: Registry,
  principal: Principal,
  versions: readonly {
    readonly id: number;
    readonly ref: string | null;
    readonly project: ProjectSubject | undefined;
  }[],
  take: number,
): Promise<Map<number, TagEventRow[]>> {
  const shown = versions.filter(({ project }) => project && projectLevel(principal, project) >= MAINTAINER);
  const tagged = shown.filter(({ ref }) => ref?.startsWith(TAGS));
  const rows = await registry.prisma.$queryRaw<{ list: number; id: number }[]>`
    SELECT list.id AS list, event.id FROM unnest(
      ${tagged.map(({ id }) => id)}::int[],
      ${tagged.map(({ project }) => project!.id)}::int[],
      ${tagged.map(({ ref }) => ref!.slice(TAGS.length))}::text[]) AS list (id, project_id, tag)
    CROSS JOIN LATERAL (
      SELECT e.id FROM tag_event e WHERE e.project_id = list.project_id AND e.tag = list.tag
      ORDER BY e.id DESC LIMIT ${checkPageSize(take)}) AS event`;
  const events = await registry.prisma.tagEvent.findMany({ where: { id: { in: rows.map(({ id }) => id) } } });
  const byId = new Map(events.map((event) => [event.id, event]));
  const found = Map.groupBy(rows, ({ list }) => list);
  return new Map(shown.map(({ id }) => [id, (found.get(id) ?? []).flatMap((row) => byId.get(row.id) ?? [])]));
}

/**
 * Tags of projects that did not stay as they were, newest first, by the project's number; only of those of which the
 * principal is Maintainer.
 */
export async function tagEventsOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectSubject[],
  take: number,
): Promise<Map<number, TagEventRow[]>> {
  const ids = projects.filter((project) => projectLevel(principal, project) >= MAINTAINER).map(({ id }) => id);
  const lists = { table: "tag_event", list: "project_id", key: "id" } as const;
  const first = await firstOfEach(registry, lists, ids, {}, "desc", checkPageSize(take));
  const rows = await registry.prisma.tagEvent.findMany({ where: { id: { in: first } }, orderBy: { id: "desc" } });
  const found = Map.groupBy(rows, (row) => row.projectId);
  return new Map(ids.map((id) => [id, found.get(id) ?? []]));
}
