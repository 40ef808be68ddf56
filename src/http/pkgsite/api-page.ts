// What people read at /-/pkgsite/v1/api, where pkg.go.dev has its page about the API.

/** Where the API is. */
export const PKGSITE_BASE = "/-/pkgsite";

/** The page. `base`: the address below which the API is. */
export function apiPage(base: string): string {
  return `pkg.go.dev's API about the modules of this registry

  GET ${base}/v1/package/PATH      module version goos goarch doc(text md html) examples imports licenses imported-by-counts
  GET ${base}/v1/symbols/PATH      module version goos goarch, and as a list
  GET ${base}/v1/imported-by/PATH  module version, and as a list
  GET ${base}/v1/vulns/PATH        module version, and as a list
  GET ${base}/v1/module/PATH       version licenses readme
  GET ${base}/v1/versions/PATH     pseudo, and as a list
  GET ${base}/v1/packages/PATH     version, and as a list
  GET ${base}/v1/search            q symbol, and as a list

Lists take limit (100 unless given), token (nextPageToken of the page before) and filter. A version is one such as v1.2.3,
latest (unless given), main or master. Modules that not everybody may see want a token as the password of Basic
authentication, as Bearer or as PRIVATE-TOKEN; it needs the scope read_api or read_package_registry.

  pkgsite-cli package -server=${base.replace("://", "://USER:TOKEN@")} -doc=text PATH@VERSION

Filters
  A Go expression over the fields of an entry, which are named as in the answer; of imported-by the name is path.
  true false nil ! - + * / % < > <= >= == != && || ( ) contains(s, t) hasPrefix(s, t) hasSuffix(s, t) matches(s, regexp)
  Example: filter=kind == "Function" && hasPrefix(name, "New")
`;
}
