// Finding modules: by words, with the kinds of what was found beside it, each a link that narrows. Without words it is the
// list of all modules.

import { type Highlight, highlightsOf } from "../../registry/modules/highlights.ts";
import { type FacetRow, facetsOf, type Search, searchModules } from "../../registry/modules/search.ts";
import { findModules, listModules } from "../../registry/versions/modules.ts";
import { here, howMany, nothingYet, pageAsked, pager } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, page, type Show, type Visit } from "../html/visit.ts";
import { listedModule, readListed } from "../modules/module-list.ts";

const ENTRIES = 20;

export const showSearch: Show = (visit) => {
  const words = (visit.query.get("q") ?? "").trim();
  return words === "" ? showAll(visit) : showFound(visit, words);
};

async function showAll(visit: Visit): Promise<Page> {
  const { registry, principal } = visit;
  const list = await listModules(registry, principal, {}, pageAsked(visit, ENTRIES));
  const listed = await readListed(visit, list.rows);
  return page(
    "Modules",
    html`<h1>Modules</h1>
${
  listed.length === 0
    ? nothingYet(
        html`<p>There is no module that you may read. <a href="${visit.at.setUp()}">Push a tag</a>, or sign in to see more.</p>`,
      )
    : html`<p class="quiet">All that you may read, by path.</p><ul class="list">${listed.map((one) => listedModule(visit, one, 2))}</ul>`
}${pager(visit, list, "modules")}`,
    { section: "modules" },
  );
}

async function showFound(visit: Visit, words: string): Promise<Page> {
  const { registry, principal, query } = visit;
  const origin = query.get("origin");
  const search: Search = {
    query: words,
    origin: origin === "HOSTED" || origin === "UPSTREAM" ? origin : null,
    license: query.get("license") || null,
    goVersion: query.get("go") || null,
  };
  const found = await searchModules(registry, principal, search, { first: ENTRIES, after: query.get("after") || null });
  const ids = found.rows.map(({ moduleId }) => moduleId);
  const [facets, highlights, rows] = await Promise.all([
    facetsOf(registry, found),
    highlightsOf(registry, words, ids),
    findModules(registry, ids),
  ]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const listed = await readListed(
    visit,
    ids.flatMap((id) => byId.get(id) ?? []),
  );
  return page(
    `Search: ${words.slice(0, 80)}`,
    html`<h1>Search</h1>
<p class="quiet">${howMany(found.all.length, "module")} for “${words}”. <a href="${visit.at.symbols({ q: words })}">Declarations</a> of this name are another list.</p>
<div class="columns">
<div>
${
  listed.length === 0
    ? nothingYet(
        html`<p>Nothing that you may read fits. Fewer letters find more; private modules are found by those who are signed in and may read them.</p>`,
      )
    : html`<ul class="list">${listed.map((one) => listedModule(visit, one, 2, highlighted(highlights.get(one.module.id))))}</ul>`
}
${pager(visit, found, "what was found")}
</div>
<aside aria-label="Narrow what was found">
${facet(visit, "From", "origin", facets.origins, { HOSTED: "projects here", UPSTREAM: "upstream" })}
${facet(visit, "Licence", "license", facets.licenses)}
${facet(visit, "Go version", "go", facets.goVersions)}
</aside>
</div>`,
    { section: "modules" },
  );
}

function highlighted(highlight: Highlight | undefined): Html | "" {
  if (highlight === undefined) return NOTHING;
  return html`<p class="quiet">${highlight.map((part, n) => (n % 2 === 1 ? html`<mark>${part}</mark>` : part))}</p>`;
}

function facet(
  visit: Visit,
  title: string,
  name: string,
  values: readonly FacetRow[],
  words: Readonly<Record<string, string>> = {},
): Html | "" {
  const chosen = visit.query.get(name);
  if (values.length === 0 && !chosen) return NOTHING;
  return html`<h2>${title}</h2>
<ul>${values.map(
    ({ value, count }) =>
      html`<li><a href="${here(visit, { [name]: value, after: undefined })}"${chosen === value ? html` aria-current="true"` : NOTHING}>${words[value] ?? value}</a> <span class="quiet">${count}</span></li>`,
  )}</ul>
${chosen ? html`<p><a href="${here(visit, { [name]: undefined, after: undefined })}">Any</a></p>` : NOTHING}`;
}
