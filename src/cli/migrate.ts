// gokura migrate: what every start does first, by itself.
import type { Command } from "commander";
import { JSON_OPTION } from "./options.ts";
import { printOne } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

export function addMigrateCommand(program: Command): void {
  program
    .command("migrate")
    .description("bring the database to the newest migration (serve does it by itself)")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: DATABASE_URL=postgresql://gokura@db/gokura gokura migrate")
    .action(({ json = false }) => withRegistry(async () => printOne({ database: "up to date" }, json)));
}
