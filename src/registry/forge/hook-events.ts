// What hooks are told of. An event is written down for every hook that asked for it in the transaction of what happened
// (a transactional outbox): it is told if and only if it happened, and a crash loses none. Of many things at once, such as
// the versions of an import, one event tells in pages. The form is that of Standard Webhooks: type, timestamp, data.
// Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Payload structure".
import type { Sql } from "../../database/sql.ts";

/** Every event, and what its `data` holds beside the project or group; docs/hooks.md shows them. */
export const HOOK_EVENTS = {
  "version.published": "versions",
  "version.retracted": "versions",
  "version.deleted": "versions",
  "tag.moved": "tags",
  "tag.deleted": "tags",
  "tag.rejected": "tags",
  "mirror.failed": "mirrors",
  "module.refused": "modules",
} as const;

export type HookEvent = keyof typeof HOOK_EVENTS;

/**
 * Where something happened: in a project, whose hooks are told and those of the groups around it; in a group, and those above
 * are told too; or in none, such as a module from upstream. Hooks of the instance are told of everything.
 */
export type HookPlace = { readonly projectId: number } | { readonly groupId: number } | "instance";

/** How many things one delivery tells of. */
const PAGE = 500;

/**
 * Tells hooks of things that happened, in the transaction in which they did. `things` are JSON, each an element of the
 * event's list; `actor` is who did it, as the audit trail calls them, where that is known. Without things it costs nothing,
 * without hooks a statement.
 */
export async function announce(
  tx: Sql,
  place: HookPlace,
  event: HookEvent,
  things: readonly object[],
  actor?: string,
): Promise<void> {
  const projectId = typeof place === "object" && "projectId" in place ? place.projectId : null;
  const groupId = typeof place === "object" && "groupId" in place ? place.groupId : null;
  for (let from = 0; from < things.length; from += PAGE) {
    const data = JSON.stringify({
      ...(actor === undefined ? {} : { actor }),
      [HOOK_EVENTS[event]]: things.slice(from, from + PAGE),
    });
    await tx.$executeRaw`INSERT INTO hook_delivery (hook_id, event, body)
      SELECT h.id, ${event}, jsonb_build_object(
        'type', ${event}::text,
        'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'data', jsonb_strip_nulls(jsonb_build_object(
          'project', CASE WHEN p.id IS NOT NULL THEN
            jsonb_build_object('id', p.id, 'path_with_namespace', p.full_path) END,
          'group', CASE WHEN p.id IS NULL AND g.id IS NOT NULL THEN
            jsonb_build_object('id', g.id, 'full_path', g.full_path) END)) || ${data}::jsonb)::text
      FROM hook h
      LEFT JOIN project p ON p.id = ${projectId}::int
      LEFT JOIN "group" g ON g.id = COALESCE(${groupId}::int, p.group_id)
      WHERE ${event} = ANY(h.events) AND h.disabled_at IS NULL
        AND (h.project_id = p.id OR h.group_id = ANY(g.traversal_ids) OR COALESCE(h.project_id, h.group_id) IS NULL)`;
  }
}
