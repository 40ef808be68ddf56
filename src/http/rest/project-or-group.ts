// Calls that GitLab has for projects and for groups alike: what the :id of such an address names.
import { demandProject } from "../../registry/forge/projects.ts";
import type { GroupRow, ProjectRow } from "../../registry/rows.ts";
import type { CallRequest } from "./call.ts";
import { groupOfAddress } from "./group-calls.ts";

export type ProjectOrGroup = { readonly project: ProjectRow } | { readonly group: GroupRow };

/** The project or group of an address; throws as if there were none for a principal that may not see it. */
export async function projectOrGroup(
  kind: "project" | "group",
  { registry, principal, parameters }: CallRequest<{ readonly id: number | string }>,
): Promise<ProjectOrGroup> {
  if (kind === "project") return { project: await demandProject(registry, principal, parameters.id) };
  return { group: await groupOfAddress(registry, principal, parameters.id) };
}
