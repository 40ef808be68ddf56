// gokura member …
import { type Command, InvalidArgumentError } from "commander";
import { DEVELOPER, nameOfLevel } from "../registry/access/acts.ts";
import { demandGroup } from "../registry/forge/groups.ts";
import { addMember, removeMember, searchMembers } from "../registry/forge/members.ts";
import { demandProject } from "../registry/forge/projects.ts";
import { PAGE_LIMIT } from "../registry/lists/keyset-page.ts";
import type { MemberRow } from "../registry/rows.ts";
import { accessLevel, day, JSON_OPTION } from "./options.ts";
import { type PrintedRow, printOne, printRows } from "./output.ts";
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
  member
    .command("list")
    .description("the members of a project or a group whose time is not over")
    .option("--project <path>")
    .option("--group <path>")
    .option("--inherited", "also those of the groups above, each user once with the highest level")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura member list --project acme/lib --inherited")
    .action(({ project, group, inherited = false, json = false }) => {
      placeOf(project, group);
      return withRegistry(async (registry, operator) => {
        const of = project
          ? { project: await demandProject(registry, operator, project) }
          : { group: await demandGroup(registry, operator, group) };
        const rows: MemberRow[] = [];
        for (let more = true; more; ) {
          const numbered = { offset: rows.length, limit: PAGE_LIMIT, counted: false };
          const found = await searchMembers(registry, operator, { of, inherited }, numbered);
          rows.push(...found.rows);
          more = found.more;
        }
        printRows(
          rows.map((row) => rowOf(row, project ?? group)),
          json,
          `${project ?? group} has no members${inherited ? "" : " of its own: --inherited shows those of the groups above"}`,
        );
      });
    });
}

function placeOf(projectPath: string | undefined, groupPath: string | undefined) {
  if ((projectPath === undefined) === (groupPath === undefined))
    throw new InvalidArgumentError("name either --project or --group.");
  return { projectPath, groupPath };
}

function rowOf(member: MemberRow, place: string): PrintedRow {
  const level = nameOfLevel(member.accessLevel);
  return { place, user: member.user.username, level, expires: member.expiresAt };
}
