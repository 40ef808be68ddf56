// Addresses that GitLab has and people type or have bookmarked, where the same stands elsewhere here. They say nothing about
// what is there: the page that they lead to does.
import type { Redirect, Show, Visit } from "../html/visit.ts";

const moved = (to: string): Redirect => ({ kind: "redirect", to, status: 302 });

/** Leads to where the same stands. */
const to =
  (address: (visit: Visit) => string): Show =>
  (visit) =>
    moved(address(visit));

export const toSignIn = to(({ at }) => at.signIn());
export const toTokens = to(({ at }) => at.tokens());
export const toGroups = to(({ at }) => at.groups());
export const toProjects = to(({ at }) => at.projects());
/** A tag, or the commits of a ref: the page of what it made. */
export const toTree = to(({ at, named }) => at.projectPart(named.project!, `tree/${named.ref!}`));
export const toCommit = to(({ at, named }) => at.projectPart(named.project!, `commit/${named.ref!}`));
export const toTags = to(({ at, named }) => at.projectPart(named.project!, "tags"));
/** Of the settings: a part of GitLab's, in a project or a group. */
export const toSettings: Show = ({ at, named }) => {
  const part = PARTS[named.part!] ?? "edit";
  return moved(named.project === undefined ? at.groupPart(named.group!, part) : at.projectPart(named.project, part));
};

const PARTS: Readonly<Record<string, string>> = {
  repository: "deploy_tokens",
  ci_cd: "trusts",
  integrations: "hooks",
};
