// Ids that name the kind of the thing as well as its number, `gid://gokura/Project/1`, as GitLab's do (doc/api/graphql,
// "Global IDs"): an id of a group cannot be taken for one of a project. GitLab's own form is understood where GitLab has the
// thing, so that scripts can keep it: gid://gitlab/Packages::Package/1.
import { invalid } from "../errors.ts";
import { isId } from "../registry/lists/keyset-page.ts";

/** The types whose objects have ids. */
export type GlobalType =
  | "User"
  | "Token"
  | "Trust"
  | "Hook"
  | "HookDelivery"
  | "Mirror"
  | "Group"
  | "Project"
  | "Member"
  | "GoModule"
  | "GoModuleVersion"
  | "AuditEvent"
  | "Policy"
  | "Package"
  | "PackageFile"
  | "PackageDependencyLink"
  | "PackageDependency";

/** What GitLab calls them. */
const GITLAB_TYPES: Partial<Record<GlobalType, string>> = {
  User: "User",
  Group: "Group",
  Project: "Project",
  Package: "Packages::Package",
  PackageFile: "Packages::PackageFile",
};

/** The global id of a row. */
export function globalId(type: GlobalType, row: { readonly id: number }): string {
  return `gid://gokura/${type}/${row.id}`;
}

/** The number in a global id of this type, ours or GitLab's. Throws invalid for any other text. */
export function numberIn(type: GlobalType, text: string): number {
  const prefix = `gid://gokura/${type}/`;
  const gitlabType = GITLAB_TYPES[type];
  const known = [prefix, ...(gitlabType ? [`gid://gitlab/${gitlabType}/`] : [])];
  const digits = text.slice(known.find((each) => text.startsWith(each))?.length ?? text.length);
  const id = Number(digits);
  if (!/^[1-9]\d*$/.test(digits) || !isId(id))
    throw invalid(`"${text.slice(0, 60)}" is no id of a ${type}; one looks like ${prefix}1`);
  return id;
}
