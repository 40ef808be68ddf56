// gokura project …
import { type Command, InvalidArgumentError, Option } from "commander";
import { readConfig } from "../config.ts";
import type { ObjectFormat, TagScheme } from "../database/generated/client.ts";
import { purgeProject } from "../git/hosting/purge.ts";
import { Repositories } from "../git/objects/repositories.ts";
import { searchProjects } from "../registry/forge/project-search.ts";
import {
  createProject,
  deleteProject,
  demandProject,
  modulePathOf,
  packageSettingOf,
  updateProject,
} from "../registry/forge/projects.ts";
import { protectTag, TAG_LEVELS, unprotectTag } from "../registry/forge/protected-tags.ts";
import { PAGE_LIMIT } from "../registry/lists/keyset-page.ts";
import type { Registry } from "../registry/registry.ts";
import type { ProjectRow, ProtectedTagRow } from "../registry/rows.ts";
import { listModules } from "../registry/versions/modules.ts";
import { listRejectedTags } from "../registry/versions/rejected-tags.ts";
import { explainTags } from "../registry/versions/tag-explanation.ts";
import { deleteVersion } from "../registry/versions/version-deletion.ts";
import { allById } from "./all-by-id.ts";
import { confirm, YES_OPTION } from "./confirm.ts";
import { JSON_OPTION, onOrOff, packages, visibility } from "./options.ts";
import { type PrintedRow, printJson, printOne, printRows } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

const MODULE_PREFIX = [
  "--module-prefix <path>",
  'a second name for its modules, such as github.com/acme/lib; "" takes it away',
] as const;

function tagScheme(word: string): TagScheme {
  if (word === "go" || word === "gitlab") return word.toUpperCase() as TagScheme;
  throw new InvalidArgumentError("use go or gitlab.");
}

function objectFormat(word: string): ObjectFormat {
  if (word === "sha1" || word === "sha256") return word.toUpperCase() as ObjectFormat;
  throw new InvalidArgumentError("use sha1 or sha256.");
}

const tagSchemeOption = () =>
  new Option("--tag-scheme <scheme>", "which tags are versions: go (sub/v1.2.3) or gitlab").argParser(tagScheme);

const LIST_REFUSED = [
  "--list-refused <on|off>",
  "with the go command's own list, which holds tags that are then refused; forks are versions then, for replace",
  onOrOff,
] as const;

export function addProjectCommands(program: Command): void {
  const project = program.command("project").description("repositories and the modules that are published from them");
  project
    .command("create <path>")
    .description("make a project in a group or in a user's namespace (a first push makes it too)")
    .option("--visibility <who>", "private (default), internal or public", visibility)
    .option("--name <name>", "what people call it; the path if not given")
    .option("--description <text>")
    .option(...MODULE_PREFIX)
    .addOption(tagSchemeOption())
    .option(...LIST_REFUSED)
    .option(
      "--object-format <hash>",
      "sha1 (default) or sha256, as of the repository that will be pushed",
      objectFormat,
    )
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura project create acme/lib --visibility internal")
    .action((fullPath: string, options) =>
      withRegistry(async (registry, operator) =>
        printOne(
          rowOf(registry, await createProject(registry, operator, { fullPath, ...options })),
          options.json ?? false,
        ),
      ),
    );
  project
    .command("list")
    .description("all projects")
    .option("--search <text>", "part of the name or the path")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura project list --search lib")
    .action(({ search, json = false }) =>
      withRegistry(async (registry, operator) => {
        const filter = { search, searchNamespaces: true };
        const order = { by: "id", sort: "asc" } as const;
        const rows = await allById((numbered) => searchProjects(registry, operator, filter, order, numbered));
        printRows(
          rows.map((one) => rowOf(registry, one)),
          json,
          "no projects",
        );
      }),
    );
  project
    .command("show <path>")
    .description("one project with its modules, and the tags that are no versions")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura project show acme/lib")
    .action((fullPath: string, { json = false }) =>
      withRegistry(async (registry, operator) => {
        const one = await demandProject(registry, operator, fullPath);
        const modules = await listModules(registry, operator, { projectId: one.id }, { first: PAGE_LIMIT });
        const rejected = await listRejectedTags(registry, one.id, PAGE_LIMIT);
        const paths = modules.rows.map((module) => module.path);
        const tags = rejected.map(({ tag, modulePath, reason }) => ({ tag, module: modulePath, reason }));
        if (json) return printJson({ ...rowOf(registry, one), modules: paths, rejectedTags: tags });
        printOne({ ...rowOf(registry, one), modules: paths }, false);
        if (tags.length > 0) console.log();
        if (tags.length > 0) printRows(tags, false, "");
      }),
    );
  project
    .command("update <path>")
    .description("change a project; takes effect at once")
    .option("--visibility <who>", "private, internal or public", visibility)
    .option("--name <name>")
    .option("--description <text>")
    .option("--packages <for-whom>", "its Go endpoint: on, off, or for members from Reporter on", packages)
    .option(...MODULE_PREFIX)
    .addOption(tagSchemeOption())
    .option(...LIST_REFUSED)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura project update acme/lib --module-prefix github.com/acme/lib")
    .action((fullPath: string, { json = false, ...options }) =>
      withRegistry(async (registry, operator) =>
        printOne(rowOf(registry, await updateProject(registry, operator, fullPath, options)), json),
      ),
    );
  project
    .command("explain <path> [tag]")
    .description("tell which versions a tag makes, or the exact rule that refuses it; without a tag, of all tags")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura project explain acme/lib v1.2")
    .action((fullPath: string, tag: string | undefined, { json = false }) =>
      withRegistry(async (registry, operator) => {
        const rows = await explainTags(registry, operator, fullPath, tag);
        printRows(
          rows.map((row) => ({ ...row })),
          json,
          `no tag was pushed to ${fullPath} yet`,
        );
      }),
    );
  project
    .command("protect-tag <path> <name>")
    .description("let only some push tags of a name, in which * stands for any text, and nobody move or delete them")
    .option("--access-level <level>", "who may push them: maintainer (default), developer or none", tagLevel)
    .option(...JSON_OPTION)
    .addHelpText("after", '\nExample: gokura project protect-tag acme/lib "v*" --access-level maintainer')
    .action((fullPath: string, name: string, { accessLevel: level, json = false }) =>
      withRegistry(async (registry, operator) =>
        printOne(protectionOf(fullPath, await protectTag(registry, operator, fullPath, name, level)), json),
      ),
    );
  project
    .command("unprotect-tag <path> <name>")
    .description("take the protection of tags of a name away")
    .option(...JSON_OPTION)
    .addHelpText("after", '\nExample: gokura project unprotect-tag acme/lib "v*"')
    .action((fullPath: string, name: string, { json = false }) =>
      withRegistry(async (registry, operator) =>
        printOne(protectionOf(fullPath, await unprotectTag(registry, operator, fullPath, name)), json),
      ),
    );
  project
    .command("unpublish <module> <version>")
    .description("take a version back for good: it is 410 Gone, and its name is never used again")
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura project unpublish go.example.com/acme/lib v1.2.3 --yes")
    .action(async (modulePath: string, version: string, { yes, json = false }) => {
      await confirm(`Take ${modulePath} ${version} back, for good?`, yes);
      await withRegistry(async (registry, operator) => {
        await deleteVersion(registry, operator, modulePath, version);
        printOne({ module: modulePath, version, deleted: true }, json);
      });
    });
  project
    .command("purge <path>")
    .description(
      "remove from the disk at once what was taken back: objects and zips that no branch, tag or version needs",
    )
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura project purge acme/lib --yes")
    .action(async (fullPath: string, { yes, json = false }) => {
      await confirm(`Remove what ${fullPath} does not need any more from the disk, for good?`, yes);
      await withRegistry(async (registry, operator) => {
        const repositories = new Repositories();
        try {
          const { zips } = await purgeProject(registry, repositories, operator, fullPath);
          printOne({ path: fullPath, purged: true, zips }, json);
        } finally {
          await repositories.close();
        }
      });
    });
  project
    .command("delete <path>")
    .description("delete a project with its repository; its published versions are never given to other content")
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura project delete acme/old --yes")
    .action(async (fullPath: string, { yes, json = false }) => {
      await confirm(`Delete the project ${fullPath} with its repository and versions, for good?`, yes);
      await withRegistry(async (registry, operator) =>
        printOne(rowOf(registry, await deleteProject(registry, operator, fullPath)), json),
      );
    });
}

function tagLevel(word: string): number {
  const level = Object.entries(TAG_LEVELS).find(([name]) => name === word.toLowerCase())?.[1];
  if (level === undefined) throw new InvalidArgumentError(`use one of ${Object.keys(TAG_LEVELS).join(", ")}.`);
  return level;
}

function protectionOf(project: string, { name, createAccessLevel }: ProtectedTagRow): PrintedRow {
  const level = Object.entries(TAG_LEVELS).find(([, number]) => number === createAccessLevel)?.[0];
  return { project, name, level: level ?? createAccessLevel };
}

const PACKAGES = { DISABLED: "off", PRIVATE: "members", ENABLED: "on", PUBLIC: "on" };

function rowOf(registry: Registry, project: ProjectRow): PrintedRow {
  const url = readConfig().url;
  return {
    id: project.id,
    path: project.fullPath,
    visibility: project.visibility.toLowerCase(),
    module: modulePathOf(registry, project),
    prefix: project.modulePrefix,
    packages: PACKAGES[packageSettingOf(project)],
    scheme: project.tagScheme.toLowerCase(),
    listRefused: project.listRefused,
    objectFormat: project.objectFormat.toLowerCase(),
    ...(url === undefined ? {} : { repository: `${url}/${project.fullPath}.git` }),
  };
}
