// The module hosts that a registry had. A module path begins with the host that the server had when the version was
// published, and keeps it: whoever sets GOKURA_MODULE_HOST, or a GOKURA_URL that it follows, to another name later has
// published versions below the name before. These are served as ever, and that name stays ours: no upstream may hear of it
// or answer for it (module-owner.ts).
import type { Registry } from "../registry.ts";

/** Modules that are published here, and versions that were, below the host `h`. */
const PUBLISHED_BELOW = `EXISTS (SELECT FROM module WHERE project_id IS NOT NULL AND starts_with(path, h.host || '/'))
  OR EXISTS (SELECT FROM tombstone WHERE starts_with(module_path, h.host || '/'))`;

/**
 * Writes down which module host this server has, and says in the log when it is another one than before. A host below which
 * nothing was ever published is forgotten, so that one that was a mistake takes nobody's names.
 */
export async function noteModuleHost({ database: { pool }, moduleHost, log }: Registry): Promise<void> {
  const noted = await pool.query("INSERT INTO module_host (host) VALUES ($1) ON CONFLICT DO NOTHING", [moduleHost]);
  await pool.query(`DELETE FROM module_host h WHERE host <> $1 AND NOT (${PUBLISHED_BELOW})`, [moduleHost]);
  if (noted.rowCount === 0) return;
  const former = await formerModuleHosts({ database: { pool }, moduleHost });
  if (former.length > 0)
    log.warn(
      { moduleHost, former },
      "the module host is another one: what was published below the former ones stays there",
    );
}

/** The module hosts that were and below which something was published, the oldest first. */
export async function formerModuleHosts({
  database: { pool },
  moduleHost,
}: Pick<Registry, "moduleHost"> & { readonly database: Pick<Registry["database"], "pool"> }): Promise<string[]> {
  const { rows } = await pool.query<{ host: string }>(
    "SELECT host FROM module_host WHERE host <> $1 ORDER BY since, host",
    [moduleHost],
  );
  return rows.map(({ host }) => host);
}
