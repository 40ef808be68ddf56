// The go command's own way of making versions: the name of a tag says of which modules it may be a version, and go.mod at
// its commit decides (Go Modules Reference, "Mapping versions to commits"; cmd/go/internal/modfetch/coderepo.go). The work
// is done in module-at-commit.ts.
//
// In direct mode the go command lists tags without opening go.mod, and compares only the major suffix of the module line.
// Whoever then requires such a version is refused, and since @latest takes the highest of the list, one wrong tag breaks
// the module for everybody. So here, as in GitLab's proxy, a tag whose go.mod names another path, or that the go command
// cannot parse, is no version. Projects that want the go command's own list, above all forks that are used by their tags
// in replace directives, say so (listRefused).
import { modulesOfTag } from "../../gomod/tag-version.ts";
import { goModObjection } from "./go-mod-objection.ts";
import { moduleAtRevision, moduleAtTag, type Objection } from "./module-at-commit.ts";
import type { TagScheme } from "./tag-scheme.ts";

/** The go command's rules: with `listRefused` as in direct mode, else without what whoever requires it is refused. */
export function goTagScheme({ listRefused }: { readonly listRefused: boolean }): TagScheme {
  const objection: Objection = listRefused ? () => undefined : goModObjection;
  return {
    candidates: async (_repository, roots, { tag }) => roots.flatMap((root) => modulesOfTag(root, tag)),
    atTag: (repository, { location, version }, { tag, peeled }) =>
      moduleAtTag(repository, location, { tag, version, commit: peeled }, objection),
    atRevision: (repository, location, revision, isUnwanted) =>
      moduleAtRevision(repository, location, revision, isUnwanted, objection),
    // coderepo.go Versions does not open go.mod.
    listsRefused: true,
  };
}
