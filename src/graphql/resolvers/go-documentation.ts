// What packages say and declare: documentation that is made when somebody first asks (registry/documentation).
import { notFound } from "../../errors.ts";
import type { PackageDocumentation } from "../../godoc/documentation.ts";
import { symbolsOf } from "../../godoc/package/symbols.ts";
import { packageHtml } from "../../godoc/shown/package-html.ts";
import { packagePageText } from "../../godoc/shown/package-page-text.ts";
import { apiChanges, stillReading } from "../../registry/documentation/api-changes.ts";
import { buildFor, type PackageBuild } from "../../registry/documentation/builds.ts";
import {
  documentationOf,
  type PackageSummary,
  packagesOf,
  type ReadableVersion,
} from "../../registry/documentation/documented-versions.ts";
import { importersOf, packagesDeclaring, readSymbolQuery } from "../../registry/documentation/found-packages.ts";
import { pageOfAll } from "../../registry/lists/keyset-page.ts";
import type { VersionRow } from "../../registry/rows.ts";
import { type Connection, connection } from "../connection.ts";
import type { GraphqlContext } from "../context.ts";
import type {
  GoApiChangeKind,
  GoModuleVersionResolvers,
  GoPackageDocumentationResolvers,
  GoPackageResolvers,
  GoSymbolKind,
  QueryResolvers,
} from "../generated.ts";
import { once } from "../turns.ts";
import { zipForFiles } from "./go-content.ts";
import { stillThere } from "./still-there.ts";

/** How long a request waits for the packages of a version, in milliseconds. */
const PATIENCE_MS = 8_000;

/** A package and the version that it is of. */
export interface PackageInVersion extends PackageSummary {
  readonly version: VersionRow;
  readonly modulePath: string;
}

/** The packages of a version, which are counted anyway. */
export type CountedGoPackages = Connection<PackageInVersion> & { readonly count: number; readonly leftOut: number };

/** The documentation of a package on some systems. */
export interface ShownPackage extends PackageBuild {
  readonly documentation: PackageDocumentation;
}

export const documentationOfGoModuleVersion = {
  goPackages: async (version, page, context): Promise<CountedGoPackages> => {
    const readable = await readableOf(context, version);
    const { packages, whole, leftOut } = await packagesOf(context.registry, readable, PATIENCE_MS);
    if (!whole) throw stillReading(readable);
    const modulePath = await modulePathOfVersion(context, version);
    const all = packages.map((one) => ({ ...one, version, modulePath }));
    return { ...connection(await pageOfAll(page, all)), count: all.length, leftOut };
  },
  goPackage: async (version, { directory }, context) => {
    const found = await read(context, version, directory);
    if (!found) return null;
    const { name, synopsis } = found;
    return { directory, name, synopsis, version, modulePath: await modulePathOfVersion(context, version) };
  },
  apiDiff: async (version, { from }, context) => {
    const other = await context.loaders.versionOfModule.load({ moduleId: version.moduleId, version: from });
    if (!other) throw notFound(`there is no version ${from} of this module`);
    const [before, after] = [await readableOf(context, other), await readableOf(context, version)];
    const { packages, total } = await apiChanges(context.registry, before, after, PATIENCE_MS);
    return {
      total,
      packages: packages.map(({ directory, change, changes }) => ({
        directory,
        change: change.toUpperCase() as GoApiChangeKind,
        changes: changes.map(({ name, change: kind, before: was, after: is }) => ({
          ...{ name, change: kind.toUpperCase() as GoApiChangeKind, before: was ?? null, after: is ?? null },
        })),
      })),
    };
  },
} satisfies GoModuleVersionResolvers;

export const GoPackage: GoPackageResolvers = {
  path: ({ modulePath, directory }) => importPathOf(modulePath, directory),
  documentation: async ({ version, directory }, { goos, goarch }, context): Promise<ShownPackage | null> => {
    const documentation = await read(context, version, directory);
    const build = documentation && buildFor(documentation, goos ?? undefined, goarch ?? undefined);
    return build ? { ...build, documentation } : null;
  },
  importedBy: async ({ modulePath, directory }, page, { registry, principal }) =>
    connection(await importersOf(registry, principal, { path: importPathOf(modulePath, directory), modulePath }, page)),
};

export const GoPackageDocumentation: GoPackageDocumentationResolvers = {
  systems: ({ contexts }) => contexts.map(({ goos, goarch }) => `${goos}/${goarch}`),
  doc: ({ doc }) => doc.doc,
  imports: ({ doc }) => [...doc.imports],
  text: ({ doc }, { format, examples }) => packagePageText(doc, format === "TEXT" ? "text" : "markdown", examples),
  html: ({ doc }) => packageHtml(doc, { packageUrl: (path) => `/-/go/${path}`, sourceUrl: () => "" }),
  symbols: ({ doc }) =>
    symbolsOf(doc).map(({ name, kind, synopsis, parent }) => ({
      ...{ name, kind: kind.toUpperCase() as GoSymbolKind, synopsis, parent: parent ?? null },
    })),
  problems: ({ documentation }) => [...documentation.problems],
};

export const documentationQueries = {
  goSymbols: async (_, { search, ...page }, { registry, principal }) =>
    connection(await packagesDeclaring(registry, principal, readSymbolQuery(search), page)),
} satisfies QueryResolvers;

function importPathOf(modulePath: string, directory: string): string {
  return directory === "" ? modulePath : `${modulePath}/${directory}`;
}

async function modulePathOfVersion({ loaders }: GraphqlContext, { moduleId }: VersionRow): Promise<string> {
  return stillThere(await loaders.module.load(moduleId)).path;
}

async function readableOf(context: GraphqlContext, version: VersionRow): Promise<ReadableVersion> {
  return { id: version.id, from: await zipForFiles(context, version) };
}

/** The documentation of a package, read once for a request. */
function read(
  context: GraphqlContext,
  version: VersionRow,
  directory: string,
): Promise<PackageDocumentation | undefined> {
  return once(context.loaders, `documentation of ${version.id} ${directory}`, async () =>
    documentationOf(context.registry, await readableOf(context, version), directory),
  );
}
