// Users: found, made, blocked, made administrators, deleted; and a first token for each, which is shown once.

import { invalid, notFound } from "../../errors.ts";
import { demandAdministrator } from "../../registry/access/access.ts";
import { createPersonalToken } from "../../registry/forge/tokens.ts";
import {
  createUser,
  deleteUser,
  findUser,
  searchUsers,
  setUserBlocked,
  updateUser,
} from "../../registry/forge/users.ts";
import type { UserRow } from "../../registry/rows.ts";
import { buttonForm, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { banner, lines, mark, nothingYet, numberedPageAsked, numberedPager, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, seeOther, type Visit } from "../html/visit.ts";
import { adminPage } from "./frame.ts";

const ENTRIES = 50;

export const showUsers: ShowForm = (visit, fault) => usersPage(visit, fault);

async function usersPage(visit: Visit, fault?: string, news: unknown = NOTHING): Promise<Page> {
  const { registry, principal, query, at } = visit;
  demandAdministrator(principal);
  const asked = numberedPageAsked(visit, ENTRIES);
  const filter = { search: query.get("search") || undefined };
  const found = await searchUsers(registry, principal, filter, { by: "username", sort: "asc" }, asked);
  const action = at.admin("users");
  return adminPage(
    visit,
    "users",
    html`${faultOf(fault)}${news}
<form class="filters" action="${action}"><div><label for="search">Part of the name or the address</label><input id="search" name="search" type="search" value="${query.get("search") ?? ""}"></div><div><button type="submit">Find</button></div></form>
${
  found.rows.length === 0
    ? nothingYet(html`<p>No user fits.</p>`)
    : table(
        "Users",
        ["User", "Address", "State", "Since", "Change"],
        found.rows.map((user) => [
          html`<a href="${at.user(user.username)}">${user.username}</a> <span class="quiet">${user.name}</span>`,
          user.email ?? NOTHING,
          [
            user.admin ? mark("administrator", "good") : NOTHING,
            user.blockedAt === null ? NOTHING : mark("blocked", "bad"),
          ],
          time(user.createdAt),
          changes(visit, user),
        ]),
      )
}${numberedPager(visit, asked, found.more, "users")}
<h2 id="new">A new user</h2>
${form(
  visit,
  action,
  "create",
  (fields) => html`${fields.text("username", "User name", { required: true })}
${fields.text("name", "Name")}
${fields.text("email", "E-mail address")}
${fields.box("admin", "Administrator")}
<p><button type="submit" class="primary">Make the user</button></p>`,
)}
<h2 id="delete">Delete a user</h2>
<p>With the own namespace and the projects in it. Versions that were published are never given to other content.</p>
${form(visit, action, "delete", (fields) => html`${fields.text("victim", "User name, to be sure", { required: true })}<p><button type="submit" class="danger">Delete the user</button></p>`)}`,
  );
}

function changes(visit: Visit, { username, admin, blockedAt }: UserRow): Html {
  const button = (what: string, text: string, kind: "danger" | "" = ""): Html =>
    buttonForm(visit, visit.at.admin("users"), text, { do: what, username }, kind, `${text}: ${username}`);
  return html`<div class="row">${button("token", "New token")}${blockedAt === null ? button("block", "Block", "danger") : button("unblock", "Unblock")}${admin ? button("demote", "Take administration away") : button("promote", "Make administrator")}</div>`;
}

export const changeUsers = taking(showUsers, async (visit) => {
  const { registry, principal, at } = visit;
  demandAdministrator(principal);
  const done = sent(visit, "do");
  if (done === "create") {
    const wanted = {
      username: sent(visit, "username") ?? "",
      name: sent(visit, "name"),
      email: sent(visit, "email"),
      admin: sent(visit, "admin") === "true",
    };
    const { username } = await createUser(registry, principal, wanted);
    return usersPage(
      visit,
      undefined,
      banner("note", html`<p>The user ${username} is made. Its first token is made by the button in its row.</p>`),
    );
  }
  const user = await findUser(registry, sent(visit, done === "delete" ? "victim" : "username") ?? "");
  if (!user) throw notFound("there is no such user");
  const { username, id } = user;
  if (done === "token") {
    const scopes = ["api", "read_repository", "write_repository"];
    const { secret } = await createPersonalToken(registry, principal, username, { name: "first sign-in", scopes });
    return usersPage(
      visit,
      undefined,
      banner("note", html`<p>A token for ${username}; it cannot be shown again:</p>${lines(secret)}`),
    );
  }
  if (done === "block" || done === "unblock") await setUserBlocked(registry, principal, username, done === "block");
  else if (done === "promote" || done === "demote")
    await updateUser(registry, principal, id, { admin: done === "promote" });
  else if (done === "delete") await deleteUser(registry, principal, id);
  else throw invalid("this form says nothing that can be done");
  return seeOther(at.admin("users"));
});
