// What is at a path: a project, a group or the namespace of a user; or an import path that somebody opened in a browser, which
// leads to the page of its package. What is not there and what may not be seen look alike.
import { hidden, maySeeGroup, maySeeProject } from "../../registry/access/access.ts";
import { findGroup } from "../../registry/forge/groups.ts";
import { findProject } from "../../registry/forge/projects.ts";
import type { Show } from "../html/visit.ts";
import { moduleOfImportPath } from "../modules/find-module.ts";
import { showGroupPage } from "./group.ts";
import { showProjectPage } from "./project.ts";

export const showByPath: Show = async (visit) => {
  const { registry, principal, named, at } = visit;
  const path = named.path!;
  const project = await findProject(registry, path);
  if (project && maySeeProject(principal, project)) return showProjectPage(visit, project);
  const group = await findGroup(registry, path);
  if (group && maySeeGroup(principal, group)) return showGroupPage(visit, group);
  const importPath = `${registry.moduleHost}/${path}`;
  if (await moduleOfImportPath(visit, importPath)) return { kind: "redirect", to: at.module(importPath), status: 302 };
  throw hidden(principal, "Project");
};
