// gokura sumdb …: the checksum database, from the server's own machine.
import type { Command } from "commander";
import { type Config, readConfig } from "../config.ts";
import { Failure } from "../errors.ts";
import { openSigners } from "../open-registry.ts";
import { addName } from "../registry/checksums/signing-keys.ts";
import { checkDatabaseName } from "../sumdb/database-name.ts";
import type { Signer } from "../sumdb/note.ts";
import { JSON_OPTION } from "./options.ts";
import { printJson } from "./output.ts";

export function addSumdbCommands(program: Command): void {
  const sumdb = program.command("sumdb").description("the checksum database: its key, and whether it is what it was");
  sumdb
    .command("key")
    .description("print the lines for GOSUMDB, the current name first; run it with the server's settings")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: GOKURA_URL=https://go.example.com gokura sumdb key")
    .action(async ({ json = false }) => print(await openSigners(readConfig()), json));
  sumdb
    .command("rename")
    .argument("<name>", "host[:port][/path]")
    .description(
      "give it another name with a key of its own; the old one is answered as well, for as long as its key is kept",
    )
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nThe server takes it up at its next start.\nExample: gokura sumdb rename go.example.com/sumdb/2",
    )
    .action(async (name: string, { json = false }) => {
      const config = readConfig();
      demandOwnKeys(config);
      await openSigners(config); // the first name stays the first
      print(await addName(config.dataDirectory, checkDatabaseName(name)), json);
    });
}

function demandOwnKeys({ sumdbKeys, sumdbName }: Config): void {
  if (sumdbKeys !== undefined)
    throw new Failure(
      "conflict",
      "the keys are those of GOKURA_SUMDB_KEY: put a key of the new name in front of them there",
    );
  if (sumdbName !== undefined)
    throw new Failure("conflict", "the name is that of GOKURA_SUMDB_NAME: set the new name there");
}

function print(signers: readonly Signer[], json: boolean): void {
  if (json) printJson(signers.map(({ name, verifierKey }) => ({ name, gosumdb: verifierKey })));
  else for (const { verifierKey } of signers) console.log(verifierKey);
}
