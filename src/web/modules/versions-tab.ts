// All versions of a module, in pages: filtered by a range as the go command writes version queries, in Go's order or by time;
// and the module's other majors.
import { isFailure } from "../../errors.ts";
import { EMPTY_PAGE } from "../../registry/lists/keyset-page.ts";
import { downloadsOf } from "../../registry/numbers/downloads.ts";
import type { VersionRow } from "../../registry/rows.ts";
import { type VersionSort, versionsOfModules } from "../../registry/versions/module-versions.ts";
import { choiceField, faultOf } from "../html/forms.ts";
import { mark, nothingYet, number, pageAsked, pager, size, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import type { ShownVersion } from "./shown-version.ts";

const ENTRIES = 50;

const ORDERS: readonly (readonly [string, string, VersionSort])[] = [
  ["", "highest first", { by: "version", order: "desc" }],
  ["version_asc", "lowest first", { by: "version", order: "asc" }],
  ["time_desc", "newest first", { by: "time", order: "desc" }],
  ["time_asc", "oldest first", { by: "time", order: "asc" }],
];

export async function versionsTab(
  visit: Visit,
  { module, otherMajors, version, isNamed }: ShownVersion,
): Promise<Html> {
  const { registry, query, at } = visit;
  const range = query.get("range")?.trim() || null;
  const chosen = ORDERS.find(([name]) => name === query.get("sort")) ?? ORDERS[0]!;
  const filter = {
    query: range,
    retracted: query.get("retracted") === "no" ? false : query.get("retracted") === "only" ? true : null,
    includePseudo: query.get("pseudo") === "true",
  };
  const { found, fault } = await versionsOfModules(
    registry,
    [module],
    filter,
    chosen[2],
    pageAsked(visit, ENTRIES),
  ).then(
    (pages) => ({ found: pages.get(module.id) ?? EMPTY_PAGE, fault: undefined }),
    (error: unknown) => {
      if (isFailure(error, "invalid")) return { found: EMPTY_PAGE, fault: error.message };
      throw error;
    },
  );
  const rows: readonly VersionRow[] = found.rows;
  const downloads = await downloadsOf(
    registry,
    "version",
    rows.map(({ id }) => id),
    {},
  );
  const action = at.module(module.path, isNamed ? version.version : undefined);
  return html`${faultOf(fault)}<form class="filters" action="${action}">
<input type="hidden" name="tab" value="versions">
<div><label for="range">Range, such as v1.2 or &lt;v1.5</label><input id="range" name="range" type="search" value="${range ?? ""}"></div>
${choiceField(
  "retracted",
  "Retracted",
  [
    ["", "too"],
    ["no", "not"],
    ["only", "only"],
  ],
  query.get("retracted"),
)}
${choiceField(
  "pseudo",
  "Pseudo-versions",
  [
    ["", "not"],
    ["true", "too"],
  ],
  query.get("pseudo"),
)}
${choiceField(
  "sort",
  "Order",
  ORDERS.map(([name, text]) => [name, text] as const),
  query.get("sort"),
)}
<div><button type="submit">Show</button></div>
</form>
${
  rows.length === 0
    ? nothingYet(html`<p>No version fits.</p>`)
    : table(
        "Versions",
        [
          "Version",
          "Committed",
          "What to know",
          { title: "Zip", number: true },
          { title: "Downloads", number: true },
          "Compare",
        ],
        rows.map((row, n) => [
          html`<a class="mono" data-jump href="${at.module(module.path, row.version)}">${row.version}</a>`,
          time(row.time ?? row.createdAt),
          notesOf(row),
          row.zipSize === null ? NOTHING : size(row.zipSize),
          number(downloads.get(row.id) ?? 0n),
          compareWith(visit, module.path, row, chosen[2].order === "desc" ? rows[n + 1] : rows[n - 1]),
        ]),
      )
}${pager(visit, found, "versions")}
${
  otherMajors.length === 0
    ? NOTHING
    : html`<h2 id="majors">Other major versions</h2><ul>${otherMajors.map((other) => html`<li><a class="mono" href="${at.module(other.path)}">${other.path}</a></li>`)}</ul>`
}
<p><a href="${at.at(`/-/go/${module.path}.atom`)}">Atom feed of its versions</a></p>`;
}

function notesOf({ kind, retracted, retractRationale }: VersionRow): Html[] {
  return [
    ...(retracted ? [html`${mark("retracted", "bad")} ${retractRationale ?? ""}`] : []),
    ...(kind === "PRERELEASE" ? [mark("pre-release")] : []),
    ...(kind === "PSEUDO" ? [mark("pseudo-version")] : []),
    ...(kind === "INCOMPATIBLE" ? [mark("+incompatible", "warn")] : []),
  ];
}

function compareWith({ at }: Visit, path: string, row: VersionRow, before: VersionRow | undefined): Html | "" {
  if (!before) return NOTHING;
  return html`<a href="${at.diff(path, before.version, row.version)}">with ${before.version}</a>`;
}
