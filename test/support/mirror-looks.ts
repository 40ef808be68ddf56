// Mirrors that look when a test has them look, and not by themselves in between: what a remote is told to do for one look would
// meet another one, of this mirror or of any that has the same remote, once the machine is so busy that its time has come.
import { expect } from "vitest";
import { wantLook } from "../../src/registry/forge/mirror-looks.ts";
import { demandMirror } from "../../src/registry/forge/mirrors.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import type { MirrorRow } from "../../src/registry/rows.ts";

const PATIENCE = { timeout: 30_000, interval: 20 };

/** Waits until no mirror looks, and has none look before it is wanted, for a day. */
export async function restMirrors({ database: { pool } }: Registry): Promise<void> {
  const looking = async (): Promise<number> => {
    await pool.query("UPDATE mirror SET next_look_at = now() + interval '1 day' WHERE look_started_at IS NULL");
    const { rows } = await pool.query(
      "SELECT count(*)::int AS looking FROM mirror WHERE look_started_at IS NOT NULL OR next_look_at < now() + interval '1 hour'",
    );
    return rows[0].looking;
  };
  await expect.poll(looking, PATIENCE).toBe(0);
}

/** Waits for a look of a project's mirror that ended after a moment (milliseconds since 1970), and tells how the mirror is. */
export async function looked(registry: Registry, fullPath: string, after: number): Promise<MirrorRow> {
  const mirror = (): Promise<MirrorRow> => demandMirror(registry, OPERATOR, fullPath);
  await expect.poll(async () => (await mirror()).lookedAt?.getTime() ?? 0, PATIENCE).toBeGreaterThan(after);
  return mirror();
}

/** Has a project's mirror look, and waits for that look. */
export async function look(registry: Registry, fullPath: string): Promise<MirrorRow> {
  await restMirrors(registry);
  const { projectId, lookedAt } = await demandMirror(registry, OPERATOR, fullPath);
  await wantLook(registry, projectId, 0);
  return looked(registry, fullPath, lookedAt?.getTime() ?? 0);
}
