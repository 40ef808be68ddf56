// Which rules a project's tags follow.
import type { ProjectRow } from "../../registry/rows.ts";
import { GITLAB_TAG_SCHEME } from "./gitlab-tag-scheme.ts";
import { goTagScheme } from "./go-tag-scheme.ts";
import type { TagScheme } from "./tag-scheme.ts";

/** The rules that a project's tags follow. */
export function tagSchemeOf(project: Pick<ProjectRow, "tagScheme" | "listRefused">): TagScheme {
  return project.tagScheme === "GITLAB" ? GITLAB_TAG_SCHEME : goTagScheme(project);
}
