// All groups, and all projects, that somebody may see; each with the form that makes one.
import { createGroup, searchGroups } from "../../registry/forge/groups.ts";
import { searchProjects, wantedLevel } from "../../registry/forge/project-search.ts";
import { createProject } from "../../registry/forge/projects.ts";
import { faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { here, lines, mark, nothingYet, numberedPageAsked, numberedPager, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { page, seeOther, type Visit } from "../html/visit.ts";

const ENTRIES = 30;

export const VISIBILITIES = [
  ["PRIVATE", "private: its members"],
  ["INTERNAL", "internal: every signed-in user"],
  ["PUBLIC", "public: everybody"],
] as const;

export type VisibilityName = (typeof VISIBILITIES)[number][0];

/** What a form says about visibility; undefined for nothing that is one. */
export function visibilityIn(visit: Visit): VisibilityName | undefined {
  return VISIBILITIES.map(([name]) => name).find((name) => name === visit.form.get("visibility"));
}

export const showGroups: ShowForm = async (visit, fault) => {
  const { registry, principal, query, at } = visit;
  const asked = numberedPageAsked(visit, ENTRIES);
  const search = query.get("search") || undefined;
  const found = await searchGroups(registry, principal, { search }, { by: "path", sort: "asc" }, asked);
  return page(
    "Groups",
    html`<h1>Groups</h1>
${faultOf(fault)}${searchForm(visit, at.groups())}
${
  found.rows.length === 0
    ? nothingYet(
        html`<p>There is no group that you may see${search === undefined ? NOTHING : " with such a name"}.</p>`,
      )
    : html`<ul class="list">${found.rows.map(
        (
          group,
        ) => html`<li><h2><a href="${at.group(group.fullPath)}">${group.fullPath}</a> ${visibilityMark(group)}</h2>
${group.description ? html`<p>${group.description}</p>` : NOTHING}</li>
`,
      )}</ul>`
}${numberedPager(visit, asked, found.more, "groups")}
${principal.kind === "user" ? newGroup(visit) : NOTHING}`,
    { section: "groups" },
  );
};

function newGroup(visit: Visit): Html {
  return html`<h2 id="new">A new group</h2>
${form(
  visit,
  visit.at.groups(),
  "",
  (
    fields,
  ) => html`${fields.text("path", "Path", { required: true, help: "Such as acme, or acme/tools within a group. Module paths are made of it, so it stays." })}
${fields.text("name", "Name")}
${fields.choice("visibility", "Who may see it", VISIBILITIES, "PRIVATE")}
<p><button type="submit" class="primary">Make the group</button></p>`,
)}`;
}

export const makeGroup = taking(showGroups, async (visit) => {
  const { registry, principal, at } = visit;
  const group = await createGroup(registry, principal, {
    fullPath: sent(visit, "path") ?? "",
    name: sent(visit, "name"),
    visibility: visibilityIn(visit),
  });
  return seeOther(at.group(group.fullPath));
});

export const showProjects: ShowForm = async (visit, fault) => {
  const { registry, principal, query, at, url } = visit;
  const asked = numberedPageAsked(visit, ENTRIES);
  const own = query.get("membership") === "true";
  const filter = {
    search: query.get("search") || undefined,
    searchNamespaces: true,
    minLevel: wantedLevel({ membership: own || undefined }),
  };
  const found = await searchProjects(registry, principal, filter, { by: "last_activity_at", sort: "desc" }, asked);
  return page(
    "Projects",
    html`<h1>Projects</h1>
${faultOf(fault)}${searchForm(visit, at.projects())}
${
  principal.kind === "user"
    ? html`<p class="row"><a href="${here(visit, { membership: undefined, page: undefined })}"${own ? NOTHING : html` aria-current="true"`}>All that you may see</a> <a href="${here(visit, { membership: "true", page: undefined })}"${own ? html` aria-current="true"` : NOTHING}>Of which you are a member</a></p>`
    : NOTHING
}
${
  found.rows.length === 0
    ? nothingYet(
        html`<p>There is no project that you may see. A first push makes one:</p>${lines(`git push ${url}/GROUP/PROJECT.git main v0.1.0`)}`,
      )
    : html`<ul class="list">${found.rows.map(
        (
          project,
        ) => html`<li><h2><a href="${at.project(project.fullPath)}">${project.fullPath}</a> ${visibilityMark(project)}${project.archived ? mark("archived") : NOTHING}</h2>
${project.description ? html`<p>${project.description}</p>` : NOTHING}
<p class="quiet">active ${time(project.lastActivityAt)}</p></li>
`,
      )}</ul>`
}${numberedPager(visit, asked, found.more, "projects")}
${principal.kind === "user" ? newProject(visit) : NOTHING}`,
    { section: "projects" },
  );
};

function newProject(visit: Visit): Html {
  return html`<h2 id="new">A new project</h2>
${form(
  visit,
  visit.at.projects(),
  "",
  (fields) => html`${fields.text("path", "Path", { required: true, help: "With its group, such as acme/lib." })}
${fields.choice("visibility", "Who may see it", VISIBILITIES, "PRIVATE")}
<p><button type="submit" class="primary">Make the project</button></p>`,
)}`;
}

export const makeProject = taking(showProjects, async (visit) => {
  const { registry, principal, at } = visit;
  const wanted = { fullPath: sent(visit, "path") ?? "", visibility: visibilityIn(visit) };
  const project = await createProject(registry, principal, wanted);
  return seeOther(at.project(project.fullPath));
});

function searchForm(visit: Visit, action: string): Html {
  return html`<form class="filters" action="${action}">
<div><label for="search">Part of the name</label><input id="search" name="search" type="search" value="${visit.query.get("search") ?? ""}"></div>
<div><button type="submit">Filter</button></div>
</form>`;
}

/** Who may see something, as a mark. */
export function visibilityMark({ visibility }: { readonly visibility: VisibilityName }): Html {
  return mark(visibility.toLowerCase(), visibility === "PUBLIC" ? "good" : "");
}
