// Taking a version back: an explicit act of a Maintainer, written down, and final. The version is 410 Gone from then on,
// stands in no list, and its name is never used again. (To steer users away from a version that may stay, authors retract
// it in go.mod instead: Go Modules Reference, "retract directive".)
import type { Transaction } from "../../database/client.ts";
import type { ModuleVersion } from "../../database/generated/client.ts";
import { Failure, notFound } from "../../errors.ts";
import { demandAct, demandAdministrator } from "../access/access.ts";
import { audit } from "../audit.ts";
import { change, deliberately } from "../change.ts";
import { announce } from "../forge/hook-events.ts";
import { nameOfPrincipal, type Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ModuleRow } from "../rows.ts";
import { withdrawDependencies } from "./dependencies.ts";
import { markGone } from "./index-feed.ts";
import { findModule } from "./modules.ts";
import { refreshRetractions } from "./retractions.ts";

/** Deletes a version and returns its module. Throws not-found when there is none that the principal may see. */
export async function deleteVersion(
  registry: Registry,
  principal: Principal,
  modulePath: string,
  version: string,
): Promise<ModuleRow> {
  const found = await findModule(registry, principal, modulePath);
  if (!found) throw notFound(`there is no module ${modulePath}`);
  const { module, project } = found;
  if (!project)
    throw new Failure("forbidden", `${modulePath} comes from upstream: what was fetched once stays as it is`);
  demandAct(principal, "version.delete", project);
  const row = await registry.prisma.moduleVersion.findUnique({
    where: { moduleId_version: { moduleId: module.id, version } },
  });
  if (!row) throw notFound(`there is no version ${version} of ${modulePath}`);
  await change(registry, "", (tx) => takeBack(registry, tx, principal, module, row));
  return module;
}

/**
 * Forgets a version from upstream that turned out not to be what everybody else has, so that it is fetched again. For
 * administrators; the caller has found out that it is such a one (registry/checksums/proved-sums.ts).
 */
export async function forgetUpstreamVersion(
  registry: Registry,
  principal: Principal,
  modulePath: string,
  version: string,
): Promise<void> {
  demandAdministrator(principal);
  await change(registry, "", async (tx) => {
    const [row] = await tx.$queryRaw<{ id: number; moduleId: number; h1: string | null; goModH1: string | null }[]>`
      SELECT v.id, v.module_id AS "moduleId", v.h1, v.go_mod_h1 AS "goModH1" FROM module_version v
      JOIN module m ON m.id = v.module_id
      WHERE m.path = ${modulePath} AND m.origin = 'UPSTREAM' AND v.version = ${version} FOR UPDATE OF m`;
    if (!row) throw notFound(`nothing is stored of ${modulePath}@${version}`);
    await deliberately(tx);
    await withdrawDependencies(tx, row);
    await tx.moduleVersion.delete({ where: { id: row.id } });
    await markGone(tx, modulePath, version);
    await refreshRetractions(tx, new Set([row.moduleId]));
    await registry.jobs.send(tx, "describe-module", { moduleId: row.moduleId });
    await audit(tx, principal, "upstream.forget", `${modulePath}@${version}`, { h1: row.h1, goModH1: row.goModH1 });
  });
}

/** Takes a version of a hosted module back, in a transaction of the caller, who has asked whether the principal may. */
export async function takeBack(
  registry: Registry,
  tx: Transaction,
  principal: Principal,
  module: { readonly id: number; readonly path: string },
  row: Pick<ModuleVersion, "id" | "moduleId" | "version" | "commit" | "goModH1" | "h1">,
): Promise<void> {
  const reason = "the version was deleted";
  const { id, version, h1 } = row;
  const { commit } = row;
  const goModH1 = row.goModH1!; // a hosted version is whole
  const { path: modulePath } = module;
  // As in publishing, one writer a project at a time, before anything else is locked.
  await tx.$queryRaw`SELECT 1 FROM project p JOIN module m ON m.project_id = p.id WHERE m.id = ${module.id} FOR UPDATE OF p`;
  await deliberately(tx);
  await tx.tombstone.upsert({
    where: { modulePath_version: { modulePath, version } },
    create: { modulePath, version, commit, goModH1, h1, reason, returnable: false },
    update: { reason, returnable: false },
  });
  await withdrawDependencies(tx, row);
  await tx.moduleVersion.delete({ where: { id } });
  await markGone(tx, modulePath, version);
  await refreshRetractions(tx, new Set([module.id]));
  await registry.jobs.send(tx, "describe-module", { moduleId: module.id });
  const [owner] = await tx.$queryRaw<{ project_id: number }[]>`SELECT project_id FROM module WHERE id = ${module.id}`;
  const gone = { path: modulePath, version, commit, sum: h1, go_mod_sum: goModH1 };
  await announce(tx, { projectId: owner!.project_id }, "version.deleted", [gone], nameOfPrincipal(principal));
  await audit(tx, principal, "version.delete", `${modulePath}@${version}`, { commit, h1 });
}
