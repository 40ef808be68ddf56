// Who belongs to a group or a project, and the forms of those who may change that.

import { invalid } from "../../errors.ts";
import { mayAct, mayGroupAct } from "../../registry/access/access.ts";
import { ACCESS_LEVELS, nameOfLevel } from "../../registry/access/acts.ts";
import { addMember, listMembers, removeMember } from "../../registry/forge/members.ts";
import type { GroupRow, ProjectRow } from "../../registry/rows.ts";
import { buttonForm, dayIn, form, sent } from "../html/forms.ts";
import { nothingYet, pageAsked, pager, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";

const ENTRIES = 50;

/** What somebody is a member of. */
export type Belonging = { readonly project: ProjectRow } | { readonly group: GroupRow };

/** Whether the visitor may look at members. */
export function maySeeMembers({ principal }: Visit, of: Belonging): boolean {
  return "project" in of
    ? mayAct(principal, "member.list", of.project)
    : mayGroupAct(principal, "member.list", of.group);
}

/** The direct members, and the forms that add and remove. `action`: the address of the page. */
export async function membersOf(visit: Visit, of: Belonging, action: string): Promise<Html> {
  const { registry, principal, at } = visit;
  const lists = "project" in of ? { projects: [of.project] } : { groups: [of.group] };
  const list = (await listMembers(registry, principal, lists, pageAsked(visit, ENTRIES))).values().next().value;
  const mayAdd =
    "project" in of ? mayAct(principal, "member.add", of.project) : mayGroupAct(principal, "member.add", of.group);
  if (!list) return nothingYet(html`<p>Only members see who else is one.</p>`);
  const rows = list.rows.map(({ user, accessLevel, expiresAt }) => [
    html`<a href="${at.user(user.username)}">${user.username}</a> <span class="quiet">${user.name}</span>`,
    nameOfLevel(accessLevel) ?? String(accessLevel),
    expiresAt === null ? "for ever" : time(expiresAt),
    mayAdd
      ? buttonForm(
          visit,
          action,
          "Remove",
          { do: "remove", username: user.username },
          "danger",
          `Remove ${user.username}`,
        )
      : NOTHING,
  ]);
  return html`${
    list.rows.length === 0
      ? nothingYet(html`<p>Nobody is a direct member. Members of the groups around it are members here too.</p>`)
      : table(
          "Direct members",
          ["User", "Access level", "Until", ...(mayAdd ? ["Change"] : [])],
          mayAdd ? rows : rows.map((row) => row.slice(0, 3)),
        )
  }${pager(visit, list, "members")}
${
  mayAdd
    ? html`<h2 id="add">Add a member, or change a level</h2>
${form(
  visit,
  action,
  "add",
  (fields) => html`${fields.text("username", "User name", { required: true })}
${fields.choice(
  "level",
  "Access level",
  Object.keys(ACCESS_LEVELS).map((name) => [name, name] as const),
  "developer",
)}
${fields.text("expires", "Until", { type: "date", help: "The membership counts no more from this day on; empty: for ever." })}
<p><button type="submit" class="primary">Add</button></p>`,
)}`
    : NOTHING
}`;
}

/** Does what a form of membersOf asks. */
export async function changeMembers(visit: Visit, of: Belonging): Promise<void> {
  const { registry, principal } = visit;
  const place = "project" in of ? { projectPath: of.project.fullPath } : { groupPath: of.group.fullPath };
  const username = sent(visit, "username") ?? "";
  if (sent(visit, "do") === "remove") {
    await removeMember(registry, principal, place, username);
    return;
  }
  const level = Object.entries(ACCESS_LEVELS).find(([name]) => name === sent(visit, "level"));
  if (!level) throw invalid("choose an access level");
  await addMember(registry, principal, place, {
    username,
    accessLevel: level[1],
    expiresAt: dayIn(visit, "expires") ?? null,
  });
}
