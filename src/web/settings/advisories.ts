// What is known to be wrong with modules of a project: its Maintainers tell of it and take it back, whoever may read the modules
// sees it.
import { parseAdvisory } from "../../gomod/vulnerable-range.ts";
import { mayAct } from "../../registry/access/access.ts";
import { createAdvisory, ownAdvisories, withdrawAdvisory } from "../../registry/advisories/own-advisories.ts";
import { modulePathOf } from "../../registry/forge/projects.ts";
import type { AdvisoryRow } from "../../registry/rows.ts";
import { projectAsked } from "../forge/project.ts";
import { buttonForm, faultOf, form, type ShowForm, sent, taking } from "../html/forms.ts";
import { mark, nothingYet, table, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { seeOther } from "../html/visit.ts";
import { settingsPage } from "./place.ts";

export const showAdvisories: ShowForm = async (visit, fault) => {
  const { registry, principal, at } = visit;
  const project = await projectAsked(visit);
  const rows = (await ownAdvisories(registry, principal)).filter(({ projectId }) => projectId === project.id);
  const action = at.projectPart(project.fullPath, "advisories");
  const mayTell = mayAct(principal, "advisory.create", project);
  return settingsPage(
    visit,
    { project },
    "advisories",
    html`${faultOf(fault)}
<p>What is known to be wrong with versions of modules of this project. govulncheck and gopls hear of it at <code>/vulndb</code>, as far as they may read the module.</p>
${
  rows.length === 0
    ? nothingYet(html`<p>Nothing is known.</p>`)
    : table(
        "Advisories",
        ["Advisory", "Module", "Versions", "What", "State", ...(mayTell ? ["Change"] : [])],
        rows.map((row) => [
          html`<code>${row.id}</code>`,
          html`<span class="mono">${modulesOf(row)}</span>`,
          versionsOf(row),
          whatOf(row),
          row.withdrawnAt === null ? mark("told", "warn") : html`${mark("withdrawn")} ${time(row.withdrawnAt)}`,
          ...(mayTell
            ? [
                row.withdrawnAt === null
                  ? buttonForm(
                      visit,
                      action,
                      "Withdraw",
                      { do: "withdraw", id: row.id },
                      "danger",
                      `Withdraw ${row.id}`,
                    )
                  : NOTHING,
              ]
            : []),
        ]),
      )
}
${
  mayTell
    ? html`<h2 id="new">Tell of a vulnerability</h2>
${form(
  visit,
  action,
  "create",
  (fields) => html`${fields.text("modulePath", "Module", { required: true, value: modulePathOf(registry, project) })}
${fields.text("packagePath", "Package", { help: "Empty: the whole module." })}
${fields.text("symbols", "Functions and methods", { help: "Of the package, with commas: Parse,Reader.Read. Empty: all." })}
${fields.text("introduced", "Affected from", { help: "Such as v1.2.0. Empty: from the beginning." })}
${fields.text("fixed", "Fixed in", { help: "Such as v1.4.2. Empty: there is no fix." })}
${fields.text("summary", "What is wrong", { required: true, help: "In a sentence." })}
${fields.area("details", "More", { help: "Empty: the sentence is all." })}
${fields.text("aliases", "Other names", { help: "With commas, such as CVE-2026-1234." })}
<p><button type="submit" class="primary">Tell of it</button></p>`,
)}`
    : NOTHING
}`,
  );
};

function modulesOf(row: AdvisoryRow): string {
  return [...new Set(parseAdvisory(row.body)?.affected.map((one) => one.package.name))].join(" ");
}

/** From which version on it is there, and in which it is fixed, for each range. */
function versionsOf({ body }: AdvisoryRow): Html {
  const ranges = (parseAdvisory(body)?.affected ?? []).flatMap(({ ranges = [] }) => ranges);
  const words = ranges.flatMap(({ events }) =>
    events.flatMap(({ introduced, fixed }) =>
      introduced !== undefined
        ? [introduced === "0" ? "all" : `from v${introduced}`]
        : fixed !== undefined
          ? [`fixed in v${fixed}`]
          : [],
    ),
  );
  return html`${words.join(", ")}`;
}

function whatOf({ body }: AdvisoryRow): Html {
  const { summary = "", aliases = [] } = parseAdvisory(body) ?? {};
  return html`${summary}${aliases.length === 0 ? NOTHING : html` <span class="quiet">${aliases.join(", ")}</span>`}`;
}

export const changeAdvisories = taking(showAdvisories, async (visit) => {
  const { registry, principal, at } = visit;
  const project = await projectAsked(visit);
  const list = (name: string): string[] | undefined =>
    sent(visit, name)
      ?.split(",")
      .map((word) => word.trim())
      .filter((word) => word !== "");
  if (sent(visit, "do") === "withdraw") await withdrawAdvisory(registry, principal, sent(visit, "id") ?? "");
  else
    await createAdvisory(registry, principal, {
      modulePath: sent(visit, "modulePath") ?? "",
      packagePath: sent(visit, "packagePath"),
      symbols: list("symbols"),
      introduced: sent(visit, "introduced"),
      fixed: sent(visit, "fixed"),
      summary: sent(visit, "summary") ?? "",
      details: sent(visit, "details"),
      aliases: list("aliases"),
    });
  return seeOther(at.projectPart(project.fullPath, "advisories"));
});
