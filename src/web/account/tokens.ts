// One's own tokens and sessions: made, rotated, revoked, ended, and when each was last used. The secret of a token is shown in
// the answer to its making, and never again.

import { notFound } from "../../errors.ts";
import { demandUser } from "../../registry/access/access.ts";
import type { SCOPES_OF } from "../../registry/access/acts.ts";
import { endSession, sessionsOfUser } from "../../registry/access/web-sessions.ts";
import { findPersonalToken, rotatePersonalToken } from "../../registry/forge/personal-tokens.ts";
import { disconnectIdentity, type ListedIdentity, ownIdentities } from "../../registry/forge/provider-sign-in.ts";
import {
  createPersonalToken,
  isActive,
  type MadeToken,
  revokeToken,
  tokensOfUser,
} from "../../registry/forge/tokens.ts";
import { findUserById } from "../../registry/forge/users.ts";
import type { TokenRow } from "../../registry/rows.ts";
import { buttonForm, dayIn, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { banner, lines, mark, nothingYet, pageAsked, pager, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, page, seeOther, type Visit } from "../html/visit.ts";

const ENTRIES = 30;

/** What each scope opens, in a few words. */
const SCOPES: Readonly<Record<(typeof SCOPES_OF.user)[number], string>> = {
  api: "everything by the APIs and the pages, and git",
  read_api: "reading by the APIs, the pages, the Go endpoint and git",
  read_user: "who one is",
  read_repository: "git clone and fetch",
  write_repository: "git push",
  read_checksum_log: "the list of the checksum log: for auditors, made by administrators",
};

export const showTokens: ShowForm = (visit, fault) => tokensPage(visit, fault, undefined);

async function tokensPage(visit: Visit, fault: string | undefined, made: MadeToken | undefined): Promise<Page> {
  const { registry, principal, session, at } = visit;
  const { userId, tokenId, username } = demandUser(principal);
  const user = await findUserById(registry, userId);
  if (!user) throw notFound("the user was deleted a moment ago");
  const [list, sessions, identities] = await Promise.all([
    tokensOfUser(registry, principal, user, pageAsked(visit, ENTRIES)),
    sessionsOfUser(registry, principal, userId),
    ownIdentities(registry, principal),
  ]);
  return page(
    "Personal access tokens",
    html`<h1>Personal access tokens</h1>
<p>You are <strong>${username}</strong>, <a href="${at.user(username)}">your own projects</a>. A token is what go, git, programs and this browser sign in with.</p>
${faultOf(fault)}${made === undefined ? NOTHING : justMade(made)}
${
  list.rows.length === 0
    ? nothingYet(html`<p>You have no token.</p>`)
    : table(
        "Tokens, newest first",
        ["Name", "Scopes", "State", "Last used", "Expires", "Change"],
        list.rows.map((token) => [
          html`${token.name}${token.description ? html`<br><span class="quiet">${token.description}</span>` : NOTHING}`,
          html`<span class="mono">${token.scopes.join(", ")}</span>`,
          stateOf(token, token.id === tokenId),
          time(token.lastUsedAt),
          token.expiresAt === null ? "never" : time(token.expiresAt),
          isActive(token) ? changes(visit, token) : NOTHING,
        ]),
      )
}${pager(visit, list, "tokens")}
<h2 id="new">A new token</h2>
${form(
  visit,
  at.tokens(),
  "create",
  (fields) => html`${fields.text("name", "Name", { required: true, help: "What it is for, such as laptop." })}
${fields.boxes("scopes", "Scopes", Object.entries(SCOPES))}
${fields.text("expires", "Expires", { type: "date", help: "It is refused from this day on; empty: never." })}
<p><button type="submit" class="primary">Make the token</button></p>`,
)}
${identitiesSection(visit, identities)}<h2 id="sessions">Browsers that are signed in</h2>
${table(
  "Sessions, the last used first",
  ["Browser", "Signed in with", "Since", "Last used", "Change"],
  sessions.map((one) => [
    html`${one.browser}${one.id === session?.id ? html` ${mark("this one", "good")}` : NOTHING}`,
    one.tokenName ?? visit.parts.provider?.ask.name ?? "a provider",
    time(one.createdAt),
    time(one.lastUsedAt),
    buttonForm(
      visit,
      at.tokens(),
      "End",
      { do: "end-session", id: String(one.id) },
      "danger",
      `End the session ${one.id}`,
    ),
  ]),
)}`,
  );
}

/** Who one is at the provider that signs people in; nothing where there is none, and never was. */
function identitiesSection(visit: Visit, identities: readonly ListedIdentity[]): Html | "" {
  const { at, session, parts } = visit;
  const { provider } = parts;
  if (provider === undefined && identities.length === 0) return NOTHING;
  return html`<h2 id="identities">Signing in by a provider</h2>
${
  identities.length === 0
    ? html`<p>You are connected with none.</p>`
    : table(
        "Who you are at providers",
        ["Provider", "It calls you", "Last sign-in", "Change"],
        identities.map(({ id, issuer, subject, lastSignInAt }) => [
          html`<span class="mono">${issuer}</span>`,
          html`<span class="mono">${subject}</span>`,
          time(lastSignInAt),
          buttonForm(
            visit,
            at.tokens(),
            "Disconnect",
            { do: "disconnect", id: String(id) },
            "danger",
            `Disconnect ${subject}`,
          ),
        ]),
      )
}
${
  provider === undefined || session === undefined
    ? NOTHING
    : html`<p><a class="button" href="${at.signInByProvider(undefined, session.formToken)}">Connect with ${provider.ask.name}</a></p>
`
}`;
}

function justMade({ token, secret }: MadeToken): Html {
  return banner(
    "note",
    html`<p><strong>The token ${token.name} is made.</strong> Copy it now: it cannot be shown again.</p>${lines(secret)}`,
  );
}

function stateOf(token: TokenRow, isOwn: boolean): Html {
  const state = isActive(token) ? mark("active", "good") : mark(token.revokedAt === null ? "expired" : "revoked");
  return html`${state}${isOwn ? html` ${mark("this browser")}` : NOTHING}`;
}

function changes(visit: Visit, { id, name }: TokenRow): Html {
  const fields = { id: String(id) };
  const action = visit.at.tokens();
  return html`<div class="row">${buttonForm(visit, action, "Rotate", { ...fields, do: "rotate" }, "", `Rotate ${name}`)}${buttonForm(visit, action, "Revoke", { ...fields, do: "revoke" }, "danger", `Revoke ${name}`)}</div>`;
}

export const changeTokens = taking(showTokens, async (visit) => {
  const { registry, principal, form: fields, at } = visit;
  const { username, userId } = demandUser(principal);
  const id = Number(sent(visit, "id"));
  switch (sent(visit, "do")) {
    case "create": {
      const made = await createPersonalToken(registry, principal, username, {
        name: sent(visit, "name") ?? "",
        scopes: fields.getAll("scopes"),
        expiresAt: dayIn(visit, "expires"),
      });
      return tokensPage(visit, undefined, made);
    }
    case "rotate":
      return tokensPage(visit, undefined, await rotatePersonalToken(registry, principal, id));
    case "revoke": {
      // Administrators may revoke any token, but not by this page.
      const { userId: owner } = await findPersonalToken(registry, principal, id);
      if (owner !== userId) throw notFound("you have no such token");
      await revokeToken(registry, principal, id);
      return seeOther(at.tokens());
    }
    case "disconnect":
      await disconnectIdentity(registry, principal, id);
      return seeOther(at.tokens());
    default:
      await endSession(registry, principal, id);
      return seeOther(at.tokens());
  }
});
