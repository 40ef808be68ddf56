// gokura migrate: what every start does first, by itself.
import type { Command } from "commander";
import { withRegistry } from "./with-registry.ts";

export function addMigrateCommand(program: Command): void {
  program
    .command("migrate")
    .description("bring the database to the newest migration (serve does it by itself)")
    .addHelpText("after", "\nExample: DATABASE_URL=postgresql://gokura@db/gokura gokura migrate")
    .action(() => withRegistry(async () => console.log("the database is up to date")));
}
