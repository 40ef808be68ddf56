// The vulnerability database as it is served: the mirrored one, with the advisories about one's own modules that whoever asks
// may hear of. Where nothing was ever mirrored there is none: a database that knows of nothing but our own modules would say of
// all others that nothing is wrong with them.
import { isAdvisoryId, parseAdvisory } from "../../gomod/vulnerable-range.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { AdvisoryRow } from "../rows.ts";
import { ownAdvisories } from "./own-advisories.ts";
import { findDatabase, type StoredIndex, storedIndex } from "./vulnerability-database.ts";

/** A file of the database as somebody sees it: index/db.json or one of the indexes. */
export type ServedIndex = "db" | StoredIndex;

/** An index of the database, and when that was last found to be the newest that there is; undefined: there is none. */
export async function servedIndex(
  registry: Registry,
  principal: Principal,
  index: ServedIndex,
): Promise<{ readonly checkedAt: Date; readonly json: string } | undefined> {
  const stored = await findDatabase(registry);
  if (stored === undefined) return undefined;
  const { checkedAt } = stored;
  const own = await ownAdvisories(registry, principal);
  if (index === "db") {
    const modified = own.reduce((last, row) => (row.modified > last ? row.modified : last), stored.modified);
    return { checkedAt, json: JSON.stringify({ modified: secondsOf(modified) }) };
  }
  const json = await storedIndex(registry, index);
  if (own.length === 0) return { checkedAt, json };
  return { checkedAt, json: index === "modules" ? withModules(json, own) : withVulns(json, own) };
}

/** One advisory, JSON; undefined: there is none that the principal may hear of. */
export async function servedAdvisory(
  registry: Registry,
  principal: Principal,
  id: string,
): Promise<string | undefined> {
  if (!isAdvisoryId(id)) return undefined;
  const row = await registry.prisma.advisory.findUnique({ where: { id } });
  if (row === null || row.projectId === null) return row?.body;
  return (await ownAdvisories(registry, principal)).find((own) => own.id === id)?.body;
}

interface ModuleEntry {
  readonly path: string;
  readonly vulns: { id: string; modified: string; fixed?: string }[];
}

function withModules(json: string, own: readonly AdvisoryRow[]): string {
  const entries = new Map((JSON.parse(json) as ModuleEntry[]).map((entry) => [entry.path, entry]));
  for (const { id, modified, body } of own)
    for (const { package: about, ranges = [] } of parseAdvisory(body)?.affected ?? []) {
      const entry = entries.get(about.name) ?? { path: about.name, vulns: [] };
      const fixed = ranges.flatMap(({ events }) => events.flatMap((event) => event.fixed ?? [])).at(-1);
      entry.vulns.push({ id, modified: secondsOf(modified), ...(fixed === undefined ? {} : { fixed }) });
      entries.set(about.name, entry);
    }
  return JSON.stringify([...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1)));
}

function withVulns(json: string, own: readonly AdvisoryRow[]): string {
  const more = own.map(({ id, modified, body }) => {
    const aliases = parseAdvisory(body)?.aliases ?? [];
    return { id, modified: secondsOf(modified), ...(aliases.length === 0 ? {} : { aliases }) };
  });
  return JSON.stringify([...(JSON.parse(json) as object[]), ...more]);
}

function secondsOf(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`;
}
