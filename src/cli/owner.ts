// Whose something is, as commands are told it: a project's or a group's.
import { InvalidArgumentError } from "commander";
import { demandGroup } from "../registry/forge/groups.ts";
import { demandProject } from "../registry/forge/projects.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { GroupRow, ProjectRow } from "../registry/rows.ts";

export interface OwnerOptions {
  /** Full paths. */
  readonly project: string | undefined;
  readonly group: string | undefined;
}

/** The project or the group that is named. Refuses both at once and neither; throws not-found. */
export async function ownerNamed(
  registry: Registry,
  principal: Principal,
  { project, group }: OwnerOptions,
): Promise<{ readonly project: ProjectRow } | { readonly group: GroupRow }> {
  checkOwner({ project, group });
  if (project !== undefined) return { project: await demandProject(registry, principal, project) };
  return { group: await demandGroup(registry, principal, group!) };
}

/** Refuses both at once and neither. */
export function checkOwner({ project, group }: OwnerOptions): void {
  if ((project === undefined) === (group === undefined))
    throw new InvalidArgumentError("name either --project or --group.");
}
