// The go command's own way of making versions: the name of a tag says of which modules it may be a version, and go.mod at
// its commit decides (Go Modules Reference, "Mapping versions to commits"; cmd/go/internal/modfetch/coderepo.go). The work
// is done in module-at-commit.ts.
import { modulesOfTag } from "../../gomod/tag-version.ts";
import { moduleAtRevision, moduleAtTag } from "./module-at-commit.ts";
import type { TagScheme } from "./tag-scheme.ts";

export const GO_TAG_SCHEME: TagScheme = {
  candidates: async (_repository, roots, { tag }) => roots.flatMap((root) => modulesOfTag(root, tag)),
  atTag: (repository, { location, version }, { tag, peeled }) =>
    moduleAtTag(repository, location, { tag, version, commit: peeled }),
  atRevision: moduleAtRevision,
  // coderepo.go Versions does not open go.mod.
  listsRefused: true,
};
