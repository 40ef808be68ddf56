// What rules may go by beside the name of a version: its licences, which only its zip tells, and its known vulnerabilities. Each
// is asked for only where a rule, or the warning that needs no rule, depends on it.
import { reviewedVulnerabilities } from "../advisories/vulnerabilities.ts";
import { licensesOf } from "../modules/version-licenses.ts";
import type { Registry } from "../registry.ts";
import { goesByLicenses, NO_FACTS, type RuleLevels, type VersionFacts } from "./verdict.ts";

/** What is known of some versions of a module. `advised`: whether there are advisories about it. */
export async function versionFacts(
  registry: Registry,
  modulePath: string,
  versions: readonly string[],
  levels: RuleLevels,
  advised: boolean,
): Promise<(version: string) => VersionFacts> {
  const licensed = levels.some((level) => level.some(goesByLicenses));
  if (!licensed && !advised) return () => NO_FACTS;
  const [licenses, vulnerabilities] = await Promise.all([
    licensed
      ? licensesOf(
          registry,
          versions.map((version) => ({ path: modulePath, version })),
        )
      : undefined,
    advised ? reviewedVulnerabilities(registry, modulePath, versions) : undefined,
  ]);
  return (version) => ({
    licenses: licenses?.get(`${modulePath}@${version}`),
    vulnerabilities: vulnerabilities?.get(version) ?? NO_FACTS.vulnerabilities,
  });
}
