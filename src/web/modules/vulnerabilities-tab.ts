// What is known to be wrong with a version and with what a build of it uses, by the mirrored database and advisories about modules
// here. Where no database was ever mirrored nothing is known, which is not that nothing is wrong.
import { isFailure } from "../../errors.ts";
import type { KnownVulnerability } from "../../registry/advisories/vulnerabilities.ts";
import { findDatabase } from "../../registry/advisories/vulnerability-database.ts";
import { numberedPageOf } from "../../registry/lists/numbered-page.ts";
import { vulnerabilitiesFor, vulnerabilitiesOfBuild } from "../../registry/sbom/reported-vulnerabilities.ts";
import { banner, howMany, mark, nothingYet, numberedPageAsked, numberedPager, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import type { ShownVersion } from "./shown-version.ts";

const ENTRIES = 50;

export async function vulnerabilitiesTab(visit: Visit, { module, version }: ShownVersion): Promise<Html> {
  const { registry, principal, at } = visit;
  const name = { path: module.path, version: version.version };
  const database = await findDatabase(registry);
  let tooLarge: string | undefined;
  const found = await vulnerabilitiesOfBuild(registry, principal, name).catch((error: unknown) => {
    if (!isFailure(error, "too-large")) throw error;
    tooLarge = error.message;
    return vulnerabilitiesFor(registry, principal, [name]);
  });
  const asked = numberedPageAsked(visit, ENTRIES);
  const { rows, more } = numberedPageOf(asked, found);
  return html`${
    database === undefined
      ? banner("warn", html`<p>No vulnerability database was mirrored here: of modules of others nothing is known.</p>`)
      : html`<p class="quiet">By a vulnerability database of ${time(database.modified)}, looked at ${time(database.checkedAt)}.</p>`
  }${tooLarge === undefined ? NOTHING : banner("warn", html`<p>${tooLarge}. Of the version itself alone:</p>`)}
${
  found.length === 0
    ? nothingYet(html`<p>Nothing is known of this version and of what a build of it uses.</p>`)
    : html`<p>${howMany(found.length, "known vulnerability")}.</p>${table(
        "Known vulnerabilities of the version and of what a build of it uses",
        ["Advisory", "Module", "What", "Free of it from"],
        rows.map((one) => [
          html`<a href="${at.at(`/vulndb/ID/${one.id}.json`)}">${one.id}</a>${one.reviewed ? NOTHING : html` ${mark("not reviewed")}`}`,
          html`<span class="mono">${one.modulePath} ${one.version}</span>`,
          whatOf(one),
          one.fixedIn === undefined ? mark("no fix", "bad") : html`<span class="mono">${one.fixedIn}</span>`,
        ]),
      )}`
}${numberedPager(visit, asked, more, "vulnerabilities")}`;
}

function whatOf({ summary, aliases }: KnownVulnerability): Html {
  return html`<div class="words">${summary}${aliases.length === 0 ? NOTHING : html` <span class="quiet">${aliases.join(", ")}</span>`}</div>`;
}
