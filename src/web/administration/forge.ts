// All groups, and all mirrors with how they are doing: where an administrator looks first. What is changed of one is changed on
// its own page.
import { demandAdministrator } from "../../registry/access/access.ts";
import { searchGroups } from "../../registry/forge/groups.ts";
import { listMirrors } from "../../registry/forge/mirrors.ts";
import { mark, nothingYet, numberedPageAsked, numberedPager, table, time } from "../html/pieces.ts";
import { html, NOTHING } from "../html/template.ts";
import type { Show } from "../html/visit.ts";
import { adminPage, searchFor } from "./frame.ts";

const ENTRIES = 50;

export const showAllGroups: Show = async (visit) => {
  const { registry, principal, query, at } = visit;
  demandAdministrator(principal);
  const asked = numberedPageAsked(visit, ENTRIES);
  const filter = { search: query.get("search") || undefined };
  const { rows, more } = await searchGroups(registry, principal, filter, { by: "path", sort: "asc" }, asked);
  return adminPage(
    visit,
    "groups",
    html`${searchFor(visit, "groups", "Part of the name")}
${
  rows.length === 0
    ? nothingYet(html`<p>There is no group, or none fits.</p>`)
    : table(
        "Groups",
        ["Group", "Seen by", "Since", "Change"],
        rows.map(({ fullPath, description, visibility, createdAt }) => [
          html`<a href="${at.group(fullPath)}">${fullPath}</a>${description ? html`<br><span class="quiet">${description}</span>` : NOTHING}`,
          visibility.toLowerCase(),
          time(createdAt),
          html`<a href="${at.groupPart(fullPath, "edit")}">Settings</a> · <a href="${at.groupPart(fullPath, "group_members")}">Members</a>`,
        ]),
      )
}${numberedPager(visit, asked, more, "groups")}
<p><a href="${at.groups()}">Make a group</a></p>`,
  );
};

export const showMirrors: Show = async (visit) => {
  const { registry, principal, at } = visit;
  const asked = numberedPageAsked(visit, ENTRIES);
  const { rows, more } = await listMirrors(registry, principal, asked);
  return adminPage(
    visit,
    "mirrors",
    html`${
      rows.length === 0
        ? nothingYet(html`<p>No project follows a repository elsewhere.</p>`)
        : table(
            "Projects that follow a repository elsewhere",
            ["Project", "Follows", "State", "Looked", "Looks next"],
            rows.map(({ project, url, enabled, failures, lastError, lookedAt, nextLookAt }) => [
              html`<a href="${at.projectPart(project.fullPath, "mirror")}">${project.fullPath}</a>`,
              html`<span class="mono">${url}</span>`,
              html`${enabled ? (failures > 0 ? mark("failing", "bad") : mark("on", "good")) : mark("not followed")}${lastError === null ? NOTHING : html`<div class="quiet">${lastError}</div>`}`,
              time(lookedAt),
              enabled ? time(nextLookAt) : NOTHING,
            ]),
          )
    }${numberedPager(visit, asked, more, "mirrors")}`,
  );
};
