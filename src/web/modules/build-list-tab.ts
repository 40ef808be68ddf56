// What a build of the version uses, as `go list -m all` in it would say, worked out of the go.mod files that are stored here;
// and what could not be looked into.
import { isFailure } from "../../errors.ts";
import { versionName } from "../../registry/modules/readable-by-name.ts";
import { storedBuildList } from "../../registry/modules/stored-build-list.ts";
import { banner, mark, nothingYet, table } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import { linkedVersions } from "./requirement-links.ts";
import type { ShownVersion } from "./shown-version.ts";

const MAX_LISTED = 1_000;
const MAX_REQUIRED_BY = 3;

const REASONS = {
  "not stored": "not stored here, or not for you",
  "go.mod not stored": "its go.mod was not fetched yet",
  "go.mod refused": "its go.mod cannot be read",
  "a directory": "replaced by a directory",
} as const;

export async function buildListTab(visit: Visit, { module, version }: ShownVersion): Promise<Html> {
  const { registry, principal } = visit;
  const name = { path: module.path, version: version.version, id: version.id };
  const built = await storedBuildList(registry, principal, name).catch((error: unknown) => {
    if (isFailure(error, "too-large")) return error.message;
    throw error;
  });
  if (typeof built === "string") return nothingYet(html`<p>${built}</p>`);
  const modules = built.modules.slice(0, MAX_LISTED);
  const links = await linkedVersions(visit, modules);
  const missing = built.missing.slice(0, MAX_LISTED);
  return html`<p>What a build of this version uses, by the stored go.mod files: as <code>go list -m all</code> in it.</p>
${
  missing.length === 0
    ? NOTHING
    : banner(
        "warn",
        html`<p>The list may lack what these require:</p><ul>${missing.map((one) => html`<li><span class="mono">${links.link(one, versionName(one))}</span>: ${REASONS[one.reason]}</li>`)}</ul>`,
      )
}
${
  modules.length === 0
    ? nothingYet(html`<p>It uses no other module.</p>`)
    : table(
        `Build list${built.modules.length > MAX_LISTED ? `, the first ${MAX_LISTED}` : ""}`,
        ["Module", "Version", "What to know", "Chosen by"],
        modules.map((one) => [
          html`<span class="mono">${links.link(one, one.path)}</span>`,
          html`<span class="mono">${one.version}</span>`,
          [
            one.indirect ? mark("indirect") : NOTHING,
            one.replacedBy === undefined
              ? NOTHING
              : html`${mark("replaced", "warn")} <span class="mono">${one.replacedBy}</span>`,
          ],
          html`<span class="mono quiet">${one.requiredBy.slice(0, MAX_REQUIRED_BY).map(versionName).join(" ")}${one.requiredBy.length > MAX_REQUIRED_BY ? " …" : ""}</span>`,
        ]),
      )
}`;
}
