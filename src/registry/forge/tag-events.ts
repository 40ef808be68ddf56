// Tags that did not stay as they were. What was published from a tag stays, so a tag that moves or goes away is written
// down for the Maintainers of its project, who look for the reason: rows are pinned by a trigger.
import type { Transaction } from "../../database/client.ts";
import { mayAct, type ProjectSubject } from "../access/access.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import { checkPageSize } from "../lists/keyset-page.ts";
import { inOrderFound } from "../lists/of-each.ts";
import { nameOfPrincipal, type Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { TagEventRow } from "../rows.ts";
import { announce } from "./hook-events.ts";
import { TAGS } from "./ref-names.ts";

/** A tag or branch whose old commit is named by it no more. */
export interface LostCommit {
  readonly name: string;
  readonly commit: string;
  /** What the ref names instead; undefined when it is gone. */
  readonly now: string | undefined;
}

/** Writes down which tags moved or went away, in the transaction that records their refs. */
export async function recordTagEvents(
  registry: Registry,
  tx: Transaction,
  projectId: number,
  lost: readonly LostCommit[],
  pusherOf: (ref: string) => Principal | undefined,
): Promise<void> {
  const events = lost
    .filter((ref) => ref.name.startsWith(TAGS))
    .map((ref) => ({
      actor: actorOf(pusherOf(ref.name)),
      projectId,
      tag: ref.name.slice(TAGS.length),
      kind: ref.now === undefined ? ("DELETED" as const) : ("MOVED" as const),
      oldCommit: ref.commit,
      newCommit: ref.now ?? null,
    }));
  if (events.length === 0) return;
  await tx.tagEvent.createMany({ data: events });
  for (const [event, kind] of [
    ["tag.moved", "MOVED"],
    ["tag.deleted", "DELETED"],
  ] as const)
    for (const [actor, some] of Map.groupBy(
      events.filter((one) => one.kind === kind),
      (one) => one.actor,
    ))
      await announce(tx, { projectId }, event, some.map(tagOf), actor ?? undefined);
  for (const event of events) {
    registry.metrics.tagEvents.inc({ kind: event.kind.toLowerCase() });
    registry.log.warn(event, `a tag was ${event.kind.toLowerCase()}; what was published from it stays as it was`);
  }
}

function tagOf({ tag, oldCommit, newCommit }: Pick<TagEventRow, "tag" | "oldCommit" | "newCommit">): object {
  return { tag, old_commit: oldCommit, new_commit: newCommit };
}

function actorOf(pusher: Principal | undefined): string | null {
  return pusher ? nameOfPrincipal(pusher) : null;
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
  const shown = versions.filter(({ project }) => project && mayAct(principal, "tag-event.list", project));
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
  const found = Map.groupBy(inOrderFound(rows, events), ({ list }) => list);
  return new Map(shown.map(({ id }) => [id, found.get(id) ?? []]));
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
  const ids = projects.filter((project) => mayAct(principal, "tag-event.list", project)).map(({ id }) => id);
  const lists = { table: "tag_event", list: "project_id", key: "id" } as const;
  const first = await firstOfEach(registry, lists, ids, {}, "desc", checkPageSize(take));
  const rows = await registry.prisma.tagEvent.findMany({ where: { id: { in: first } }, orderBy: { id: "desc" } });
  const found = Map.groupBy(rows, (row) => row.projectId);
  return new Map(ids.map((id) => [id, found.get(id) ?? []]));
}
