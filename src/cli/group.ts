// gokura group …
import { type Command, InvalidArgumentError } from "commander";
import { createGroup, demandGroup, searchGroups } from "../registry/forge/groups.ts";
import { quotaOf, setQuota } from "../registry/forge/quotas.ts";
import type { GroupRow } from "../registry/rows.ts";
import { parseBytes, parseCount } from "../settings/amounts.ts";
import { allById } from "./all-by-id.ts";
import { JSON_OPTION, visibility } from "./options.ts";
import { type PrintedRow, printOne, printRows } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

export function addGroupCommands(program: Command): void {
  const group = program.command("group").description("nested namespaces of projects");
  group
    .command("create <path>")
    .description("make a group; its parent must exist")
    .option("--visibility <who>", "private (default), internal or public", visibility)
    .option("--name <name>", "what people call it; the path if not given")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura group create acme/platform --visibility internal")
    .action((fullPath: string, options) =>
      withRegistry(async (registry, operator) => {
        const made = await createGroup(registry, operator, { fullPath, ...options });
        printOne(rowOf(made), options.json ?? false);
      }),
    );
  group
    .command("list")
    .description("all groups by number, without the namespaces of users")
    .option("--search <text>", "part of the name or of the last element of the path")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura group list --search platform")
    .action(({ search, json = false }) =>
      withRegistry(async (registry, operator) => {
        const order = { by: "id", sort: "asc" } as const;
        const rows = await allById((numbered) => searchGroups(registry, operator, { search }, order, numbered));
        printRows(rows.map(rowOf), json, "no groups");
      }),
    );
  group
    .command("quota <path>")
    .description("what a group and all below it may hold, and do; with an option: set it")
    .option("--max-bytes <size>", "of repositories and zips, such as 20G; none: no quota", amountOr(parseBytes))
    .option("--max-projects <number>", "none: no quota", amountOr(parseCount))
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura group quota acme --max-bytes 20G")
    .action((fullPath: string, { maxBytes, maxProjects, json = false }) =>
      withRegistry(async (registry, operator) => {
        if (maxBytes !== undefined || maxProjects !== undefined)
          await setQuota(registry, operator, fullPath, {
            maxBytes: orNull(maxBytes),
            maxProjects: orNull(maxProjects),
          });
        const group = await demandGroup(registry, operator, fullPath);
        printOne({ path: group.fullPath, ...(await quotaOf(registry, operator, group)) }, json);
      }),
    );
}

type Amount = number | typeof NONE;
/** Not null: commander makes an empty text of a null that a parser of arguments returns. */
const NONE = "none";

/** What a quota is set to; undefined: it stays. */
function orNull(amount: Amount | undefined): number | null | undefined {
  return amount === NONE ? null : amount;
}

/** A word of the command line that is an amount, or none. */
function amountOr(parse: (text: string) => number): (text: string) => Amount {
  return (text) => {
    try {
      return text === NONE ? NONE : parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

function rowOf(group: GroupRow): PrintedRow {
  return { id: group.id, path: group.fullPath, visibility: group.visibility.toLowerCase() };
}
