// Who requires the module, of those that the visitor may read: each module with the newest of its versions that does.

import { EMPTY_PAGE } from "../../registry/lists/keyset-page.ts";
import { countDependentsOfModules, dependentsOfModules } from "../../registry/modules/dependents.ts";
import { findModules } from "../../registry/versions/modules.ts";
import { findVersionRows } from "../../registry/versions/version-rows.ts";
import { here, mark, nothingYet, pageAsked, pager, table, upTo } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import { importersTab } from "./importers.ts";
import type { ShownVersion } from "./shown-version.ts";

const ENTRIES = 50;
const COUNTED = 1_000;

/** Of a module those that require it; of a package, also the one at the module's root (`of=package`), those that import it. */
export async function dependentsTab(visit: Visit, shown: ShownVersion): Promise<Html> {
  const { registry, principal, query, at } = visit;
  const { module, version, directory } = shown;
  if (directory !== "" || query.get("of") === "package") return importersTab(visit, shown);
  const direct = query.get("direct") === "true";
  const filter = { direct: direct || null };
  const [pages, counts] = await Promise.all([
    dependentsOfModules(registry, principal, [module], filter, pageAsked(visit, ENTRIES)),
    countDependentsOfModules(registry, principal, [module], filter, COUNTED),
  ]);
  const list = pages.get(module.id) ?? EMPTY_PAGE;
  const [modules, versions] = await Promise.all([
    findModules(
      registry,
      list.rows.map(({ moduleId }) => moduleId),
    ),
    findVersionRows(
      registry,
      list.rows.map(({ versionId }) => versionId),
    ),
  ]);
  const paths = new Map(modules.map(({ id, path }) => [id, path]));
  const names = new Map(versions.map(({ id, version }) => [id, version]));
  return html`<p class="row"><span>${upTo(counts.get(module.id) ?? 0, COUNTED)} in all.</span> <a href="${here(visit, { direct: direct ? undefined : "true", after: undefined, before: undefined })}">${direct ? "Those too that require it for others only" : "Only those that require it for themselves"}</a> <a href="${at.package(module.path, version.version, "", { tab: "importedby", of: "package" })}">Packages that import the one at its root</a></p>
${
  list.rows.length === 0
    ? nothingYet(html`<p>No stored module that you may read requires it.</p>`)
    : table(
        "Modules that require it",
        ["Module", "Its version", "Requires", "What to know"],
        list.rows.map((row) => {
          const [path = "", version = ""] = [paths.get(row.moduleId), names.get(row.versionId)];
          return [
            html`<a class="mono" data-jump href="${at.module(path, version)}">${path}</a>`,
            html`<span class="mono">${version}</span>`,
            html`<span class="mono">${row.requiredVersion}</span>`,
            [row.indirect ? mark("indirect") : NOTHING, row.current ? NOTHING : mark("not its newest version")],
          ];
        }),
      )
}${pager(visit, list, "modules that require it")}`;
}
