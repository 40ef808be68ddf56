// Whether the database answers at all: what cannot be told from the failure of a single statement.
import type { Registry } from "./registry.ts";

/** Throws what keeps the database from answering. */
export async function demandDatabase({ database }: Registry): Promise<void> {
  await database.pool.query("SELECT 1");
}

/** Whether it answers. */
export function databaseAnswers(registry: Registry): Promise<boolean> {
  return demandDatabase(registry).then(
    () => true,
    () => false,
  );
}
