// gokura user …
import type { Command } from "commander";
import { createUser, type ListedUser, listUsers, setUserBlocked } from "../registry/forge/users.ts";
import { JSON_OPTION } from "./options.ts";
import { printOne, printRows, type Row } from "./output.ts";
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

function rowOf(user: ListedUser): Row {
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
