// Two sets of rules say what a tag of a repository is to Go: the go command's own, and those of GitLab's Go proxy, for
// projects that chose them. Both answer the same four questions, and nothing else asks which of the two a project has:
// of which modules a tag may be a version, what it is a version of, which version a branch or commit is, and whether the
// list of a module names tags that are then refused.
import type { ModuleLocation } from "../../gomod/module-root.ts";
import type { TaggedModule } from "../../gomod/tag-version.ts";
import type { Repository } from "../objects/repository.ts";
import type { ModuleAtCommit } from "./module-at-commit.ts";

/** A tag and the commit that it stands for, through tags of tags; another object where it names no commit. */
export interface PeeledTag {
  /** Without refs/tags/. */
  readonly tag: string;
  readonly peeled: string;
}

export interface TagScheme {
  /**
   * The modules below some roots (module paths of the repository's root) of which a tag may be a version, by its name
   * and, in GitLab's scheme, by the directories of its commit. Throws invalid or too-large where that cannot be read.
   */
  candidates(repository: Repository, roots: readonly string[], tag: PeeledTag): Promise<readonly TaggedModule[]>;
  /** One of the candidates as the module that the tag's commit holds. Throws not-found with the reason. */
  atTag(repository: Repository, module: TaggedModule, tag: PeeledTag): Promise<ModuleAtCommit>;
  /**
   * The version that a revision is: a version, a pseudo-version, a branch, a tag or a prefix of a hash, or "" for the
   * default branch. `isUnwanted` says which versions (retracted, taken back) a branch or commit is not resolved to. Throws
   * not-found with the reason.
   */
  atRevision(
    repository: Repository,
    location: ModuleLocation,
    revision: string,
    isUnwanted: (version: string) => boolean,
  ): Promise<ModuleAtCommit>;
  /** Whether the go command's own list names a tag that atTag refuses, so that a list that is to equal it has to. */
  readonly listsRefused: boolean;
}
