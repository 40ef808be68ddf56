// gokura vuln report …: which known vulnerabilities a version has, or all that a go.sum names.
import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { invalid } from "../errors.ts";
import { isValid } from "../gomod/version.ts";
import { type ModuleAtVersion, vulnerabilitiesOf } from "../registry/advisories/vulnerabilities.ts";
import { findDatabase } from "../registry/advisories/vulnerability-database.ts";
import { versionsOfGoSum, vulnerabilitiesOfBuild } from "../registry/sbom/reported-vulnerabilities.ts";
import { JSON_OPTION } from "./options.ts";
import { type PrintedRow, printJson, printRows } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

interface ReportOptions {
  readonly goSum?: string;
  readonly buildList?: boolean;
  readonly json?: boolean;
}

export function addVulnCommands(program: Command): void {
  const vuln = program
    .command("vuln")
    .description("known vulnerabilities, by the mirrored database and one's own advisories");
  vuln
    .command("report")
    .argument("[module@version]")
    .description(
      "what is known of a version, of what it is built of, or of all that a go.sum has the sums of; exit code 1 if anything is",
    )
    .option("--go-sum <file>", "read the versions out of it")
    .option("--build-list", "of the version and of all that a build of it uses")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura vuln report --go-sum go.sum")
    .action((name: string | undefined, options: ReportOptions) => {
      const { goSum, buildList = false, json = false } = options;
      if ((name === undefined) === (goSum === undefined))
        throw new InvalidArgumentError("name MODULE@VERSION or --go-sum.");
      const versions = goSum === undefined ? [atVersion(name!)] : versionsOfGoSum(readGoSum(goSum));
      if (buildList && goSum !== undefined)
        throw new InvalidArgumentError(
          "--build-list is of MODULE@VERSION: a go.sum names all that it has the sums of.",
        );
      return withRegistry(async (registry, operator) => {
        const database = await findDatabase(registry);
        // Nothing known and nothing looked at are not the same.
        if (!database)
          throw invalid("no vulnerability database was mirrored yet: set GOKURA_VULNDB and start the server");
        const found = buildList
          ? await vulnerabilitiesOfBuild(registry, operator, versions[0]!)
          : await vulnerabilitiesOf(registry, versions);
        const { modified, checkedAt } = database;
        const rows: PrintedRow[] = found.map(({ id, aliases, summary, modulePath, version, fixedIn }) => ({
          ...{ id, module: modulePath, version, fixedIn, aliases, summary },
        }));
        if (json) printJson({ database: { modified, checkedAt }, versions: versions.length, vulnerabilities: rows });
        else {
          printRows(
            rows,
            false,
            `nothing is known of ${versions.length} ${versions.length === 1 ? "version" : "versions"}`,
          );
          console.log(`by a database of ${modified.toISOString()}, looked at ${checkedAt.toISOString()}`);
        }
        if (found.length > 0) process.exitCode = 1;
      });
    });
}

export function atVersion(name: string): ModuleAtVersion {
  const [path = "", version = "", ...rest] = name.split("@");
  if (path === "" || !isValid(version) || rest.length > 0) throw new InvalidArgumentError("name MODULE@VERSION.");
  return { path, version };
}

function readGoSum(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new InvalidArgumentError(`--go-sum: ${(error as Error).message}.`);
  }
}
