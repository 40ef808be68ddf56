// What pkg.go.dev's API says of packages: /v1/package, /v1/symbols, /v1/imported-by and /v1/vulns
// (golang.org/x/pkgsite, internal/api/api.go). The shapes, the order and what is left out are its own.
import { notFound } from "../../errors.ts";
import type { PackageDocumentation } from "../../godoc/documentation.ts";
import { symbolsOf } from "../../godoc/package/symbols.ts";
import { type PageFormat, packagePageText } from "../../godoc/shown/package-page-text.ts";
import { vulnerabilitiesOf } from "../../registry/advisories/vulnerabilities.ts";
import { buildFor, type PackageBuild } from "../../registry/documentation/builds.ts";
import { documentationOf } from "../../registry/documentation/documented-versions.ts";
import { countImportersOf, importersAfter } from "../../registry/documentation/found-packages.ts";
import { isRedistributable, licenseFilesOf } from "../../registry/modules/license-files.ts";
import { type ApiAnswer, demandPath, licenseAnswers } from "./answer.ts";
import { badRequest } from "./api-error.ts";
import { filtered } from "./filter.ts";
import { keyIn, limitOf, pageOfList, tokenFor } from "./list-pages.ts";
import { LIST_PARAMETERS, readParameters } from "./parameters.ts";
import { type Asking, demandUnit, isPinned, pathOf, type Unit } from "./units.ts";

const FORMATS: ReadonlyMap<string, PageFormat> = new Map([
  ["text", "text"],
  ["md", "markdown"],
  ["markdown", "markdown"],
  ["html", "html"],
]);

/** /v1/package/{path} */
export async function packageAnswer(asking: Asking, path: string, query: URLSearchParams): Promise<ApiAnswer> {
  demandPath(path, "missing package path", "the package path must be provided after '/package/'");
  const { module, version, goos, goarch, doc, ...wants } = readParameters(query, {
    ...{ module: "text", version: "text", goos: "text", goarch: "text", doc: "text" },
    ...{ examples: "boolean", imports: "boolean", licenses: "boolean", "imported-by-counts": "boolean" },
  });
  if (wants.examples && doc === "") throw badRequest("examples require doc format to be specified");
  const format = FORMATS.get(doc);
  if (doc !== "" && !format) throw badRequest("bad doc format: need one of 'text', 'md', 'markdown' or 'html'");
  const unit = await demandUnit(asking, path, module, version);
  const { registry, principal } = asking;
  const documentation = await documentationIn(asking, unit);
  const build = buildOf(documentation, goos, goarch);
  const licenses = await licenseFilesOf(registry, unit.files, unit.directory);
  const docs = build && format ? packagePageText(build.doc, format, wants.examples) : "";
  const imports = wants.imports ? (documentation?.imports ?? []) : [];
  const counts = wants["imported-by-counts"]
    ? await countImportersOf(registry, principal, { path, modulePath: unit.module.path })
    : undefined;
  return {
    pinned: isPinned(version),
    body: {
      modulePath: unit.module.path,
      version: unit.version.version,
      isLatest: unit.isLatest,
      isStandardLibrary: false, // which is nowhere but with Go
      goos: goos || systemOf(build, "goos"),
      goarch: goarch || systemOf(build, "goarch"),
      ...(docs === "" ? {} : { docs }),
      ...(imports.length === 0 ? {} : { imports }),
      ...(wants.licenses && licenses.length > 0 ? { licenses: licenseAnswers(licenses) } : {}),
      ...(counts ? { importedByCounts: counts } : {}),
      path: pathOf(unit),
      name: documentation?.name ?? "",
      synopsis: build?.doc.synopsis ?? "",
      isRedistributable: isRedistributable(licenses, unit.directory),
    },
  };
}

/** /v1/symbols/{path} */
export async function symbolsAnswer(asking: Asking, path: string, query: URLSearchParams): Promise<ApiAnswer> {
  demandPath(path, "missing package path", "the package path must be provided after '/symbols/'");
  const { module, version, goos, goarch, ...list } = readParameters(query, {
    ...{ module: "text", version: "text", goos: "text", goarch: "text" },
    ...LIST_PARAMETERS,
  });
  const unit = await demandUnit(asking, path, module, version);
  const build = buildOf(await documentationIn(asking, unit), goos, goarch);
  const symbols = build ? symbolsOf(build.doc) : [];
  // A package that exports nothing has no symbols at all there.
  if (symbols.length === 0) throw notFound("Package Not Found");
  const items = symbols.map(({ name, kind, synopsis, parent }) => ({
    ...{ name, kind, synopsis },
    ...(parent === undefined ? {} : { parent }),
  }));
  const kept = filtered(items, list.filter, (one) => ({ parent: "", ...one }));
  return {
    pinned: isPinned(version),
    body: { modulePath: unit.module.path, version: unit.version.version, symbols: pageOfList(kept, list) },
  };
}

/** /v1/imported-by/{path} */
export async function importedByAnswer(asking: Asking, path: string, query: URLSearchParams): Promise<ApiAnswer> {
  demandPath(path, "missing package path", "the package path must be provided after '/imported-by/'");
  const { module, version, ...list } = readParameters(query, { module: "text", version: "text", ...LIST_PARAMETERS });
  const unit = await demandUnit(asking, path, module, version);
  const { registry, principal } = asking;
  const imported = { path, modulePath: unit.module.path };
  const limit = limitOf(list);
  const start = keyIn(list.token, 1)?.[0];
  const found = await importersAfter(registry, principal, imported, { after: start, take: limit + 1 });
  const paths = found.slice(0, limit).map((one) => one.path);
  const more = found.length > limit;
  const items = filtered(paths, list.filter, (one) => ({ path: one }));
  const isAll = start === undefined && !more;
  const total = isAll ? items.length : (await countImportersOf(registry, principal, imported)).packages;
  return {
    pinned: false,
    body: {
      modulePath: unit.module.path,
      version: version || "latest", // as it was asked for
      importedBy: {
        items: items.length === 0 ? null : items,
        total,
        ...(more ? { nextPageToken: tokenFor([paths.at(-1)!]) } : {}),
      },
    },
  };
}

/** /v1/vulns/{path} */
export async function vulnerabilitiesAnswer(asking: Asking, path: string, query: URLSearchParams): Promise<ApiAnswer> {
  demandPath(path, "missing path", "the package or module path must be provided after '/vulns/'");
  const { module, version, ...list } = readParameters(query, { module: "text", version: "text", ...LIST_PARAMETERS });
  const unit = await demandUnit(asking, path, module, version);
  const packagePath = unit.directory === "" ? undefined : path;
  const known = await vulnerabilitiesOf(asking.registry, [
    { path: unit.module.path, version: unit.version.version, packagePath },
  ]);
  // pkg.go.dev writes the summary into the details and leaves its two other fields empty; here they say what they are for.
  const items = known.map(({ id, summary, fixedIn }) => ({
    ...{ id, summary, details: summary, fixedVersion: fixedIn ?? "" },
  }));
  const kept = filtered(items, list.filter, (one) => ({ ...one, ID: one.id, Details: one.details }));
  return { pinned: isPinned(version), body: pageOfList(kept, list) };
}

function documentationIn({ registry }: Asking, { version, from, directory }: Unit) {
  return documentationOf(registry, { id: version.id, from }, directory);
}

function buildOf(
  documentation: PackageDocumentation | undefined,
  goos: string,
  goarch: string,
): PackageBuild | undefined {
  return documentation && buildFor(documentation, goos || undefined, goarch || undefined);
}

function systemOf(build: PackageBuild | undefined, part: "goos" | "goarch"): string {
  return build ? (build.contexts[0]?.[part] ?? "all") : "";
}
