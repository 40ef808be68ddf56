// A group, or the namespace of a user: what is in it, its packages, who belongs to it, and the frame around its pages.

import { demandGroupAct, mayGroupAct } from "../../registry/access/access.ts";
import { demandGroup, descendantsOfGroups } from "../../registry/forge/groups.ts";
import { projectsOfGroups } from "../../registry/forge/projects.ts";
import { EMPTY_PAGE } from "../../registry/lists/keyset-page.ts";
import { packagesOfGroups } from "../../registry/packages/package-lists.ts";
import type { GroupRow } from "../../registry/rows.ts";
import { faultOf, type ShowForm, taking } from "../html/forms.ts";
import { crumbs, lines, mark, nothingYet, pageAsked, pager, tabs, time } from "../html/pieces.ts";
import { html, NOTHING } from "../html/template.ts";
import { type Page, page, type Show, seeOther, type Visit } from "../html/visit.ts";
import { visibilityMark } from "./groups.ts";
import { changeMembers, maySeeMembers, membersOf } from "./members.ts";
import { PACKAGES_A_PAGE, packagesAsked, packageTable } from "./package-table.ts";

const PROJECTS_A_PAGE = 30;
const SUBGROUPS = 100;

/** The group that the address names, if the visitor may see it. */
export const groupAsked = ({ registry, principal, named }: Visit): Promise<GroupRow> =>
  demandGroup(registry, principal, named.group!);

export const showGroup: Show = async (visit) => showGroupPage(visit, await groupAsked(visit));

/** The page of a group that was found already. */
export async function showGroupPage(visit: Visit, group: GroupRow): Promise<Page> {
  const { registry, principal, at, url } = visit;
  const [projects, below] = await Promise.all([
    projectsOfGroups(registry, principal, [group], { includeSubgroups: false }, pageAsked(visit, PROJECTS_A_PAGE)),
    descendantsOfGroups(registry, principal, [group], { first: SUBGROUPS }),
  ]);
  const list = projects.get(group.id) ?? EMPTY_PAGE;
  const subgroups = below.get(group.id)?.rows ?? [];
  return framedGroup(
    visit,
    group,
    "overview",
    html`${
      subgroups.length === 0
        ? NOTHING
        : html`<h2 id="subgroups">Subgroups</h2><ul>${subgroups.map(
            (one) =>
              html`<li><a data-jump href="${at.group(one.fullPath)}">${one.fullPath}</a> ${visibilityMark(one)}</li>`,
          )}</ul>`
    }
<h2 id="projects">Projects</h2>
${
  list.rows.length === 0
    ? nothingYet(
        html`<p>There is no project that you may see. A first push makes one:</p>${lines(`git push ${url}/${group.fullPath}/PROJECT.git main v0.1.0`)}`,
      )
    : html`<ul class="list">${list.rows.map(
        (
          project,
        ) => html`<li><h3><a data-jump href="${at.project(project.fullPath)}">${project.fullPath}</a> ${visibilityMark(project)}${project.archived ? mark("archived") : NOTHING}</h3>
${project.description ? html`<p>${project.description}</p>` : NOTHING}<p class="quiet">active ${time(project.lastActivityAt)}</p></li>
`,
      )}</ul>`
}${pager(visit, list, "projects")}`,
  );
}

export const showGroupPackages: Show = async (visit) => {
  const { registry, principal, at } = visit;
  const group = await groupAsked(visit);
  const found = await packagesOfGroups(
    registry,
    principal,
    [group],
    { includeSubgroups: true },
    packagesAsked(visit),
    pageAsked(visit, PACKAGES_A_PAGE),
  );
  const empty = html`<p>Nothing was published in this group yet that you may read: push a tag to one of its projects.</p>`;
  const list = await packageTable(
    visit,
    at.groupPart(group.fullPath, "packages"),
    found.get(group.id) ?? EMPTY_PAGE,
    empty,
  );
  return framedGroup(visit, group, "packages", list);
};

export const showGroupMembers: ShowForm = async (visit, fault) => {
  const group = await groupAsked(visit);
  demandGroupAct(visit.principal, "member.list", group);
  const members = await membersOf(visit, { group }, visit.at.groupPart(group.fullPath, "group_members"));
  return framedGroup(visit, group, "members", html`${faultOf(fault)}${members}`);
};

export const changeGroupMembers = taking(showGroupMembers, async (visit) => {
  const group = await groupAsked(visit);
  await changeMembers(visit, { group });
  return seeOther(visit.at.groupPart(group.fullPath, "group_members"));
});

/** Where a group has its pages, and what is shown of it now. `name`: of a part of the settings, for the title. */
export function framedGroup(
  visit: Visit,
  group: GroupRow,
  here: "overview" | "packages" | "members" | "settings",
  content: unknown,
  name = `${here[0]!.toUpperCase()}${here.slice(1)}`,
): Page {
  const { at, principal } = visit;
  const { fullPath } = group;
  const entries: (readonly [string, string, boolean])[] = [
    ["Overview", at.group(fullPath), here === "overview"],
    ["Packages", at.groupPart(fullPath, "packages"), here === "packages"],
  ];
  if (maySeeMembers(visit, { group }))
    entries.push(["Members", at.groupPart(fullPath, "group_members"), here === "members"]);
  if (mayGroupAct(principal, "token.list", group)) {
    const first = mayGroupAct(principal, "group.update", group) ? "edit" : "deploy_tokens";
    entries.push(["Settings", at.groupPart(fullPath, first), here === "settings"]);
  }
  const title = here === "overview" ? group.name : `${name} · ${group.name}`;
  return page(
    title,
    html`${crumbs(["Groups", at.groups()], ...pathSteps(fullPath, at.group))}
<h1>${group.name} ${visibilityMark(group)}</h1>
${group.description ? html`<p>${group.description}</p>` : NOTHING}
<p class="quiet"><a href="${at.setUp({ group: fullPath })}">Set me up</a> for this group · <a href="${at.feed(fullPath)}">Atom feed</a></p>
${tabs("Of the group", entries)}
${content}`,
    { section: "groups", feed: at.feed(fullPath) },
  );
}

/** The elements of a path, each a link to where it is; the last one is where we are. */
export function pathSteps(fullPath: string, addressOf: (path: string) => string): (readonly [string, string?])[] {
  const elements = fullPath.split("/");
  return elements.map((element, n) =>
    n === elements.length - 1 ? [element] : [element, addressOf(elements.slice(0, n + 1).join("/"))],
  );
}
