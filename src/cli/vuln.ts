// gokura vuln report …: which known vulnerabilities a version has, or all that a go.sum names.
import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { invalid } from "../errors.ts";
import { isValid } from "../gomod/version.ts";
import { type ModuleAtVersion, vulnerabilitiesOf } from "../registry/advisories/vulnerabilities.ts";
import { findDatabase } from "../registry/advisories/vulnerability-database.ts";
import { JSON_OPTION } from "./options.ts";
import { printJson, printRows, type Row } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

export function addVulnCommands(program: Command): void {
  const vuln = program
    .command("vuln")
    .description("known vulnerabilities, by the mirrored database and one's own advisories");
  vuln
    .command("report")
    .argument("[module@version]")
    .description("what is known of a version, or of all that a go.sum has the sums of; exit code 1 if anything is")
    .option("--go-sum <file>", "read the versions out of it")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura vuln report --go-sum go.sum")
    .action((name: string | undefined, { goSum, json = false }: { goSum?: string; json?: boolean }) => {
      if ((name === undefined) === (goSum === undefined))
        throw new InvalidArgumentError("name MODULE@VERSION or --go-sum.");
      const versions = goSum === undefined ? [atVersion(name!)] : versionsOfGoSum(readGoSum(goSum));
      return withRegistry(async (registry) => {
        const database = await findDatabase(registry);
        // Nothing known and nothing looked at are not the same.
        if (!database)
          throw invalid("no vulnerability database was mirrored yet: set GOKURA_VULNDB and start the server");
        const found = await vulnerabilitiesOf(registry, versions);
        const { modified, checkedAt } = database;
        const rows: Row[] = found.map(({ id, aliases, summary, modulePath, version, fixedIn }) => ({
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

function atVersion(name: string): ModuleAtVersion {
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

/** The versions whose zips a go.sum has the sums of: those that a build may have compiled. */
function versionsOfGoSum(text: string): ModuleAtVersion[] {
  return text.split("\n").flatMap((line) => {
    const [path, version, sum] = line.split(" ");
    return path && version && sum && isValid(version) ? [{ path, version }] : [];
  });
}
