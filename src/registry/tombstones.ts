// Names that were taken away (see Tombstone in prisma/schema.prisma).
import type { Registry } from "./registry.ts";

/** Whether a version was published once and is there no more. */
export async function isBuried(registry: Registry, modulePath: string, version: string): Promise<boolean> {
  const where = { modulePath_version: { modulePath, version } };
  return (await registry.prisma.tombstone.findUnique({ where })) !== null;
}
