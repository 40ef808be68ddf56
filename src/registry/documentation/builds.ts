// Which documentation of a package is meant by a system: GOOS and GOARCH, either of which may be left out.
import type { BuildContext, PackageDoc, PackageDocumentation } from "../../godoc/documentation.ts";

/** A package as it is on some systems. */
export interface PackageBuild {
  /** Empty: all systems. */
  readonly contexts: readonly BuildContext[];
  readonly doc: PackageDoc;
}

/** The first that is for such a system; undefined if none is. */
export function buildFor(
  { builds }: PackageDocumentation,
  goos: string | undefined,
  goarch: string | undefined,
): PackageBuild | undefined {
  const fits = (context: BuildContext): boolean =>
    (goos === undefined || context.goos === goos) && (goarch === undefined || context.goarch === goarch);
  if (goos === undefined && goarch === undefined) return builds[0];
  return builds.find(({ contexts }) => contexts.length === 0 || contexts.some(fits));
}
