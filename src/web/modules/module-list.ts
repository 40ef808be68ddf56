// Modules as a list of people's choices: what each is called, its newest version and how old that is, what it is for, and
// what to know before using it. Whatever is shown of many is read for all of them at once.

import { findProjects } from "../../registry/forge/projects.ts";
import { type DescribedModule, descriptionsOf } from "../../registry/modules/module-document.ts";
import type { ModuleRow, ProjectRow, VersionRow } from "../../registry/rows.ts";
import { latestVersions } from "../../registry/versions/listed-versions.ts";
import { mark, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";

/** What is read along with modules. */
export interface ListedModule {
  readonly module: ModuleRow;
  readonly latest: VersionRow | undefined;
  readonly project: ProjectRow | undefined;
  readonly described: DescribedModule | undefined;
}

/** Reads what a list shows of modules, in their order. Says nothing about who may see them. */
export async function readListed({ registry }: Visit, modules: readonly ModuleRow[]): Promise<ListedModule[]> {
  const ids = modules.map(({ id }) => id);
  const [latest, described, projects] = await Promise.all([
    latestVersions(registry, ids),
    descriptionsOf(registry, ids),
    findProjects(
      registry,
      modules.flatMap(({ projectId }) => projectId ?? []),
    ),
  ]);
  const byId = new Map(projects.map((project) => [project.id, project]));
  return modules.map((module) => ({
    module,
    latest: latest.get(module.id),
    project: module.projectId === null ? undefined : byId.get(module.projectId),
    described: described.get(module.id),
  }));
}

/** One module of a list, under a heading of this level; `more` stands below its description. */
export function listedModule(
  { at }: Visit,
  { module, latest, project, described }: ListedModule,
  level: 2 | 3,
  more: unknown = NOTHING,
): Html {
  const licences = [...new Set(described?.licenses.map(({ spdxId }) => spdxId))];
  return html`<li>
<h${level} class="name mono"><a href="${at.module(module.path)}" data-jump>${module.path}</a></h${level}>
${project?.description ? html`<p>${project.description}</p>` : NOTHING}${more}
<ul class="meta">
<li>${latest === undefined ? "no version yet" : html`${latest.version}, ${time(latest.time ?? latest.createdAt)}`}</li>
${licences.length > 0 ? html`<li>${licences.join(", ")}</li>` : NOTHING}
${project === undefined ? html`<li>stored from upstream</li>` : html`<li>in <a href="${at.project(project.fullPath)}">${project.fullPath}</a></li>`}
${marksOf(module, latest)}
</ul>
</li>
`;
}

/** What to know of a version before using it. */
function marksOf(module: { readonly deprecated: string | null }, version: VersionRow | undefined): Html[] {
  return [
    ...(module.deprecated === null ? [] : [html`<li>${mark("deprecated", "warn")}</li>`]),
    ...(version?.retracted ? [html`<li>${mark("retracted", "bad")}</li>`] : []),
  ];
}
