// Which packages import one, of those that the visitor may read: of each module the version that was described.
import { importersOf } from "../../registry/documentation/found-packages.ts";
import { nothingYet, pageAsked, pager, table } from "../html/pieces.ts";
import { type Html, html } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import { importPathOf, type ShownVersion } from "./shown-version.ts";

const ENTRIES = 50;

/** The packages of other modules that import the package which is shown. */
export async function importersTab(visit: Visit, shown: ShownVersion): Promise<Html> {
  const { registry, principal, at } = visit;
  const path = importPathOf(shown);
  const imported = { path, modulePath: shown.module.path };
  const list = await importersOf(registry, principal, imported, pageAsked(visit, ENTRIES));
  const rows = list.rows.map(({ path: importer, modulePath, version, directory, synopsis }) => [
    html`<a class="mono" data-jump href="${at.package(modulePath, version, directory)}">${importer}</a>`,
    html`<span class="mono">${version}</span>`,
    synopsis,
  ]);
  return html`${
    rows.length === 0
      ? nothingYet(html`<p>No package that you may read imports ${path}.</p>`)
      : table(`Packages that import ${path}`, ["Package", "Version", "What it is for"], rows)
  }${pager(visit, list, "packages that import it")}`;
}
