// gokura doctor: looks at everything that a server needs, and says what is wrong and what to do.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { type Config, readConfig } from "../config.ts";
import { runningDatabaseUrl } from "../database/running-database.ts";
import { examineAddress } from "../doctor/address.ts";
import { examineBucket } from "../doctor/bucket.ts";
import { examineDatabase } from "../doctor/database.ts";
import { doubtful, type Finding, good, wrong } from "../doctor/finding.ts";
import { examineMachine } from "../doctor/machine.ts";
import { examineUpstreams } from "../doctor/upstreams.ts";
import { isFailure } from "../errors.ts";
import { JSON_OPTION } from "./options.ts";
import { harmless, printJson } from "./output.ts";
import { telling } from "./progress.ts";

const MARKS = { good: "ok   ", doubtful: "look ", wrong: "WRONG" } as const;

export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description(
      "look at settings, machine, database, bucket, upstreams and address, and say what to do; changes nothing",
    )
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nEnds with 1 if anything is wrong.\nExample: GOKURA_URL=https://go.example.com gokura doctor",
    )
    .action(async ({ json = false }: { json?: boolean }) => {
      const findings = await telling("examining", examineAll);
      if (json) printJson(findings);
      else for (const finding of findings) console.log(harmless(linesOf(finding)));
      if (findings.some(({ state }) => state === "wrong")) process.exitCode = 1;
    });
}

async function examineAll(): Promise<Finding[]> {
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!isFailure(error)) throw error;
    return [
      wrong("settings", error.message, "Mend them: docs/settings.md says what each may be. No command runs before."),
    ];
  }
  const settings =
    config.warnings.length === 0
      ? [good("settings", "all can be used")]
      : config.warnings.map((warning) => doubtful("settings", warning, "Set GOKURA_UPSTREAM to say what is meant."));
  const parts = await Promise.all([
    examineMachine(config.dataDirectory),
    examineOwnDatabase(config),
    examineBucket(config.bucket),
    examineUpstreams(config),
    config.url === undefined ? noAddress() : examineAddress(config.url, ownCertificate(config)),
  ]);
  return [...settings, ...parts.flat()];
}

async function examineOwnDatabase({ databaseUrl, dataDirectory }: Config): Promise<Finding[]> {
  const url = databaseUrl ?? runningDatabaseUrl(dataDirectory);
  if (url !== undefined) return examineDatabase(url);
  return [good("database", "the embedded PostgreSQL, which does not run now")];
}

function noAddress(): Finding[] {
  return [
    doubtful(
      "address",
      "GOKURA_URL is not set, so nothing was asked from outside",
      "Set it to the URL that clients use.",
    ),
  ];
}

/** The certificate that we signed ourselves, if we did: clients were told to trust it. */
function ownCertificate({ tls, dataDirectory, upstreamCaFile }: Config): string | undefined {
  const file = join(dataDirectory, "tls", "cert.pem");
  return tls.kind === "self-signed" && existsSync(file) ? file : upstreamCaFile;
}

function linesOf({ about, state, says, remedy }: Finding): string {
  const first = `${MARKS[state]} ${about}: ${says}`;
  return remedy === undefined ? first : `${first}\n      ${remedy}`;
}
