// gokura user …
import type { Command } from "commander";
import { readConfig } from "../config.ts";
import { invalid } from "../errors.ts";
import { connectUser } from "../registry/forge/provider-sign-in.ts";
import {
  createUser,
  deleteUser,
  findUser,
  type ListedUser,
  listUsers,
  setUserBlocked,
} from "../registry/forge/users.ts";
import { confirm, YES_OPTION } from "./confirm.ts";
import { JSON_OPTION } from "./options.ts";
import { type PrintedRow, printOne, printRows } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

export function addUserCommands(program: Command): void {
  const user = program.command("user").description("people and robots that sign in with tokens");
  user
    .command("create <name>")
    .description("make a user with a namespace of the same name")
    .option("--admin", "may do everything")
    .option("--email <address>")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura user create alice --email alice@example.com")
    .action((username: string, { admin, email, json = false }) =>
      withRegistry(async (registry, operator) =>
        printOne(rowOf(await createUser(registry, operator, { username, admin, email })), json),
      ),
    );
  user
    .command("list")
    .description("all users by name")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura user list")
    .action(({ json = false }) =>
      withRegistry(async (registry, operator) =>
        printRows((await listUsers(registry, operator)).map(rowOf), json, "no users yet"),
      ),
    );
  user
    .command("delete <name>")
    .description("delete a user with the own namespace, the projects in it, tokens and memberships")
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura user delete alice --yes")
    .action(async (username: string, { yes, json = false }) => {
      await confirm(`Delete the user ${username} with all projects of the own namespace, for good?`, yes);
      await withRegistry(async (registry, operator) => {
        const found = await findUser(registry, username);
        if (!found) throw invalid(`there is no user ${username}`);
        await deleteUser(registry, operator, found.id);
        printOne({ ...rowOf(found), state: "deleted" }, json);
      });
    });
  user
    .command("connect <name>")
    .description("connect a user with an identity at the provider that signs people in (OpenID Connect)")
    .requiredOption("--subject <id>", "who it is there (claim sub); the page that refuses a sign-in tells it")
    .option("--issuer <url>", "the provider; default: GOKURA_OIDC_ISSUER")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura user connect alice --subject 248289761001")
    .action((username: string, { subject, issuer = readConfig().signInProvider?.issuer, json = false }) =>
      withRegistry(async (registry, operator) => {
        if (issuer === undefined) throw invalid("no provider is set (GOKURA_OIDC_ISSUER): name it with --issuer");
        await connectUser(registry, operator, username, { issuer, subject });
        printOne({ username, issuer, subject }, json);
      }),
    );
  for (const [name, blocked, what] of [
    ["block", true, "refuse all tokens of a user, at once"],
    ["unblock", false, "accept the tokens of a user again"],
  ] as const)
    user
      .command(`${name} <name>`)
      .description(what)
      .option(...JSON_OPTION)
      .addHelpText("after", `\nExample: gokura user ${name} alice`)
      .action((username: string, { json = false }) =>
        withRegistry(async (registry, operator) =>
          printOne(rowOf(await setUserBlocked(registry, operator, username, blocked)), json),
        ),
      );
}

function rowOf(user: ListedUser): PrintedRow {
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    email: user.email,
    admin: user.admin,
    state: user.blockedAt ? "blocked" : "active",
    created: user.createdAt,
  };
}
