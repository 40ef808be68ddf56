// Packages in a table, as GitLab lists them: a version of a module a row, in any of the API's orders, by name and version.

import type { KeysetPage } from "../../registry/lists/keyset-page.ts";
import { downloadsOf } from "../../registry/numbers/downloads.ts";
import type { PackageOrder } from "../../registry/packages/package-lists.ts";
import type { PackageRow } from "../../registry/packages/packages.ts";
import { choiceField } from "../html/forms.ts";
import { mark, nothingYet, number, pager, size, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";

export const PACKAGES_A_PAGE = 30;

const ORDERS = [
  ["created_at_desc", "published last"],
  ["created_at_asc", "published first"],
  ["name_asc", "by name"],
  ["name_desc", "by name, backwards"],
  ["version_desc", "highest version"],
  ["version_asc", "lowest version"],
] as const;

/** What the address asks for: an order, part of a name, a version. */
export function packagesAsked({ query }: Visit) {
  const [chosen] = ORDERS.find(([name]) => name === query.get("sort")) ?? ORDERS[0]!;
  const split = chosen.lastIndexOf("_");
  return {
    filter: { name: query.get("name") || null, version: query.get("version") || null },
    sort: { by: chosen.slice(0, split) as PackageOrder, order: chosen.slice(split + 1) as "asc" | "desc" },
  };
}

/** The form that filters, and the list. `empty`: what to do where there are none at all. */
export async function packageTable(
  visit: Visit,
  action: string,
  list: KeysetPage<PackageRow>,
  empty: unknown,
): Promise<Html> {
  const { query, at, registry } = visit;
  const isFiltered = Boolean(query.get("name") || query.get("version"));
  const downloads = await downloadsOf(
    registry,
    "version",
    list.rows.map(({ id }) => id),
    {},
  );
  return html`<form class="filters" action="${action}">
<div><label for="name">Part of the module path</label><input id="name" name="name" type="search" value="${query.get("name") ?? ""}"></div>
<div><label for="version">Version</label><input id="version" name="version" type="search" value="${query.get("version") ?? ""}"></div>
${choiceField("sort", "Order", ORDERS, query.get("sort"))}
<div><button type="submit">Show</button></div>
</form>
${
  list.rows.length === 0
    ? nothingYet(isFiltered ? html`<p>No package fits.</p>` : empty)
    : table(
        "Packages",
        ["Module", "Version", "Published", { title: "Zip", number: true }, { title: "Downloads", number: true }],
        list.rows.map((row) => [
          html`<a class="mono" data-jump href="${at.module(row.packageName, row.version)}">${row.packageName}</a>`,
          html`<span class="mono">${row.version}</span>${row.retracted ? html` ${mark("retracted", "bad")}` : NOTHING}`,
          time(row.createdAt),
          row.zipSize === null ? html`<span class="quiet">not made yet</span>` : size(row.zipSize),
          number(downloads.get(row.id) ?? 0n),
        ]),
      )
}${pager(visit, list, "packages")}`;
}
