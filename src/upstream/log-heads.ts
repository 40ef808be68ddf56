// Once an hour the head of the first checksum database is seen: that so many records existed then. Ages of versions are worked
// out of it (registry/policies/version-ages.ts). Its signature is all that counts: an old head that somebody plays again says
// less than the truth, never more.
import { seeHead } from "../registry/policies/version-ages.ts";
import type { Registry } from "../registry/registry.ts";
import type { SumDatabase } from "../sumdb/database-name.ts";
import { parseVerifierKey } from "../sumdb/note.ts";
import { openGoHead } from "../sumdb/tree-head.ts";
import type { SumdbProxy } from "./sumdb-proxy.ts";

const HOUR_MS = 3_600_000;

async function lookAtHead(registry: Registry, database: SumDatabase, proxy: SumdbProxy): Promise<void> {
  try {
    const answer = await proxy.serve(`${database.name}/latest`);
    if (answer.kind !== "found") return;
    const { size } = openGoHead(answer.bytes, [parseVerifierKey(database.verifierKey)]);
    await seeHead(registry, size);
  } catch (error) {
    registry.log.debug({ err: error, database: database.name }, "the head of the checksum database could not be seen");
  }
}

/** Looks at the head once an hour, and at once where a cooldown waits for it, until it is closed. */
export function keepHeads(registry: Registry, database: SumDatabase, proxy: SumdbProxy): { close(): void } {
  const look = (): void => void lookAtHead(registry, database, proxy);
  if (registry.policies.cooldown) look();
  const timer = setInterval(look, HOUR_MS).unref();
  return { close: () => clearInterval(timer) };
}
