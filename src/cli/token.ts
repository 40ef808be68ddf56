// gokura token …
import { type Command, InvalidArgumentError } from "commander";
import { invalid } from "../errors.ts";
import { demandGroup } from "../registry/forge/groups.ts";
import { demandProject } from "../registry/forge/projects.ts";
import {
  createDeployToken,
  createGroupDeployToken,
  createPersonalToken,
  isActive,
  revokeToken,
  tokensOfGroup,
  tokensOfProject,
  tokensOfUser,
} from "../registry/forge/tokens.ts";
import { findUser } from "../registry/forge/users.ts";
import { PAGE_LIMIT } from "../registry/lists/keyset-page.ts";
import type { TokenRow } from "../registry/rows.ts";
import { day, JSON_OPTION, wholeNumber, words } from "./options.ts";
import { type PrintedRow, printOne, printRows } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

interface Owner {
  readonly user?: string;
  readonly project?: string;
  readonly group?: string;
}

export function addTokenCommands(program: Command): void {
  const token = program
    .command("token")
    .description("personal access tokens of users, deploy tokens of projects and groups");
  token
    .command("create")
    .description("make a token and print it, this once")
    .option("--user <name>", "a personal access token of this user")
    .option("--project <path>", "a deploy token of this project")
    .option("--group <path>", "a deploy token of this group: it opens all projects at or below it")
    .requiredOption("--name <name>", "what it is for")
    .requiredOption("--scope <scopes>", "what it opens, with commas", words)
    .option("--expires <YYYY-MM-DD>", "refused from this day on", day)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
Scopes of users: api, read_api (Go endpoints, GraphQL queries, git fetch), read_user, read_repository, write_repository,
read_checksum_log (the checksum log with the names of all modules, for auditors).
Scopes of projects and groups: read_package_registry (Go endpoint), read_repository (git fetch), write_package_registry.
Example: gokura token create --user alice --name laptop --scope read_api,write_repository
Example: gokura token create --group acme --name ci --scope read_package_registry,read_repository`,
    )
    .action(async ({ user, project, group, name, scope, expires, json = false }) => {
      checkOwner({ user, project, group });
      await withRegistry(async (registry, operator) => {
        const input = { name, scopes: scope, expiresAt: expires };
        const made = await (user !== undefined
          ? createPersonalToken(registry, operator, user, input)
          : group !== undefined
            ? createGroupDeployToken(registry, operator, group, input)
            : createDeployToken(registry, operator, project, input));
        if (json) printOne({ ...rowOf(made.token), token: made.secret }, true);
        else {
          printOne({ ...rowOf(made.token), token: made.secret }, false);
          console.log("The token is shown this once: keep it where you keep secrets.");
        }
      });
    });
  token
    .command("list")
    .description("the newest tokens of a user, a project or a group itself")
    .option("--user <name>")
    .option("--project <path>")
    .option("--group <path>")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura token list --user alice\nExample: gokura token list --group acme")
    .action(async ({ user, project, group, json = false }) => {
      checkOwner({ user, project, group });
      await withRegistry(async (registry, operator) => {
        const page = { first: PAGE_LIMIT };
        if (user !== undefined) {
          const owner = await findUser(registry, user);
          if (!owner) throw invalid(`there is no user ${user}`);
          const { rows } = await tokensOfUser(registry, operator, owner, page);
          return printRows(rows.map(rowOf), json, `${user} has no tokens`);
        }
        if (group !== undefined) {
          const owner = await demandGroup(registry, operator, group);
          const { rows } = await tokensOfGroup(registry, operator, owner, page);
          return printRows(rows.map(rowOf), json, `${group} has no deploy tokens`);
        }
        const owner = await demandProject(registry, operator, project);
        const { rows } = await tokensOfProject(registry, operator, owner, page);
        printRows(rows.map(rowOf), json, `${project} has no deploy tokens`);
      });
    });
  token
    .command("revoke")
    .argument("<id>", "its number, from token list", wholeNumber)
    .description("refuse a token from now on, in every server")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura token revoke 7")
    .action((id: number, { json = false }) =>
      withRegistry(async (registry, operator) => printOne(rowOf(await revokeToken(registry, operator, id)), json)),
    );
}

function checkOwner({ user, project, group }: Owner): void {
  if ([user, project, group].filter((owner) => owner !== undefined).length !== 1)
    throw new InvalidArgumentError("name one of --user, --project and --group.");
}

function rowOf(token: TokenRow): PrintedRow {
  return {
    id: token.id,
    kind: token.kind.toLowerCase(),
    name: token.name,
    ...(token.username === null ? {} : { username: token.username }),
    scopes: token.scopes,
    active: isActive(token),
    expires: token.expiresAt,
    revoked: token.revokedAt,
    used: token.lastUsedAt,
  };
}
