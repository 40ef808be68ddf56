// The first tab: how to get the module, its readme and packages, the documentation of the package that the address names, and
// beside them what is known of the module and its newest versions.
import { isFailure } from "../../errors.ts";
import { countImportersOf } from "../../registry/documentation/found-packages.ts";
import { countDependentsOfModules } from "../../registry/modules/dependents.ts";
import { describeVersion, type VersionDocument } from "../../registry/modules/module-document.ts";
import { subModulesOf } from "../../registry/modules/related-modules.ts";
import { downloadsOf } from "../../registry/numbers/downloads.ts";
import { upstreamRepositories } from "../../registry/versions/module-origins.ts";
import { versionsOfModules } from "../../registry/versions/module-versions.ts";
import { facts, howMany, lines, mark, nothingYet, number, size, time, upTo } from "../html/pieces.ts";
import { externalUrl, type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import { readmeMarkup } from "../text/markdown.ts";
import { documentationOfPackage, packageList } from "./documentation.ts";
import { importPathOf, type ShownVersion, zipOfShown } from "./shown-version.ts";
import { symbolForm } from "./symbols-page.ts";

const NEWEST = 10;
const SUB_MODULES = 20;
const COUNTED = 1_000;

export async function overviewTab(visit: Visit, shown: ShownVersion): Promise<Html> {
  const { registry, principal, at, url } = visit;
  const { module, project, version, directory } = shown;
  const imported = { path: importPathOf(shown), modulePath: module.path };
  const [newest, document, documentation, packages, downloads, dependents, importers, below, repositories] =
    await Promise.all([
      versionsOfModules(registry, [module], {}, { by: "version", order: "desc" }, { first: NEWEST }),
      documentOf(visit, shown),
      documentationOfPackage(visit, shown),
      directory === "" ? packageList(visit, shown) : NOTHING,
      downloadsOf(registry, "module", [module.id], {}),
      countDependentsOfModules(registry, principal, [module], {}, COUNTED),
      countImportersOf(registry, principal, imported),
      subModulesOf(registry, [module], { first: SUB_MODULES }),
      project === undefined ? upstreamRepositories(registry, [module]) : new Map<number, string>(),
    ]);
  const repository =
    project === undefined ? externalUrl(repositories.get(module.id)) : `${url}/${project.fullPath}.git`;
  const subModules = below.get(module.id)?.rows ?? [];
  const importPath = importPathOf(shown);
  return html`<div class="columns">
<div>
${lines(`go get ${importPath}@${version.version}`)}
${directory === "" ? readmeOf(visit, shown, document) : NOTHING}
${symbolForm(visit, "", `${module.path}@${version.version}`)}
${documentation}
${packages}
</div>
<aside aria-label="About the module">
<h2>About</h2>
${facts(
  [
    "Repository",
    repository === undefined
      ? undefined
      : project === undefined
        ? html`<a href="${repository}" rel="nofollow noopener">${repository}</a>`
        : html`<a href="${at.project(project.fullPath)}">${project.fullPath}</a>`,
  ],
  ["Go version", shown.described?.goVersion],
  ["Zip", version.zipSize === null ? undefined : size(version.zipSize)],
  [
    "Downloads",
    html`<a href="${at.module(module.path, undefined, "downloads")}">${number(downloads.get(module.id) ?? 0n)}</a>`,
  ],
  [
    "Required by",
    html`<a href="${at.module(module.path, undefined, "importedby")}">${upTo(dependents.get(module.id) ?? 0, COUNTED)}</a>`,
  ],
  [
    "Imported by",
    html`<a href="${at.package(module.path, version.version, directory, { tab: "importedby", of: "package" })}">${howMany(importers.packages, "package")}</a>`,
  ],
  ["Here since", time(module.createdAt)],
)}
<p><a href="${at.setUp(project === undefined ? {} : { project: project.fullPath })}">Set me up</a></p>
<h2>Newest versions</h2>
<ul>${(newest.get(module.id)?.rows ?? []).map(
    (
      row,
    ) => html`<li><a class="mono" data-jump href="${at.module(module.path, row.version)}">${row.version}</a> <span class="quiet">${time(row.time ?? row.createdAt)}</span>${row.retracted ? html` ${mark("retracted", "bad")}` : NOTHING}</li>
`,
  )}</ul>
<p><a href="${at.module(module.path, undefined, "versions")}">All versions</a></p>
${
  subModules.length === 0
    ? NOTHING
    : html`<h2>Modules within</h2><ul>${subModules.map((one) => html`<li><a class="mono" href="${at.module(one.path)}">${one.path}</a></li>`)}</ul>`
}
</aside>
</div>`;
}

/** The readme and licences of the version: as they were written down, or out of its zip. What keeps them away is said. */
async function documentOf(visit: Visit, shown: ShownVersion): Promise<VersionDocument | string> {
  if (shown.described?.versionId === shown.version.id) return shown.described;
  try {
    return await describeVersion(visit.registry, await zipOfShown(visit, shown));
  } catch (error) {
    if (isFailure(error)) return error.message;
    throw error;
  }
}

function readmeOf({ at }: Visit, { module, version }: ShownVersion, document: VersionDocument | string): Html {
  if (typeof document === "string") return nothingYet(html`<p>${document}</p>`);
  const { readme } = document;
  if (!readme)
    return nothingYet(html`<p>This version has no readme: a file README.md in the module's root is shown here.</p>`);
  const slash = readme.path.lastIndexOf("/");
  const place = {
    page: (path: string) => at.files(module.path, version.version, path),
    bytes: (path: string) => at.raw(module.path, version.version, path),
    directory: slash < 0 ? "" : readme.path.slice(0, slash),
  };
  return html`<section aria-labelledby="readme"><h2 id="readme">${readme.path}</h2>
${readmeMarkup(readme.path, readme.text, place)}
${readme.truncated ? html`<p class="quiet">It goes on in <a href="${place.page(readme.path)}">the file</a>.</p>` : NOTHING}</section>`;
}
