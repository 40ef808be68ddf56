// How the domain changes something: one transaction, and afterwards this process forgets what it remembered about access
// without waiting for the database's notice, so that whoever made the change sees it at once. What is unique and taken is
// told as a conflict, and so is what somebody else made or deleted meanwhile.
import { isForeignKeyViolation, isGone, isUniqueViolation, type Transaction } from "../database/client.ts";
import { Failure } from "../errors.ts";
import type { Registry } from "./registry.ts";

const TRANSACTION_TIMEOUT_MS = 60_000;

/** Runs a change in a transaction. `taken` says what a violated unique rule means, to a person or to a form. */
export async function change<T>(
  registry: Registry,
  taken: string | Failure,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await registry.prisma.$transaction(work, { timeout: TRANSACTION_TIMEOUT_MS });
  } catch (error) {
    if (isUniqueViolation(error))
      throw typeof taken === "string" ? new Failure("conflict", taken, { cause: error }) : taken;
    if (isGone(error)) throw new Failure("not-found", "it is gone: somebody deleted it a moment ago", { cause: error });
    if (isForeignKeyViolation(error))
      throw new Failure("conflict", "what belongs together changed a moment ago: look again, and decide anew", {
        cause: error,
      });
    throw error;
  } finally {
    registry.memory.forget();
  }
}

/** Says in a transaction that published things are about to be taken away on purpose (migration "guards", 3). */
export async function deliberately(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT set_config('gokura.deliberate', 'on', true)`;
}

/** That a path belongs to somebody else already. */
export function pathTaken(fullPath: string): Failure {
  const fields = { path: "has already been taken" };
  return new Failure("conflict", `the path ${fullPath} has already been taken`, { fields, reason: "path_taken" });
}
