// How visible a thing may be: at most as visible as the group that it is in (GitLab, "Project and group visibility").
import type { Visibility } from "../../database/generated/client.ts";
import { invalid } from "../../errors.ts";

const RANK: Record<Visibility, number> = { PRIVATE: 0, INTERNAL: 1, PUBLIC: 2 };

/** Throws invalid when something would be more visible than the group around it. */
export function checkVisibility(
  visibility: Visibility,
  around: { readonly visibility: Visibility; readonly fullPath: string } | undefined,
): void {
  if (around && RANK[visibility] > RANK[around.visibility])
    throw invalid(
      `visibility ${visibility.toLowerCase()} is not allowed: the group ${around.fullPath} is ${around.visibility.toLowerCase()}`,
      "visibility",
    );
}

/** The less visible of two. */
export function narrower(one: Visibility, other: Visibility): Visibility {
  return RANK[one] < RANK[other] ? one : other;
}
