// A project: its modules, packages, branches and tags, the tags that are no versions and why, and its members. Other
// addresses that GitLab has lead to where the same stands here.
import { demandAct, demandCode, mayAct, mayReadCode } from "../../registry/access/access.ts";
import { demandProject, modulePathOf } from "../../registry/forge/projects.ts";
import { EMPTY_PAGE } from "../../registry/lists/keyset-page.ts";
import { packagesOfProjects } from "../../registry/packages/package-lists.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { modulesOfProjects } from "../../registry/versions/modules.ts";
import { faultOf, type ShowForm, taking } from "../html/forms.ts";
import { banner, crumbs, facts, lines, mark, nothingYet, pageAsked, pager, tabs, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, page, type Show, seeOther, type Visit } from "../html/visit.ts";
import { listedModule, readListed } from "../modules/module-list.ts";
import { pathSteps } from "./group.ts";
import { visibilityMark } from "./groups.ts";
import { changeMembers, maySeeMembers, membersOf } from "./members.ts";
import { PACKAGES_A_PAGE, packagesAsked, packageTable } from "./package-table.ts";

const MODULES_A_PAGE = 30;

const TAGS_ARE_READ: Readonly<Record<ProjectRow["tagScheme"], string>> = {
  GO: "as the go command does",
  GITLAB: "as GitLab does",
};

/** The parts of a project's pages, as the tabs have them. */
type Part = "overview" | "packages" | "branches" | "tags" | "rejected_tags" | "project_members" | "settings";

/** The project that the address names, if the visitor may see it. */
export function projectAsked({ registry, principal, named }: Visit): Promise<ProjectRow> {
  return demandProject(registry, principal, named.project!);
}

/** The page of a project that was found already. */
export async function showProjectPage(visit: Visit, project: ProjectRow): Promise<Page> {
  const { registry, principal, at, url } = visit;
  const found = await modulesOfProjects(registry, principal, [project], pageAsked(visit, MODULES_A_PAGE));
  const list = found.get(project.id) ?? EMPTY_PAGE;
  const listed = await readListed(visit, list.rows);
  const remote = `${url}/${project.fullPath}.git`;
  return framed(
    visit,
    project,
    "overview",
    html`${
      project.archived
        ? banner("warn", html`<p>This project is archived: it takes no pushes, and serves what it has.</p>`)
        : NOTHING
    }${project.packagesEnabled ? NOTHING : banner("warn", html`<p>The package registry of this project is switched off.</p>`)}
<div class="columns">
<div>
<h2 id="modules">Modules</h2>
${
  listed.length === 0
    ? nothingYet(
        html`<p>${mayReadCode(principal, project) ? "Nothing was published yet: push a tag." : "You may see this project, but not read its code and packages."}</p>${lines(`git push ${remote} main v0.1.0`)}<p>A tag that is no version says why under <a href="${at.projectPart(project.fullPath, "rejected_tags")}">rejected tags</a>.</p>`,
      )
    : html`<ul class="list">${listed.map((one) => listedModule(visit, one, 3))}</ul>`
}${pager(visit, list, "modules")}
</div>
<aside aria-label="About the project">
<h2>Clone</h2>
${lines(`git clone ${remote}`)}
<h2>About</h2>
${facts(
  ["Module path", html`<code>${modulePathOf(registry, project)}</code>`],
  ["Also as", project.modulePrefix && html`<code>${project.modulePrefix}</code>`],
  ["Default branch", project.defaultBranch],
  ["Tags are read", TAGS_ARE_READ[project.tagScheme]],
  ["Packages for", project.packageAccess === "PRIVATE" ? "members" : "whoever may read the code"],
  ["Topics", project.topics.join(", ")],
  ["Active", time(project.lastActivityAt)],
  ["Made", time(project.createdAt)],
)}
<p><a href="${at.setUp({ project: project.fullPath })}">Set me up</a> for this project</p>
<p><img src="${at.projectPart(project.fullPath, "badges/version.svg")}" alt="The newest version, as a badge" height="20"></p>
</aside>
</div>`,
  );
}

export const showProjectPackages: Show = async (visit) => {
  const { registry, principal, at } = visit;
  const project = await projectAsked(visit);
  const found = await packagesOfProjects(
    registry,
    principal,
    [project],
    packagesAsked(visit),
    pageAsked(visit, PACKAGES_A_PAGE),
  );
  const empty = html`<p>Nothing was published yet that you may read: push a tag such as <code>v0.1.0</code>.</p>`;
  const action = at.projectPart(project.fullPath, "packages");
  const list = await packageTable(visit, action, found.get(project.id) ?? EMPTY_PAGE, empty);
  return framed(visit, project, "packages", list);
};

export const showProjectMembers: ShowForm = async (visit, fault) => {
  const project = await projectAsked(visit);
  demandAct(visit.principal, "member.list", project);
  const members = await membersOf(visit, { project }, visit.at.projectPart(project.fullPath, "project_members"));
  return framed(visit, project, "project_members", html`${faultOf(fault)}${members}`);
};

export const changeProjectMembers = taking(showProjectMembers, async (visit) => {
  const project = await projectAsked(visit);
  await changeMembers(visit, { project });
  return seeOther(visit.at.projectPart(project.fullPath, "project_members"));
});

/** The project that the address names, whose code the visitor may read. */
export async function codeAsked(visit: Visit): Promise<ProjectRow> {
  return demandCode(visit.principal, await projectAsked(visit));
}

/** Where a project has its pages, and what is shown of it now. `part`: of the settings, for the title. */
export function framed(visit: Visit, project: ProjectRow, here: Part, content: Html, part?: string): Page {
  const { at, principal } = visit;
  const { fullPath } = project;
  const firstSetting = mayAct(principal, "project.update", project) ? "edit" : "protected_tags";
  const entries: (readonly [string, string, boolean])[] = [["Overview", at.project(fullPath), here === "overview"]];
  const add = (name: string, part: Part, isShown = true): void => {
    if (isShown)
      entries.push([name, at.projectPart(fullPath, part === "settings" ? firstSetting : part), here === part]);
  };
  add("Packages", "packages");
  const readsCode = mayReadCode(principal, project);
  add("Branches", "branches", readsCode);
  add("Tags", "tags", readsCode);
  add("Rejected tags", "rejected_tags", readsCode);
  add("Members", "project_members", maySeeMembers(visit, { project }));
  add("Settings", "settings", mayAct(principal, "protected-tag.list", project));
  const [name] = entries.find(([, , isHere]) => isHere) ?? ["Overview"];
  return page(
    here === "overview" ? fullPath : `${part ?? name} · ${fullPath}`,
    html`${crumbs(["Groups", at.groups()], ...pathSteps(fullPath, at.group))}
<h1>${project.name} ${visibilityMark(project)}${project.archived ? html` ${mark("archived", "warn")}` : NOTHING}${project.mirrored ? html` ${mark("mirror")}` : NOTHING}</h1>
${project.description ? html`<p>${project.description}</p>` : NOTHING}
${tabs("Of the project", entries)}
${content}`,
    { section: "projects", feed: at.feed(fullPath) },
  );
}
