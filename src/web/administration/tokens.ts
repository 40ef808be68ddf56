// All tokens of everybody, what they open and when they were last used; any can be revoked.

import { demandAdministrator } from "../../registry/access/access.ts";
import { listAllTokens } from "../../registry/administration/all-tokens.ts";
import { findGroups } from "../../registry/forge/groups.ts";
import { findProjects } from "../../registry/forge/projects.ts";
import { isActive, revokeToken } from "../../registry/forge/tokens.ts";
import { findUsersById } from "../../registry/forge/users.ts";
import type { TokenRow } from "../../registry/rows.ts";
import { buttonForm, choiceField, faultOf, type ShowForm, sent, taking } from "../html/forms.ts";
import { mark, nothingYet, pageAsked, pager, table, time } from "../html/pieces.ts";
import { html, NOTHING } from "../html/template.ts";
import { seeOther, type Visit } from "../html/visit.ts";
import { adminPage } from "./frame.ts";

const ENTRIES = 50;

export const showAllTokens: ShowForm = async (visit, fault) => {
  const { registry, principal, query, at } = visit;
  demandAdministrator(principal);
  const [kind, state] = [query.get("kind"), query.get("state")];
  const filter = {
    kind: kind === "PERSONAL" || kind === "DEPLOY" ? kind : null,
    active: state === "active" ? true : state === "inactive" ? false : null,
    search: query.get("search") || null,
    username: query.get("username") || null,
  } as const;
  const list = await listAllTokens(registry, principal, filter, pageAsked(visit, ENTRIES));
  const owners = await ownersOf(visit, list.rows);
  const action = at.admin("tokens");
  return adminPage(
    visit,
    "tokens",
    html`${faultOf(fault)}<form class="filters" action="${action}">
<div><label for="search">Part of the name</label><input id="search" name="search" type="search" value="${query.get("search") ?? ""}"></div>
<div><label for="username">Of the user</label><input id="username" name="username" type="search" value="${query.get("username") ?? ""}"></div>
${choiceField(
  "kind",
  "Kind",
  [
    ["", "any"],
    ["PERSONAL", "personal"],
    ["DEPLOY", "deploy"],
  ],
  kind,
)}
${choiceField(
  "state",
  "State",
  [
    ["", "any"],
    ["active", "active"],
    ["inactive", "revoked or expired"],
  ],
  state,
)}
<div><button type="submit">Find</button></div>
</form>
${
  list.rows.length === 0
    ? nothingYet(html`<p>No token fits.</p>`)
    : table(
        "Tokens, newest first",
        ["Name", "Of", "Scopes", "State", "Last used", "Expires", "Change"],
        list.rows.map((token) => [
          token.name,
          owners(token),
          html`<span class="mono">${token.scopes.join(", ")}</span>`,
          isActive(token) ? mark("active", "good") : mark(token.revokedAt === null ? "expired" : "revoked"),
          time(token.lastUsedAt),
          token.expiresAt === null ? "never" : time(token.expiresAt),
          isActive(token)
            ? buttonForm(visit, action, "Revoke", { id: String(token.id) }, "danger", `Revoke ${token.name}`)
            : NOTHING,
        ]),
      )
}${pager(visit, list, "tokens")}`,
  );
};

/** Says whose a token is. */
async function ownersOf({ registry, at }: Visit, tokens: readonly TokenRow[]) {
  const [users, projects, groups] = await Promise.all([
    findUsersById(
      registry,
      tokens.flatMap(({ userId }) => userId ?? []),
    ),
    findProjects(
      registry,
      tokens.flatMap(({ projectId }) => projectId ?? []),
    ),
    findGroups(
      registry,
      tokens.flatMap(({ groupId }) => groupId ?? []),
    ),
  ]);
  const names = new Map(users.map(({ id, username }) => [id, username]));
  const paths = new Map(projects.map(({ id, fullPath }) => [id, fullPath]));
  const groupPaths = new Map(groups.map(({ id, fullPath }) => [id, fullPath]));
  return ({ userId, projectId, groupId }: TokenRow) => {
    const [user, project, group] = [names.get(userId ?? 0), paths.get(projectId ?? 0), groupPaths.get(groupId ?? 0)];
    if (user !== undefined) return html`<a href="${at.user(user)}">${user}</a>`;
    if (project !== undefined) return html`<div>the project <a href="${at.project(project)}">${project}</a></div>`;
    return group === undefined ? NOTHING : html`<div>the group <a href="${at.group(group)}">${group}</a></div>`;
  };
}

export const changeAllTokens = taking(showAllTokens, async (visit) => {
  demandAdministrator(visit.principal);
  await revokeToken(visit.registry, visit.principal, Number(sent(visit, "id")));
  return seeOther(visit.at.admin("tokens"));
});
