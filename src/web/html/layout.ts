// The frame around every page: what browsers must know of it, the bar on top with the search, and the line below. It has no
// inline style and no inline script, so that the policy of headers.ts can forbid both.

import { assetAddress } from "./assets.ts";
import { buttonForm } from "./forms.ts";
import { type Html, html, NOTHING } from "./template.ts";
import type { Page, Visit } from "./visit.ts";

const NAME = "Gokura";

/** The whole document of a page. */
export async function documentOf(visit: Visit, page: Page): Promise<string> {
  const { at } = visit;
  const title = page.title === "" ? NAME : `${page.title} · ${NAME}`;
  const permalink = page.permalink ?? visit.at.at(visit.path);
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${page.description === undefined ? NOTHING : openGraph(visit, title, page.description)}<link rel="canonical" href="${permalink}">
<link rel="stylesheet" href="${assetAddress(at, "style.css")}">
<link rel="icon" type="image/svg+xml" href="${assetAddress(at, "logo.svg")}">
${
  page.feed === undefined
    ? NOTHING
    : html`<link rel="alternate" type="application/atom+xml" title="New versions" href="${page.feed}">
`
}<script src="${assetAddress(at, "script.js")}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div>
<a class="logo" href="${at.home()}"><img src="${assetAddress(at, "logo.svg")}" alt="" width="24" height="24"> ${NAME}</a>
<form role="search" action="${at.search()}">
<label class="hidden-label" for="q">Search modules</label>
<input id="q" name="q" type="search" value="${visit.path === "/-/search" ? (visit.query.get("q") ?? "") : ""}" placeholder="Search modules" autocomplete="off">
<button type="submit">Search</button>
</form>
${navigation(visit, page)}
</div></header>
<main id="main" tabindex="-1">
${page.body}
</main>
<footer class="bottom">${NAME}, a Go module registry · <a href="${at.help()}" data-help>Help and keys</a> · <a href="${at.setUp()}">Set me up</a> · <a href="${at.at("/api/graphql")}">GraphQL</a> · <a href="${at.at("/api/v4/openapi.json")}">REST API</a></footer>
</body>
</html>
`;
  return String(await document);
}

function openGraph({ url, path }: Visit, title: string, description: string): Html {
  return html`<meta name="description" content="${description}">
<meta property="og:site_name" content="${NAME}">
<meta property="og:type" content="website">
<meta property="og:title" content="${title}">
<meta property="og:description" content="${description}">
<meta property="og:url" content="${url}${path}">
`;
}

function navigation(visit: Visit, { section }: Page): Html {
  const { at, principal, session } = visit;
  const entry = (name: string, address: string, isHere: boolean): Html =>
    html`<li><a href="${address}"${isHere ? html` aria-current="true"` : NOTHING}>${name}</a></li>`;
  return html`<nav aria-label="Main"><ul>
${entry("Modules", at.search(), section === "modules")}
${entry("Groups", at.groups(), section === "groups")}
${entry("Projects", at.projects(), section === "projects")}
${principal.kind === "user" && principal.admin ? entry("Admin", at.admin(), section === "admin") : NOTHING}
${
  principal.kind === "user"
    ? html`<li><a href="${at.tokens()}">${principal.username}</a></li>
${session === undefined ? NOTHING : html`<li>${buttonForm(visit, at.signOut(), "Sign out", {}, "plain")}</li>`}`
    : entry("Sign in", at.signIn(visit.path === "/-/sign-in" ? undefined : visit.path), visit.path === "/-/sign-in")
}
</ul></nav>`;
}
