// Which versions are retracted, and whether the module is deprecated. Both are said by the go.mod of the newest release
// (else the newest pre-release), +incompatible ones aside, and by no other (Go Modules Reference, "retract directive",
// "Deprecated comments"; cmd/go/internal/modload, checkRetractions); so they are worked out again when versions come.

import type { Transaction } from "../database/client.ts";
import { isFailure } from "../errors.ts";
import { isRetracted, parseGoMod, type Retraction } from "../gomod/go-mod-file.ts";
import { textOfGoMod } from "../gomod/go-mod-line.ts";
import { retractingVersion } from "../gomod/version-list.ts";
import type { Registry } from "./registry.ts";

/** Brings the marks of all versions of some modules up to date. */
export async function refreshRetractions(tx: Transaction, moduleIds: ReadonlySet<number>): Promise<void> {
  for (const moduleId of moduleIds) {
    const versions = await tx.moduleVersion.findMany({
      where: { moduleId, kind: { not: "PSEUDO" } },
      select: { id: true, version: true, retracted: true, retractRationale: true },
    });
    const newest = retractingVersion(versions.map((row) => row.version));
    const said = await saidBy(tx, versions.find((row) => row.version === newest)?.id);
    await tx.module.update({ where: { id: moduleId }, data: { deprecated: said.deprecated } });
    for (const row of versions) {
      const { retracted, rationale = null } = isRetracted(row.version, said.retracts);
      if (retracted !== row.retracted || (retracted && rationale !== row.retractRationale))
        await tx.moduleVersion.update({ where: { id: row.id }, data: { retracted, retractRationale: rationale } });
    }
  }
}

/** Whether a version of a module of a project is retracted, by what is published now. */
export async function retractionsOf(
  registry: Registry,
  projectId: number,
  modulePath: string,
): Promise<(version: string) => boolean> {
  const versions = await registry.prisma.moduleVersion.findMany({
    where: { module: { path: modulePath, projectId }, kind: { in: ["RELEASE", "PRERELEASE"] } },
    select: { id: true, version: true },
  });
  const newest = retractingVersion(versions.map((row) => row.version));
  const { retracts } = await saidBy(registry.prisma, versions.find((row) => row.version === newest)?.id);
  return (version) => isRetracted(version, retracts).retracted;
}

async function saidBy(
  tx: Transaction,
  versionId: number | undefined,
): Promise<{ retracts: readonly Retraction[]; deprecated: string | null }> {
  if (versionId === undefined) return { retracts: [], deprecated: null };
  const { goMod } = await tx.moduleVersion.findUniqueOrThrow({ where: { id: versionId }, select: { goMod: true } });
  try {
    const file = parseGoMod(textOfGoMod(goMod));
    return { retracts: file.retracts, deprecated: file.module?.deprecated ?? null };
  } catch (error) {
    if (isFailure(error)) return { retracts: [], deprecated: null };
    throw error;
  }
}
