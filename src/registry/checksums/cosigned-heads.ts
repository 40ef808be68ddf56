// The newest head of the log, under each of its names, that enough witnesses have signed, for all servers.
import type { Registry } from "../registry.ts";

/** Keeps a checkpoint with the signatures of witnesses, unless a larger one is kept. */
export async function keepCosigned({ database }: Registry, name: string, size: number, note: Buffer): Promise<void> {
  await database.pool.query(
    `INSERT INTO sum_checkpoint AS kept (name, size, note) VALUES ($1, $2, $3)
      ON CONFLICT (name) DO UPDATE SET size = EXCLUDED.size, note = EXCLUDED.note, at = now() WHERE kept.size <= EXCLUDED.size`,
    [name, size, note],
  );
}

/** The newest of a name; undefined: none was ever signed by enough of them. */
export async function cosignedHead({ database }: Registry, name: string): Promise<Buffer | undefined> {
  const { rows } = await database.pool.query<{ note: Buffer }>("SELECT note FROM sum_checkpoint WHERE name = $1", [
    name,
  ]);
  return rows[0]?.note;
}

/** Forgets all of them: nobody signs any more. */
export async function forgetCosigned({ database }: Registry): Promise<void> {
  await database.pool.query("DELETE FROM sum_checkpoint");
}
