// Downloads of modules and versions. What is asked for is only named here; each field is loaded for all objects at once.

import { checkPageSize } from "../../registry/lists/keyset-page.ts";
import { checkPeriod, type DownloadSubject, type Period } from "../../registry/numbers/downloads.ts";
import type { GraphqlContext } from "../context.ts";
import type {
  DownloadsOfVersionResolvers,
  DownloadsOnDayResolvers,
  DownloadsResolvers,
  ModuleDownloadsResolvers,
} from "../generated.ts";
import { stillThere } from "./still-there.ts";

const VERSIONS_DEFAULT = 20;

/** Whose downloads, and when. */
export interface DownloadsOf {
  readonly what: DownloadSubject;
  readonly id: number;
  readonly period: Period;
}

/**
 * The downloads of a version, by its number.
 * @public for generated.ts
 */
export interface VersionCount {
  readonly versionId: number;
  readonly count: bigint;
}

/**
 * The downloads of a module, by its number.
 * @public for generated.ts
 */
export interface ModuleCount {
  readonly moduleId: number;
  readonly count: bigint;
}

/** The downloads of a module or version. Throws invalid for a period that ends before it begins. */
export function downloadsField(what: DownloadSubject, { id }: { readonly id: number }, period: Period): DownloadsOf {
  return { what, id, period: checkPeriod(period) };
}

const totalOf = async ({ what, id, period }: DownloadsOf, { loaders }: GraphqlContext): Promise<bigint> =>
  (await loaders.downloads.load({ id }, { what, ...period })) ?? 0n;

export const Downloads: DownloadsResolvers = {
  total: (of, _, context) => totalOf(of, context),
  byDay: async ({ what, id, period }, _, { loaders }) =>
    (await loaders.downloadDays.load({ id }, { what, ...period })) ?? [],
  byVersion: async (of, { first }, context) => {
    const { what, id, period } = of;
    const take = checkPageSize(first ?? VERSIONS_DEFAULT);
    if (what === "module") return (await context.loaders.downloadedVersions.load({ id }, { ...period, take })) ?? [];
    const count = take === 0 ? 0n : await totalOf(of, context);
    return count === 0n ? [] : [{ versionId: id, count }];
  },
};

export const DownloadsOnDay: DownloadsOnDayResolvers = { downloads: ({ count }) => count };

export const DownloadsOfVersion: DownloadsOfVersionResolvers = {
  goModuleVersion: async ({ versionId }, _, { loaders }) => stillThere(await loaders.version.load(versionId)),
  downloads: ({ count }) => count,
};

export const ModuleDownloads: ModuleDownloadsResolvers = {
  module: async ({ moduleId }, _, { loaders }) => stillThere(await loaders.module.load(moduleId)),
  downloads: ({ count }) => count,
};
