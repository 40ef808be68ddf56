// gokura sbom …: what a version is made of, as CycloneDX or SPDX.
import { type Command, Option } from "commander";
import { readConfig } from "../config.ts";
import { SBOM_FORMATS, type SbomFormat, sbomOf } from "../registry/sbom/sbom.ts";
import { clientUrl } from "./client-url.ts";
import { atVersion } from "./vuln.ts";
import { withRegistry } from "./with-registry.ts";

export function addSbomCommand(program: Command): void {
  program
    .command("sbom")
    .argument("<module@version>")
    .description("what a build of a stored version uses, with licences and known vulnerabilities, as JSON")
    .addOption(new Option("--format <format>").choices(SBOM_FORMATS).default("cyclonedx"))
    .option("--json", "on one line, for programs")
    .addHelpText("after", "\nExample: gokura sbom gokura.example.com/acme/lib@v1.2.3 --format spdx > lib.spdx.json")
    .action((name: string, { format, json = false }: { format: SbomFormat; json?: boolean }) => {
      const version = atVersion(name);
      const base = clientUrl(readConfig());
      return withRegistry(async (registry, operator) => {
        const bill = await sbomOf(registry, operator, version, { format, base });
        console.log(json ? JSON.stringify(JSON.parse(bill)) : bill);
      });
    });
}
