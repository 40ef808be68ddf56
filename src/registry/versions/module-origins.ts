// Where modules come from, and when they were last seen, many at once.
import { repositoryUrlIn, repositoryUrlOf } from "../../gomod/repository-url.ts";
import type { Registry } from "../registry.ts";
import type { ModuleRow } from "../rows.ts";

/** An .info that says more than where a version came from is not looked at, in bytes. */
const MAX_INFO_BYTES = 64 * 1024;

/** When a version of each module was last published or first fetched, by the module's number. */
export async function lastSeen(registry: Registry, moduleIds: readonly number[]): Promise<Map<number, Date>> {
  const rows = await registry.prisma.$queryRaw<{ id: number; at: Date }[]>`
    SELECT module_id AS id, max(created_at) AS at FROM module_version
    WHERE module_id = ANY(${[...moduleIds]}::int[]) GROUP BY module_id`;
  return new Map(rows.map(({ id, at }) => [id, at]));
}

/** The repositories of modules from upstream, by number: as the newest .info says that has an origin, else by the path. */
export async function upstreamRepositories(
  registry: Registry,
  modules: readonly ModuleRow[],
): Promise<Map<number, string>> {
  const rows = await registry.prisma.$queryRaw<{ id: number; info: Buffer }[]>`
    SELECT m.id, v.info FROM unnest(${modules.map(({ id }) => id)}::int[]) AS m (id)
    JOIN LATERAL (SELECT info FROM module_version
      WHERE module_id = m.id AND info IS NOT NULL AND octet_length(info) <= ${MAX_INFO_BYTES}
      ORDER BY sort_key DESC LIMIT 1) AS v ON true`;
  const infos = new Map(rows.map(({ id, info }) => [id, Buffer.from(info)]));
  const found = modules.map(({ id, path }) => {
    const info = infos.get(id);
    return [id, (info && repositoryUrlIn(info)) ?? repositoryUrlOf(path)] as const;
  });
  return new Map(found.flatMap(([id, url]) => (url === undefined ? [] : [[id, url] as const])));
}
