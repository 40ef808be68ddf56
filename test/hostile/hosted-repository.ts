// A project whose repository is put in its place by a recipe instead of by a push, so that it may hold what git would not
// take from a client; and what the registry makes of it.
import { recordPush } from "../../src/git/hosting/recorded-push.ts";
import { repositoryDirectory } from "../../src/git/hosting/repositories-of-projects.ts";
import { openTagIndexer } from "../../src/git/indexing/tag-indexer.ts";
import { initRepository } from "../../src/git/objects/init-repository.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import type { Repository } from "../../src/git/objects/repository.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { nobodysPush } from "../../src/registry/forge/recorded-refs.ts";
import { createUser, findUser } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import type { ProjectRow } from "../../src/registry/rows.ts";
import { type ListedVersion, listModule } from "../../src/registry/versions/listed-versions.ts";
import { atEnd } from "../support/at-end.ts";
import { makeRepository, type Recipe } from "../support/git-fixture.ts";

export interface HostedRepository {
  readonly project: ProjectRow;
  /** The path of the module in its root. */
  readonly modulePath: string;
  readonly directory: string;
  readonly repository: Repository;
  readonly repositories: Repositories;
  /** Changes the repository as it lies there. */
  change<T>(recipe: (recipe: Recipe) => T): T;
  /** What follows a push: refs are recorded, and tags become versions. */
  record(): Promise<void>;
  /** The versions of a module, by default of the one in the root. */
  versions(modulePath?: string): Promise<string[]>;
  /** Why tags are no versions, by tag. */
  reasons(): Promise<Record<string, string>>;
}

export interface HostedOptions {
  /** A second name of its modules; the project is then public. */
  readonly modulePrefix?: string;
  readonly objectFormat?: "sha1" | "sha256";
  /** Refused tags are listed, as direct mode lists them. */
  readonly listRefused?: boolean;
}

/** A new project of mallory's. */
export async function hostedRepository(
  registry: Registry,
  name: string,
  { modulePrefix, objectFormat = "sha1", listRefused = false }: HostedOptions = {},
): Promise<HostedRepository> {
  if (!(await findUser(registry, "mallory"))) await createUser(registry, OPERATOR, { username: "mallory" });
  const naming = modulePrefix === undefined ? {} : ({ modulePrefix, visibility: "PUBLIC" } as const);
  const project = await createProject(registry, OPERATOR, { fullPath: `mallory/${name}`, listRefused, ...naming });
  const { id } = project;
  const directory = repositoryDirectory(registry, id);
  await initRepository(directory, { objectFormat });
  const repositories = new Repositories();
  atEnd(() => repositories.close());
  const indexer = openTagIndexer(registry, repositories);
  const modulePath = `${registry.moduleHost}/${project.fullPath}`;
  return {
    project,
    modulePath,
    directory,
    repository: repositories.at(directory),
    repositories,
    change: (recipe) => makeRepository(directory, recipe, { sha256: objectFormat === "sha256" }),
    async record() {
      await recordPush(registry, repositories, nobodysPush(id));
      await indexer.index(id);
    },
    async versions(path = modulePath) {
      const listed: readonly ListedVersion[] = (await listModule(registry, project, path)) ?? [];
      return listed.filter((each) => each.usable).map((each) => each.version);
    },
    async reasons() {
      const rows = await registry.prisma.rejectedTag.findMany({ where: { projectId: id }, orderBy: { id: "asc" } });
      return Object.fromEntries(rows.map((row) => [row.tag, row.reason]));
    },
  };
}
