// Names that were taken away, by deleting a version or its project. A name is never given to other content, because
// somebody's go.sum knows what it was; and one that was taken back on purpose does not come back at all (Tombstone in
// prisma/schema.prisma; the database refuses it too).
import type { Sql } from "../../database/sql.ts";
import { Failure, notFound } from "../../errors.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import type { Registry } from "../registry.ts";

/** Names of modules are locked under this number; the migration "tombstones_are_waited_for" has it too. */
const NAMES_LOCK = 7_166_804;

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

/** Why a name cannot be fetched from upstream, under which something of a project was published once. */
export function wasPublishedHere(modulePath: string, version: string, { reason }: Pick<Grave, "reason">): Failure {
  return notFound(`${modulePath}@${version} was published here before (${reason}); it is not fetched`);
}

/** Why a name that was taken away cannot be uploaded (again). */
export function notUploaded(modulePath: string, version: string, { returnable }: Pick<Grave, "returnable">): Failure {
  return returnable
    ? new Failure(
        "conflict",
        `${modulePath}@${version} was published before with other content, and its name is never used again; publish another version`,
        { reason: "version_differs" },
      )
    : new Failure(
        "gone",
        `${modulePath}@${version} was deleted by a maintainer and does not come back; publish another version`,
      );
}

/** What of a version tells whether it is the one that was taken away. */
interface Named {
  readonly modulePath: string;
  readonly version: string;
  readonly commit?: string | undefined;
  readonly goMod?: Buffer | undefined;
  readonly zip?: { readonly h1: string } | undefined;
}

/** A version that must stay away, and the grave that says so. */
export interface Buried<V> {
  readonly version: V;
  readonly grave: Grave & { readonly commit: string | null };
}

/**
 * Parts what may enter from what must stay away. Until the end of the transaction nobody takes one of these names away:
 * whoever makes tombstones locks them (trigger tombstone_lock), and is waited for here.
 */
export async function partBuried<V extends Named>(
  tx: Sql,
  versions: readonly V[],
): Promise<{ admitted: V[]; buried: Buried<V>[] }> {
  if (versions.length === 0) return { admitted: [], buried: [] };
  const paths = versions.map((v) => v.modulePath);
  const names = versions.map((v) => v.version);
  await tx.$executeRaw`SELECT pg_advisory_xact_lock_shared(${NAMES_LOCK}::int, place) FROM (
    SELECT DISTINCT hashtext(path) & 255 AS place FROM unnest(${paths}::text[]) AS path ORDER BY place) AS ordered`;
  const rows = await tx.$queryRaw<
    (BuriedContent & { path: string; version: string; reason: string; returnable: boolean })[]
  >`SELECT t.module_path AS path, t.version, t."commit", t.go_mod_h1, t.h1, t.reason, t.returnable FROM tombstone t
    JOIN unnest(${paths}::text[], ${names}::text[]) AS new (module_path, version) USING (module_path, version)`;
  const graves = new Map(rows.map((row) => [`${row.path}@${row.version}`, row]));
  const admitted: V[] = [];
  const buried: Buried<V>[] = [];
  for (const version of versions) {
    const grave = graves.get(`${version.modulePath}@${version.version}`);
    if (!grave || (grave.returnable && isSame(version, grave))) admitted.push(version);
    else buried.push({ version, grave });
  }
  return { admitted, buried };
}

/** What is known of what was published under a name that was taken away. */
interface BuriedContent {
  /** Null for an uploaded version. */
  readonly commit: string | null;
  readonly go_mod_h1: string;
  /** Null for a version whose zip nobody had asked for. */
  readonly h1: string | null;
}

/** The same go.mod, and the same commit or the same zip; the database asks the same (tombstone_holds). */
function isSame({ commit, goMod, zip }: Named, grave: BuriedContent): boolean {
  if (goMod === undefined || grave.go_mod_h1 !== h1OfGoMod(goMod)) return false;
  return (commit !== undefined && grave.commit === commit) || (zip !== undefined && grave.h1 === zip.h1);
}

/** Why a tag cannot become a version whose name was taken away, in one sentence for its author. */
export function reasonToRefuse(version: string, { commit, returnable }: Buried<unknown>["grave"]): string {
  return returnable
    ? `${version} was published before ${commit === null ? "by an upload" : `from commit ${commit.slice(0, 12)}`} and its name is never given to other content; use a new version`
    : `${version} was deleted on purpose and does not come back; use a new version`;
}
