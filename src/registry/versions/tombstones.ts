// Names that were taken away, by deleting a version or its project. A name is never given to other content, because
// somebody's go.sum knows what it was; and one that was taken back on purpose does not come back at all (Tombstone in
// prisma/schema.prisma; the database refuses it too).
import type { Transaction } from "../../database/client.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import type { Registry } from "../registry.ts";

/** What is known of a name that was taken away. */
export interface Grave {
  readonly reason: string;
  /** Whether the same content may be published under it again. */
  readonly returnable: boolean;
}

/** The grave of a version; undefined when it was never taken away. */
export async function findGrave(registry: Registry, modulePath: string, version: string): Promise<Grave | undefined> {
  const { rows } = await registry.database.pool.query<Grave>({
    name: "grave",
    text: "SELECT reason, returnable FROM tombstone WHERE module_path = $1 AND version = $2",
    values: [modulePath, version],
  });
  return rows[0];
}

/** The versions of a module that were taken back for good. */
export async function takenBack(registry: Registry, modulePath: string): Promise<ReadonlySet<string>> {
  const where = { modulePath, returnable: false };
  const rows = await registry.prisma.tombstone.findMany({ where, select: { version: true } });
  return new Set(rows.map((row) => row.version));
}

/** What of a version tells whether it is the one that was taken away. */
interface Burying {
  readonly modulePath: string;
  readonly version: string;
  readonly commit: string;
  readonly goMod: Buffer;
}

/** Parts what may be published from what must stay away. */
export async function refuseBuried<V extends Burying>(
  tx: Transaction,
  versions: readonly V[],
): Promise<{ admitted: V[]; refused: { version: V; reason: string }[] }> {
  if (versions.length === 0) return { admitted: [], refused: [] };
  const paths = versions.map((v) => v.modulePath);
  const names = versions.map((v) => v.version);
  const rows = await tx.$queryRaw<
    { module_path: string; version: string; commit: string; go_mod_h1: string; returnable: boolean }[]
  >`SELECT t.module_path, t.version, t."commit", t.go_mod_h1, t.returnable FROM tombstone t
    JOIN unnest(${paths}::text[], ${names}::text[]) AS new (module_path, version) USING (module_path, version)`;
  const graves = new Map(rows.map((row) => [`${row.module_path}@${row.version}`, row]));
  const admitted: V[] = [];
  const refused: { version: V; reason: string }[] = [];
  for (const version of versions) {
    const grave = graves.get(`${version.modulePath}@${version.version}`);
    const same = grave?.commit === version.commit && grave.go_mod_h1 === h1OfGoMod(version.goMod);
    if (!grave || (grave.returnable && same)) admitted.push(version);
    else if (grave.returnable)
      refused.push({
        version,
        reason: `${version.version} was published before from commit ${grave.commit.slice(0, 12)} and its name is never given to other content; use a new version`,
      });
    else
      refused.push({
        version,
        reason: `${version.version} was deleted on purpose and does not come back; use a new version`,
      });
  }
  return { admitted, refused };
}
