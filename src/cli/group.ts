// gokura group …
import type { Command } from "commander";
import { createGroup } from "../registry/forge/groups.ts";
import { JSON_OPTION, visibility } from "./options.ts";
import { printOne } from "./output.ts";
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
        printOne(
          { id: made.id, path: made.fullPath, visibility: made.visibility.toLowerCase() },
          options.json ?? false,
        );
      }),
    );
}
