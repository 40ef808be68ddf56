// What stands of packages in the page of a version: the documentation of the package that the address names, and at the root
// of a module the list of all its packages. It is made when somebody first asks (registry/documentation); what takes longer
// than a page may is there at the next visit.
import { isFailure } from "../../errors.ts";
import type { PackageDoc } from "../../godoc/documentation.ts";
import type { PackageLinks } from "../../godoc/shown/package-html.ts";
import { buildFor } from "../../registry/documentation/builds.ts";
import { documentationOf, packagesOf } from "../../registry/documentation/documented-versions.ts";
import { readableModules } from "../../registry/modules/readable-by-name.ts";
import { segments } from "../html/addresses.ts";
import { nothingYet } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import { packageMarkup } from "../text/package-documentation.ts";
import { elsewhereFor } from "./elsewhere.ts";
import { prefixesOf } from "./find-module.ts";
import { type ShownVersion, zipOfShown } from "./shown-version.ts";

/** How long a page waits for the list of packages. */
const PATIENCE_MS = 1_500;
const MAX_LISTED = 500;

/** The documentation of the package in the directory that is shown; NOTHING where there is none. */
export async function documentationOfPackage(visit: Visit, shown: ShownVersion): Promise<Html | typeof NOTHING> {
  const { registry } = visit;
  const { version, directory } = shown;
  try {
    const from = await zipOfShown(visit, shown);
    const documentation = await documentationOf(registry, { id: version.id, from }, directory);
    const build =
      documentation &&
      buildFor(documentation, visit.query.get("GOOS") ?? undefined, visit.query.get("GOARCH") ?? undefined);
    if (!documentation || !build)
      return directory === "" ? NOTHING : nothingYet(html`<p>There is no Go package in this directory.</p>`);
    const systems = build.contexts.map(({ goos, goarch }) => `${goos}/${goarch}`);
    return html`<div class="documentation">
${packageMarkup(build.doc, await linksOf(visit, shown, build.doc))}
${systems.length === 1 ? html`<p class="quiet">This is documentation for ${systems[0]}.</p>` : NOTHING}
${documentation.problems.length === 0 ? NOTHING : html`<p class="quiet">Not all files could be read: ${documentation.problems.map(({ file, problem }) => `${file} ${problem}`).join("; ")}.</p>`}
</div>`;
  } catch (error) {
    if (isFailure(error)) return nothingYet(html`<p>${error.message}</p>`);
    throw error;
  }
}

/** The packages of the module, with what each is for. */
export async function packageList(visit: Visit, shown: ShownVersion): Promise<Html | typeof NOTHING> {
  const { module, version } = shown;
  try {
    const from = await zipOfShown(visit, shown);
    const { packages, whole, leftOut } = await packagesOf(visit.registry, { id: version.id, from }, PATIENCE_MS);
    const listed = packages.filter(({ directory }) => directory !== "").slice(0, MAX_LISTED);
    const reading = whole ? NOTHING : html`<p class="quiet">More packages are being read: come back in a moment.</p>`;
    if (listed.length === 0) return reading;
    const more = packages.length - listed.length + leftOut;
    return html`<section aria-labelledby="packages"><h2 id="packages">Packages</h2>
<table class="packages"><thead><tr><th scope="col">Package</th><th scope="col">What it is for</th></tr></thead><tbody>${listed.map(
      ({ directory, synopsis }) =>
        html`<tr><td><a class="mono" href="${visit.at.package(module.path, version.version, directory)}">${directory}</a></td><td>${synopsis}</td></tr>
`,
    )}</tbody></table>
${reading}
${more > 1 ? html`<p class="quiet">Not all of them are listed.</p>` : NOTHING}</section>`;
  } catch (error) {
    if (isFailure(error)) return NOTHING; // the documentation says why
    throw error;
  }
}

/** Links lead to what is here, and for packages of others to where people read about them. */
async function linksOf(
  visit: Visit,
  { module, version, directory }: ShownVersion,
  { imports }: PackageDoc,
): Promise<PackageLinks> {
  const { at, registry, principal } = visit;
  const elsewhere = await elsewhereFor(visit);
  const known = await readableModules(registry, principal, [...new Set(imports.flatMap(prefixesOf))]);
  const sources = at.files(module.path, version.version, directory === "" ? "" : `${directory}/`);
  return {
    packageUrl: (path: string): string => {
      if (path === module.path) return at.package(module.path, version.version, "");
      if (path.startsWith(`${module.path}/`))
        return at.package(module.path, version.version, path.slice(module.path.length + 1));
      return prefixesOf(path).some((prefix) => known.has(prefix)) ? at.module(path) : (elsewhere(path) ?? "");
    },
    sourceUrl: (file: string, line: number): string => `${sources}${segments(file)}#L${line}`,
  };
}
