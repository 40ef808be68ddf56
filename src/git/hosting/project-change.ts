// Changing a project where its repository has a say: which branch is the default one is kept twice, in the project's row for
// lists and in the repository's HEAD, which clones check out and which @latest of a module without versions is made of.
import { type ProjectChange, updateProject } from "../../registry/forge/projects.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { applyDefaultBranch } from "./recorded-push.ts";
import type { Repositories } from "./repositories-of-projects.ts";

/** updateProject, after which HEAD names the default branch that was given. */
export async function changeProject(
  registry: Registry,
  repositories: Repositories,
  principal: Principal,
  fullPath: string,
  input: ProjectChange,
): Promise<ProjectRow> {
  const updated = await updateProject(registry, principal, fullPath, input);
  if (input.defaultBranch !== undefined) await applyDefaultBranch(registry, repositories, updated);
  return updated;
}
