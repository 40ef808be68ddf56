// gokura member …
import { type Command, InvalidArgumentError } from "commander";
import { DEVELOPER, nameOfLevel } from "../registry/access/acts.ts";
import { addMember, removeMember } from "../registry/forge/members.ts";
import type { MemberRow } from "../registry/rows.ts";
import { accessLevel, day, JSON_OPTION } from "./options.ts";
import { printOne, type Row } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

export function addMemberCommands(program: Command): void {
  const member = program.command("member").description("who belongs to a project or a group");
  member
    .command("add")
    .description("add a member, or change the access level of one")
    .option("--project <path>")
    .option("--group <path>", "with everything in it")
    .requiredOption("--user <name>")
    .option("--access-level <level>", "guest, reporter, developer (default), maintainer or owner", accessLevel)
    .option("--expires <YYYY-MM-DD>", "counts no more from this day on", day)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura member add --group acme --user alice --access-level maintainer")
    .action(({ project, group, user, accessLevel: level = DEVELOPER, expires, json = false }) => {
      const place = placeOf(project, group);
      return withRegistry(async (registry, operator) => {
        const grant = { username: user, accessLevel: level, expiresAt: expires };
        printOne(rowOf(await addMember(registry, operator, place, grant), project ?? group), json);
      });
    });
  member
    .command("remove")
    .description("take a direct membership away")
    .option("--project <path>")
    .option("--group <path>")
    .requiredOption("--user <name>")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura member remove --project acme/lib --user alice")
    .action(({ project, group, user, json = false }) => {
      const place = placeOf(project, group);
      return withRegistry(async (registry, operator) =>
        printOne(rowOf(await removeMember(registry, operator, place, user), project ?? group), json),
      );
    });
}

function placeOf(projectPath: string | undefined, groupPath: string | undefined) {
  if ((projectPath === undefined) === (groupPath === undefined))
    throw new InvalidArgumentError("name either --project or --group.");
  return { projectPath, groupPath };
}

function rowOf(member: MemberRow, place: string): Row {
  const level = nameOfLevel(member.accessLevel);
  return { place, user: member.user.username, level, expires: member.expiresAt };
}
