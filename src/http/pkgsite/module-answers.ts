// What pkg.go.dev's API says of modules: /v1/module, /v1/versions, /v1/packages and /v1/search
// (golang.org/x/pkgsite, internal/api/api.go).
import { areRedistributable } from "../../gomod/redistributable.ts";
import { repositoryUrlOf } from "../../gomod/repository-url.ts";
import { stillReading } from "../../registry/documentation/api-changes.ts";
import { packagesOf } from "../../registry/documentation/documented-versions.ts";
import { readSymbolQuery } from "../../registry/documentation/found-packages.ts";
import { packagesMatching, packagesMatchingAndDeclaring } from "../../registry/documentation/package-search.ts";
import { isRedistributable, licenseFilesOf } from "../../registry/modules/license-files.ts";
import { describeVersion, descriptionsOf } from "../../registry/modules/module-document.ts";
import { otherMajorsOf } from "../../registry/modules/related-modules.ts";
import { latestVersions } from "../../registry/versions/listed-versions.ts";
import { type MajorsKey, versionsOfMajors } from "../../registry/versions/versions-of-majors.ts";
import { type ApiAnswer, demandPath, licenseAnswers } from "./answer.ts";
import { badRequest } from "./api-error.ts";
import { filtered } from "./filter.ts";
import { keyIn, limitOf, pageOfList, tokenFor } from "./list-pages.ts";
import { LIST_PARAMETERS, readParameters } from "./parameters.ts";
import { type Asking, demandModuleUnit, isPinned, type Unit } from "./units.ts";

/** How long a request waits for the packages of a version, in milliseconds: pkgsite-cli waits for 30 seconds. */
const PATIENCE_MS = 20_000;
/** What encoding/json writes for a time that nobody knows. */
const NO_TIME = "0001-01-01T00:00:00Z";

/** /v1/module/{path} */
export async function moduleAnswer(asking: Asking, path: string, query: URLSearchParams): Promise<ApiAnswer> {
  demandPath(path, "missing module path", "the module path must be provided after '/module/'");
  const {
    version,
    licenses: wantsLicenses,
    readme: wantsReadme,
  } = readParameters(query, {
    ...{ version: "text", licenses: "boolean", readme: "boolean" },
  });
  const unit = await demandModuleUnit(asking, path, version);
  const licenses = await licenseFilesOf(asking.registry, unit.files, "");
  const { readme } = wantsReadme ? await describeVersion(asking.registry, unit.from) : {};
  return {
    pinned: isPinned(version),
    body: {
      path: unit.module.path,
      version: unit.version.version,
      commitTime: timeOf(unit.version.time),
      isLatest: unit.isLatest,
      isRedistributable: isRedistributable(licenses, ""),
      isStandardLibrary: false,
      hasGoMod: unit.files.some((file) => file.path === "go.mod"),
      repoUrl: repositoryOf(asking, unit),
      ...(readme ? { readme: { filepath: readme.path, contents: readme.text } } : {}),
      ...(wantsLicenses && licenses.length > 0 ? { licenses: licenseAnswers(licenses) } : {}),
    },
  };
}

/** /v1/versions/{path} */
export async function versionsAnswer(asking: Asking, path: string, query: URLSearchParams): Promise<ApiAnswer> {
  demandPath(path, "missing module path", "the module path must be provided after '/versions/'");
  const { pseudo, ...list } = readParameters(query, { ...LIST_PARAMETERS, pseudo: "boolean" });
  const { registry } = asking;
  const { module } = await demandModuleUnit(asking, path, "");
  const limit = limitOf(list);
  const after = keyIn(list.token, 3) as MajorsKey | undefined;
  const modules = [module, ...((await otherMajorsOf(registry, [module])).get(module.id) ?? [])];
  const ids = modules.map(({ id }) => id);
  const [found, latest, described] = await Promise.all([
    versionsOfMajors(registry, ids, { pseudo, after, take: limit + 1 }),
    latestVersions(registry, ids),
    descriptionsOf(registry, ids),
  ]);
  const byId = new Map(modules.map((one) => [one.id, one]));
  const page = found.slice(0, limit);
  const items = page.map(({ version: { moduleId, version, time, legacy, retracted, retractRationale } }) => {
    const { path: modulePath, deprecated } = byId.get(moduleId)!;
    return {
      modulePath,
      version,
      commitTime: timeOf(time),
      // As far as its module was read: of each version it would take its zip.
      isRedistributable: areRedistributable((described.get(moduleId)?.licenses ?? []).map(({ spdxId }) => spdxId)),
      hasGoMod: !legacy,
      latestVersion: latest.get(moduleId)?.version ?? "",
      deprecated: deprecated !== null,
      deprecationReason: deprecated ?? "",
      retracted,
      retractionReason: retractRationale ?? "",
    };
  });
  const kept = filtered(items, list.filter, (one) => ({ ...one, commitTime: new Date(one.commitTime) }));
  const more = found.length > limit;
  return {
    pinned: false,
    body: {
      items: kept.length === 0 ? null : kept,
      total: after === undefined && !more ? kept.length : -1,
      ...(more ? { nextPageToken: tokenFor(page.at(-1)!.key) } : {}),
    },
  };
}

/** /v1/packages/{path} */
export async function packagesAnswer(asking: Asking, path: string, query: URLSearchParams): Promise<ApiAnswer> {
  demandPath(path, "missing module path", "the module path must be provided after '/packages/'");
  const { version, ...list } = readParameters(query, { version: "text", ...LIST_PARAMETERS });
  const unit = await demandModuleUnit(asking, path, version);
  const readable = { id: unit.version.id, from: unit.from };
  const { packages, whole } = await packagesOf(asking.registry, readable, PATIENCE_MS);
  if (!whole) throw stillReading(readable);
  const licenses = await licenseFilesOf(asking.registry, unit.files, undefined);
  const items = packages.map(({ directory, name, synopsis }) => ({
    path: directory === "" ? path : `${path}/${directory}`,
    ...{ name, synopsis, isRedistributable: isRedistributable(licenses, directory) },
  }));
  const kept = filtered(items, list.filter, (one) => one);
  return {
    pinned: isPinned(version),
    body: {
      modulePath: unit.module.path,
      version: unit.version.version,
      isStandardLibrary: false,
      packages: pageOfList(kept, list),
    },
  };
}

/** /v1/search */
export async function searchAnswer(asking: Asking, query: URLSearchParams): Promise<ApiAnswer> {
  const { q, symbol, ...list } = readParameters(query, { q: "text", symbol: "text", ...LIST_PARAMETERS });
  if (q === "") throw badRequest("missing query", "provide the query by using the query parameter 'q'");
  const { registry, principal } = asking;
  const found =
    symbol === ""
      ? await packagesMatching(registry, principal, q)
      : await packagesMatchingAndDeclaring(registry, principal, q, readSymbolQuery(symbol));
  const items = found.map(({ path, modulePath, version, synopsis }) => ({
    ...{ packagePath: path, modulePath, version, synopsis },
  }));
  return {
    pinned: false,
    body: pageOfList(
      filtered(items, list.filter, (one) => one),
      list,
    ),
  };
}

function timeOf(time: Date | null): string {
  return time === null ? NO_TIME : time.toISOString().replace(".000Z", "Z");
}

function repositoryOf({ url }: Asking, { module, project }: Unit): string {
  return project ? `${url}/${project.fullPath}` : (repositoryUrlOf(module.path) ?? "");
}
