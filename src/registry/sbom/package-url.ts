// The name of a Go module among all packages: a package URL, as CycloneDX and SPDX have it (github.com/package-url/purl-spec,
// purl-specification and types/golang-definition). Written as cyclonedx-gomod does, in the letters of the module path: the
// definition wants lower case, and would make one of two modules whose paths differ in nothing else.

/** The package URL of a version of a module; without a version, as of a directory, of the module. */
export function packageUrl({ path, version }: { readonly path: string; readonly version: string }): string {
  const name = path.split("/").map(encodeURIComponent).join("/");
  return `pkg:golang/${name}${version === "" ? "" : `@${encodeURIComponent(version)}`}?type=module`;
}
