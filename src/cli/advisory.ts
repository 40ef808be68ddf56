// gokura advisory …: what is known to be wrong with one's own modules.
import type { Command } from "commander";
import {
  createAdvisory,
  type NewAdvisory,
  ownAdvisories,
  withdrawAdvisory,
} from "../registry/advisories/own-advisories.ts";
import type { AdvisoryRow } from "../registry/rows.ts";
import { JSON_OPTION, words } from "./options.ts";
import { type PrintedRow, printOne, printRows } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

interface CreateOptions extends Omit<NewAdvisory, "modulePath" | "packagePath" | "symbols" | "aliases"> {
  readonly module: string;
  readonly package?: string;
  readonly symbol?: readonly string[];
  readonly alias?: readonly string[];
  readonly json?: boolean;
}

export function addAdvisoryCommands(program: Command): void {
  const advisory = program
    .command("advisory")
    .description("known vulnerabilities of one's own modules, for govulncheck");
  advisory
    .command("create")
    .description("tell of a vulnerability of a module here; /vulndb serves it to whoever may see the module")
    .requiredOption("--module <path>", "the module path")
    .requiredOption("--summary <text>", "what is wrong, in a sentence")
    .option("--details <text>", "more words")
    .option("--package <path>", "the package that is affected; the whole module if not given")
    .option("--symbol <names>", "its functions and methods, with commas: Parse,Reader.Read", words)
    .option("--introduced <version>", "the first version that is affected; from the beginning if not given")
    .option("--fixed <version>", "the first version that is affected no more")
    .option("--alias <names>", "other names of the same, with commas: CVE-2026-1234", words)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nExample: gokura advisory create --module go.example.com/acme/lib --package go.example.com/acme/lib/parse --symbol Parse --fixed v1.4.2 --summary 'Parse reads beyond the end'",
    )
    .action(({ module: modulePath, package: packagePath, symbol, alias, json = false, ...rest }: CreateOptions) =>
      withRegistry(async (registry, operator) => {
        const made = { ...rest, modulePath, packagePath, symbols: symbol, aliases: alias };
        printOne(rowOf(await createAdvisory(registry, operator, made)), json);
      }),
    );
  advisory
    .command("list")
    .description("all of them, withdrawn ones too")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura advisory list")
    .action(({ json = false }: { json?: boolean }) =>
      withRegistry(async (registry, operator) =>
        printRows(
          (await ownAdvisories(registry, operator)).map(rowOf),
          json,
          "there are no advisories about modules here",
        ),
      ),
    );
  advisory
    .command("withdraw")
    .argument("<id>")
    .description("take one back: it is about no version any more, and stays told as withdrawn")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura advisory withdraw GOKURA-2026-0001")
    .action((id: string, { json = false }: { json?: boolean }) =>
      withRegistry(async (registry, operator) => printOne(rowOf(await withdrawAdvisory(registry, operator, id)), json)),
    );
}

function rowOf({ id, modified, withdrawnAt, createdBy, body }: AdvisoryRow): PrintedRow {
  const { summary, affected } = JSON.parse(body) as { summary: string; affected: { package: { name: string } }[] };
  return { id, module: affected[0]?.package.name, summary, createdBy, modified, withdrawn: withdrawnAt };
}
