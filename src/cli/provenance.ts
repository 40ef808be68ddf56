// gokura provenance …: where a version comes from, signed, and whether such a statement is right.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Command, InvalidArgumentError } from "commander";
import { readConfig } from "../config.ts";
import { Failure } from "../errors.ts";
import { openSigners } from "../open-registry.ts";
import { openChecksumLog } from "../registry/checksums/checksum-log.ts";
import { OPERATOR } from "../registry/principal.ts";
import { provenanceOf, verifiedStatement } from "../registry/provenance/provenance.ts";
import { clientUrl } from "./client-url.ts";
import { JSON_OPTION } from "./options.ts";
import { printJson, printOne } from "./output.ts";
import { atVersion } from "./vuln.ts";
import { withRegistry } from "./with-registry.ts";

interface VerifyOptions {
  readonly key?: string;
  readonly zip?: string;
  readonly json?: boolean;
}

export function addProvenanceCommands(program: Command): void {
  const provenance = program
    .command("provenance")
    .description("who published a version, by which token, from which commit: a signed statement");
  provenance
    .command("show")
    .argument("<module@version>")
    .description(
      "print the statement of a version of a project here, signed by the key of the checksum log (DSSE, JSON)",
    )
    .option("--json", "what it prints is JSON anyway")
    .addHelpText("after", "\nExample: gokura provenance show go.example.com/acme/lib@v1.2.3 > lib.intoto.json")
    .action((name: string) => {
      const version = atVersion(name);
      const config = readConfig();
      return withRegistry(async (registry) => {
        const log = await openChecksumLog(registry, await openSigners(config));
        printJson(await provenanceOf(log, OPERATOR, version, clientUrl(config)));
      });
    });
  provenance
    .command("verify")
    .argument("<file>", "what gokura provenance show printed, or REST or GraphQL answered")
    .description("check a statement by the key of the log alone, and that it is about a zip")
    .option("--key <key>", "the GOSUMDB line of the log; without it, that of this server")
    .option("--zip <file>", "the zip that it must be about")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura provenance verify lib.intoto.json --zip lib-v1.2.3.zip")
    .action(verify);
}

async function verify(file: string, { key, zip, json = false }: VerifyOptions): Promise<void> {
  const keys = key === undefined ? (await openSigners(readConfig())).map(({ verifierKey }) => verifierKey) : [key];
  const statement = verifiedStatement(await readEnvelope(file), keys);
  const [subject] = statement.subject;
  if (zip !== undefined && subject?.digest.sha256 !== (await sha256Of(zip)))
    throw new Failure("conflict", `the statement is about ${subject?.name}, and ${zip} is another zip`);
  const { externalParameters, internalParameters, resolvedDependencies } = statement.predicate.buildDefinition;
  printOne(
    {
      ...{ about: subject?.name, sha256: subject?.digest.sha256, ref: externalParameters.ref },
      ...{ repository: externalParameters.repository, commit: resolvedDependencies[0]?.digest.gitCommit },
      ...internalParameters,
    },
    json,
  );
}

async function readEnvelope(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new InvalidArgumentError(`${file}: ${(error as Error).message}.`);
  }
}

async function sha256Of(file: string): Promise<string> {
  const sum = createHash("sha256");
  await pipeline(createReadStream(file), sum);
  return sum.digest("hex");
}
