// gokura fsck: compares what is stored with what was promised.
import type { Command } from "commander";
import { Failure } from "../errors.ts";
import { examineRegistry } from "../fsck/examine.ts";
import { type Problem, REMEDIES } from "../fsck/problem.ts";
import { Repositories } from "../git/objects/repositories.ts";
import type { Registry } from "../registry/registry.ts";
import { JSON_OPTION } from "./options.ts";
import { harmless, printJson, printOne } from "./output.ts";
import { showProgress } from "./progress.ts";
import { withRegistry } from "./with-registry.ts";

interface FsckWords {
  readonly deep?: boolean;
  readonly repair?: boolean;
  readonly json?: boolean;
}

export function addFsckCommand(program: Command): void {
  program
    .command("fsck")
    .description(
      "compare versions, zips, repositories and the checksum log with what was promised; beside a running server",
    )
    .option("--deep", "read every zip and every repository whole, and hash them again")
    .option(
      "--repair",
      "make again what can be made of a commit, and record refs of repositories that are newer than the database",
    )
    .option(...JSON_OPTION)
    .addHelpText("after", "\nEnds with 1 if anything is wrong that was not repaired.\nExample: gokura fsck --deep")
    .action((words: FsckWords) => withRegistry((registry) => fsck(registry, words)));
}

async function fsck(registry: Registry, { deep = false, repair = false, json = false }: FsckWords): Promise<void> {
  const repositories = new Repositories();
  try {
    const report = await examineRegistry(registry, repositories, {
      ...{ deep, repair },
      progress: onTerminal,
      found: (problem) => {
        if (!json) console.log(harmless(lineOf(problem)));
      },
    });
    const { problems, ...counts } = report;
    const left = problems.filter(({ repaired }) => !repaired);
    if (json) printJson(report);
    else printOne({ ...counts, problems: problems.length, repaired: problems.length - left.length }, false);
    if (left.length > 0)
      throw new Failure(
        "conflict",
        `${left.length} ${left.length === 1 ? "thing is not as it was" : "things are not as they were"} promised\n${remediesOf(left)}`,
      );
    if (!json) console.log("everything is as it was promised");
  } finally {
    await repositories.close();
  }
}

function lineOf({ fault, about, says, repaired }: Problem): string {
  return `${repaired ? "repaired" : "WRONG"} ${fault} ${about}: ${says}`;
}

function remediesOf(problems: readonly Problem[]): string {
  const faults = [...new Set(problems.map(({ fault }) => fault))];
  return faults.map((fault) => `  - ${fault}: ${REMEDIES[fault]}`).join("\n");
}

function onTerminal(what: string, done: number, of: number): void {
  showProgress(`${what}: ${done} of ${of}`, done === of);
}
