// Deploy tokens of a project or a group: what machines read with, which are nobody. The secret is shown in the answer to its
// making, and never again.
import { mayAct, mayGroupAct } from "../../registry/access/access.ts";
import type { SCOPES_OF } from "../../registry/access/acts.ts";
import { findDeployTokens } from "../../registry/forge/deploy-tokens.ts";
import {
  createDeployToken,
  createGroupDeployToken,
  isActive,
  type MadeToken,
  revokeToken,
} from "../../registry/forge/tokens.ts";
import { buttonForm, dayIn, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { banner, lines, mark, nothingYet, numberedPageAsked, numberedPager, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, seeOther, type Visit } from "../html/visit.ts";
import { nameOfPlace, ownerAsked, partAddress, settingsPage } from "./place.ts";

const ENTRIES = 50;

const SCOPES = {
  read_package_registry: "the Go endpoint: go get",
  read_repository: "git clone and fetch",
  write_package_registry: "uploading versions",
} as const satisfies Record<(typeof SCOPES_OF)["deploy-token"][number], string>;

export const showDeployTokens: ShowForm = (visit, fault) => tokensPage(visit, fault, undefined);

async function tokensPage(visit: Visit, fault: string | undefined, made: MadeToken | undefined): Promise<Page> {
  const { registry, principal } = visit;
  const owner = await ownerAsked(visit);
  const asked = numberedPageAsked(visit, ENTRIES);
  const { rows, more } = await findDeployTokens(registry, principal, owner, false, asked);
  const action = partAddress(visit, owner, "deploy_tokens");
  const mayChange =
    "project" in owner
      ? mayAct(principal, "token.create", owner.project)
      : mayGroupAct(principal, "token.create", owner.group);
  const columns = ["Name", "User name", "Scopes", "State", "Last used", "Expires"];
  return settingsPage(
    visit,
    owner,
    "deploy_tokens",
    html`${faultOf(fault)}${made === undefined ? NOTHING : justMade(visit, made)}
<p>A deploy token is nobody: it opens ${nameOfPlace(owner)}${"group" in owner ? " and all projects below it" : ""}, and nothing else.</p>
${
  rows.length === 0
    ? nothingYet(html`<p>There is no deploy token. CI jobs that have ID tokens need none: see the trusted CI jobs.</p>`)
    : table(
        "Deploy tokens that are not revoked",
        mayChange ? [...columns, "Change"] : columns,
        rows.map((token) => {
          const cells = [
            token.name,
            html`<code>${token.username}</code>`,
            html`<span class="mono">${token.scopes.join(", ")}</span>`,
            isActive(token) ? mark("active", "good") : mark("expired"),
            time(token.lastUsedAt),
            token.expiresAt === null ? "never" : time(token.expiresAt),
          ];
          const revoke = () =>
            buttonForm(
              visit,
              action,
              "Revoke",
              { do: "revoke", id: String(token.id) },
              "danger",
              `Revoke ${token.name}`,
            );
          return mayChange ? [...cells, revoke()] : cells;
        }),
      )
}${numberedPager(visit, asked, more, "deploy tokens")}
${
  mayChange
    ? html`<h2 id="new">A new deploy token</h2>
${form(
  visit,
  action,
  "create",
  (fields) => html`${fields.text("name", "Name", { required: true, help: "What it is for, such as build server." })}
${fields.text("username", "User name", { help: "What goes with it in ~/.netrc; empty: one is made up." })}
${fields.boxes("scopes", "Scopes", Object.entries(SCOPES), ["read_package_registry"])}
${fields.text("expires", "Expires", { type: "date", help: "It is refused from this day on; empty: never." })}
<p><button type="submit" class="primary">Make the deploy token</button></p>`,
)}`
    : NOTHING
}`,
  );
}

function justMade({ url }: Visit, { token, secret }: MadeToken): Html {
  const host = new URL(url).hostname;
  return banner(
    "note",
    html`<p><strong>The deploy token ${token.name} is made.</strong> Copy it now: it cannot be shown again.</p>${lines(secret)}
<p>For go and git, in <code>~/.netrc</code>:</p>${lines(`machine ${host} login ${token.username} password ${secret}`)}`,
  );
}

export const changeDeployTokens = taking(showDeployTokens, async (visit) => {
  const { registry, principal, form: fields } = visit;
  const owner = await ownerAsked(visit);
  if (sent(visit, "do") === "revoke") {
    await revokeToken(registry, principal, Number(sent(visit, "id")));
    return seeOther(partAddress(visit, owner, "deploy_tokens"));
  }
  const input = {
    name: sent(visit, "name") ?? "",
    username: sent(visit, "username"),
    scopes: fields.getAll("scopes"),
    expiresAt: dayIn(visit, "expires"),
  };
  const made = await ("project" in owner
    ? createDeployToken(registry, principal, owner.project.fullPath, input)
    : createGroupDeployToken(registry, principal, owner.group.fullPath, input));
  return tokensPage(visit, undefined, made);
});
