// What changed in the API between two versions of a module: which exported declarations came, went, or are declared otherwise,
// package by package. It is a comparison of texts, not of types (godoc/package/api-diff.ts): whether a change breaks anybody is
// for people to say.
import { isFailure } from "../../errors.ts";
import type { ApiChange } from "../../godoc/package/api-diff.ts";
import { apiChanges, type PackageChange } from "../../registry/documentation/api-changes.ts";
import type { VersionZip } from "../../registry/modules/module-files.ts";
import type { ModuleRow, VersionRow } from "../../registry/rows.ts";
import { howMany, mark, nothingYet, table } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";

/** How long a page waits for documentation that is not made yet. */
const PATIENCE_MS = 3_000;

/** A version and its files. */
interface Side {
  readonly row: VersionRow;
  readonly from: VersionZip;
}

/** The changes from one version to another. */
export async function apiChanged(visit: Visit, module: ModuleRow, before: Side, after: Side): Promise<Html> {
  const [old, now] = [before, after].map(({ row, from }) => ({ id: row.id, from }));
  try {
    const { packages, total } = await apiChanges(visit.registry, old!, now!, PATIENCE_MS);
    if (packages.length === 0) return html`<p class="quiet">No exported declaration changed.</p>`;
    const shown = packages.reduce((sum, { changes }) => sum + changes.length, 0);
    return html`<p>${howMany(total, "change")} in ${howMany(packages.length, "package")}.${total > shown ? html` The first ${shown} are shown.` : NOTHING}</p>
${packages.map((one) => packageChanged(visit, module, before.row, after.row, one))}`;
  } catch (error) {
    if (isFailure(error)) return nothingYet(html`<p>${error.message}</p>`);
    throw error;
  }
}

function packageChanged(
  { at }: Visit,
  module: ModuleRow,
  before: VersionRow,
  after: VersionRow,
  { directory, change, changes }: PackageChange,
): Html {
  const path = directory === "" ? module.path : `${module.path}/${directory}`;
  const addressIn = (row: VersionRow): string => at.package(module.path, row.version, directory);
  const address = addressIn(change === "removed" ? before : after);
  const rows = changes.map((one) => [
    MARKS[one.change],
    html`<a class="mono" href="${addressIn(one.change === "removed" ? before : after)}#${one.name}">${one.name}</a>`,
    declarations(one),
  ]);
  return html`<h3 class="mono"><a href="${address}">${path}</a>${change === "changed" ? NOTHING : html` ${MARKS[change]}`}</h3>
${rows.length === 0 ? html`<p class="quiet">It exports nothing.</p>` : table(`What changed in ${path}`, ["What", "Name", "Declaration"], rows)}`;
}

const MARKS = { added: mark("added", "good"), removed: mark("removed", "bad"), changed: mark("changed", "warn") };

function declarations({ before, after }: ApiChange): Html {
  return html`${before === undefined ? NOTHING : html`<del class="mono">${before}</del>`}${before !== undefined && after !== undefined ? html`<br>` : NOTHING}${after === undefined ? NOTHING : html`<ins class="mono">${after}</ins>`}`;
}
