// What changed in the API of a module between two versions: package by package, the exported declarations that came, went or
// are declared otherwise (godoc/package/api-diff.ts). Commands and internal packages are nobody's API.
import { Failure } from "../../errors.ts";
import type { PackageDocumentation } from "../../godoc/documentation.ts";
import { type ApiChange, apiDiff } from "../../godoc/package/api-diff.ts";
import type { Registry } from "../registry.ts";
import { everythingDocumented, packagesOf, type ReadableVersion } from "./documented-versions.ts";

/** Of one comparison; what comes after is only counted. */
const MAX_CHANGES = 2_000;

/** A package whose API changed. */
export interface PackageChange {
  /** In the module; "" is its root. */
  readonly directory: string;
  /** Of the package itself. */
  readonly change: "added" | "removed" | "changed";
  readonly changes: readonly ApiChange[];
}

export interface ModuleApiDiff {
  /** By directory. */
  readonly packages: readonly PackageChange[];
  /** Changes in all, those beyond the bound too. */
  readonly total: number;
}

/** Compares two versions of a module. Throws unavailable while one of them is still being read. */
export async function apiChanges(
  registry: Registry,
  before: ReadableVersion,
  after: ReadableVersion,
  patienceMs: number,
): Promise<ModuleApiDiff> {
  const [old, now] = [await whole(registry, before, patienceMs), await whole(registry, after, patienceMs)];
  const directories = [...new Set([...old.keys(), ...now.keys()])].filter(isImportable).sort();
  const packages: PackageChange[] = [];
  let total = 0;
  for (const directory of directories) {
    const [was, is] = [libraryIn(old.get(directory)), libraryIn(now.get(directory))];
    if (!was && !is) continue;
    const changes = apiDiff(was?.builds[0]?.doc, is?.builds[0]?.doc);
    if (changes.length === 0 && was && is) continue;
    const shown = changes.slice(0, Math.max(0, MAX_CHANGES - total));
    total += changes.length;
    packages.push({ directory, change: was ? (is ? "changed" : "removed") : "added", changes: shown });
  }
  return { packages, total };
}

async function whole(
  registry: Registry,
  version: ReadableVersion,
  patienceMs: number,
): Promise<Map<string, PackageDocumentation>> {
  const read = await packagesOf(registry, version, patienceMs);
  if (!read.whole) throw stillReading(version);
  return everythingDocumented(registry, version.id);
}

/** What to say while a version is being documented. */
export function stillReading({ from }: ReadableVersion): Failure {
  const name = from.prefix.replace(/\/$/, "");
  return new Failure("unavailable", `the sources of ${name} are still being read: ask again in a moment`);
}

function isImportable(directory: string): boolean {
  return !/(?:^|\/)internal(?:\/|$)/.test(directory);
}

function libraryIn(found: PackageDocumentation | undefined): PackageDocumentation | undefined {
  return found?.name === "main" ? undefined : found;
}
