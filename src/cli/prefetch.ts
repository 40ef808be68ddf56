// gokura prefetch: what builds will ask for, fetched before they do, and a free audit on the way: every sum that a go.sum file
// has of a version is compared with what is stored.
import type { Command } from "commander";
import { JSON_OPTION } from "./options.ts";
import { tellImport, wantedIn, withIntake } from "./with-intake.ts";

export function addPrefetchCommand(program: Command): void {
  program
    .command("prefetch")
    .description("fetch the versions that go.sum files name from the upstreams, and compare their sums")
    .requiredOption("--go-sum <files...>", "go.sum or go.work.sum files")
    .option("--dry-run", "say what would be fetched, and fetch nothing")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
Run it with the server's settings. Versions of which a go.sum has the go.mod alone get no more than that. Ends with 1 when a
version cannot be had, or is another one than the go.sum says; each is told with the reason.
Example: gokura prefetch --go-sum go.sum services/*/go.sum`,
    )
    .action(async ({ goSum, dryRun = false, json = false }: { goSum: string[]; dryRun?: boolean; json?: boolean }) => {
      const wanted = await wantedIn(goSum);
      const expected = async (modulePath: string, version: string) => {
        const known = wanted.get(`${modulePath}@${version}`);
        return known && ({ kind: "expected", h1: known.h1, goModH1: known.goModH1, by: "go.sum" } as const);
      };
      await withIntake({ expected }, ({ signal, ...parts }) =>
        tellImport({ ...parts, client: undefined, dryRun }, [...wanted.values()], { json, signal }),
      );
    });
}
