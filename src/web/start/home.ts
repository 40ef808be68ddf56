// The first page: what this is, what was published last, and how to begin. On a server where nothing has been done yet it
// says what the first steps are.
import { findUserById, isOnlyUser } from "../../registry/forge/users.ts";
import { newestVersions } from "../../registry/versions/newest-versions.ts";
import { banner, lines, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { page, type Show, type Visit } from "../html/visit.ts";
import { goSettingsFor } from "./set-up.ts";

const NEWEST = 12;

export const showHome: Show = async (visit) => {
  const { registry, principal, at } = visit;
  const newest = await newestVersions(registry, principal, NEWEST);
  const first = newest.length === 0 ? await firstSteps(visit) : NOTHING;
  return page(
    "",
    html`<h1>A Go module registry</h1>
<p>Push a tag, <code>go get</code> it: git repositories, Go modules and their checksums, for those who may have them.</p>
${first}
<div class="columns">
<div>
<h2 id="newest">Newest versions</h2>
${
  newest.length === 0
    ? html`<p class="empty">${principal.kind === "anonymous" ? html`Nothing is open to everybody. <a href="${at.signIn()}">Sign in</a> to see what you may read.` : "Nothing was published yet that you may read."}</p>`
    : html`<ul class="list">${newest.map(
        ({ path, version, at: moment }) =>
          html`<li><a class="mono" data-jump href="${at.module(path, version)}">${path}</a> <span class="mono">${version}</span> <span class="quiet">${time(moment)}</span></li>
`,
      )}</ul>`
}
<p><a href="${at.search()}">All modules</a> · <a href="${at.at("/-/versions.atom")}">Atom feed</a></p>
</div>
<div class="side">
<h2 id="set-up">Set me up</h2>
${await goSettingsFor(visit)}
<p><a href="${at.setUp()}">All lines: ~/.netrc, git, CI</a></p>
</div>
</div>`,
    { feed: at.at("/-/versions.atom") },
  );
};

/** What to do first where nobody but the first administrator is there; nothing on a server that is in use. */
async function firstSteps({ registry, principal, at, url }: Visit): Promise<Html | ""> {
  if (!(await isOnlyUser(registry))) return NOTHING;
  if (principal.kind !== "user")
    return banner(
      "note",
      html`<p><strong>This server is new.</strong> It printed a token for its first administrator, <code>root</code>, when it started: <a href="${at.signIn()}">sign in with it</a>.</p>`,
    );
  const user = await findUserById(registry, principal.userId);
  return banner(
    "note",
    html`<p><strong>Welcome${user === undefined ? NOTHING : html`, ${user.username}`}.</strong> Three steps, and the first module is there:</p>
<ol>
<li><a href="${at.admin("users")}">Make users</a>, and a token for each.</li>
<li><a href="${at.groups()}">Make a group</a>, and add them as members.</li>
<li>Push a tag; the project is made by the push:${lines(`git push ${url}/GROUP/PROJECT.git main v0.1.0`)}</li>
</ol>`,
  );
}
