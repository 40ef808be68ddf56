// Which rules a project's tags follow.
import type { ProjectRow } from "../../registry/rows.ts";
import { GITLAB_TAG_SCHEME } from "./gitlab-tag-scheme.ts";
import { GO_TAG_SCHEME } from "./go-tag-scheme.ts";
import type { TagScheme } from "./tag-scheme.ts";

/** The rules that a project's tags follow. */
export function tagSchemeOf({ tagScheme }: Pick<ProjectRow, "tagScheme">): TagScheme {
  return tagScheme === "GITLAB" ? GITLAB_TAG_SCHEME : GO_TAG_SCHEME;
}
