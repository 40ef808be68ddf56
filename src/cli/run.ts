// One run of the command: reads the words, does what they say, and ends with 0 (done), 1 (refused or failed) or 2 (wrong
// usage). A Failure is one sentence on standard error; anything else is a defect and shows its stack.
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { PRODUCT_VERSION } from "../config.ts";
import { isFailure } from "../errors.ts";
import { addClientConfigCommand } from "./client-config.ts";
import { addDemoCommand } from "./demo.ts";
import { addFlagCommands } from "./flag.ts";
import { addGroupCommands } from "./group.ts";
import { addMemberCommands } from "./member.ts";
import { addMigrateCommand } from "./migrate.ts";
import { harmless } from "./output.ts";
import { addProjectCommands } from "./project.ts";
import { addServeCommand } from "./serve.ts";
import { Stopped } from "./stop-signal.ts";
import { addTokenCommands } from "./token.ts";
import { addUserCommands } from "./user.ts";
import { addVersionCommand } from "./version.ts";

const WRONG_USAGE = 2;
/** What a shell says of a command that SIGINT ended. */
const INTERRUPTED = 130;
const HELP_HINT = "(--help shows how it is used)";

/** Runs the command and returns its exit code. */
export async function run(words: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Commander has told of its own errors; one that an action throws it hands on untold.
    if (error instanceof InvalidArgumentError) console.error(`error: ${harmless(error.message)}\n${HELP_HINT}`);
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    if (error instanceof Stopped) return INTERRUPTED;
    if (isFailure(error)) console.error(`gokura: ${harmless(error.message)}`);
    else console.error("gokura: something went wrong that should not have:", error);
    return 1;
  }
}

function createProgram(): Command {
  const program = new Command("gokura")
    .description("A self-hosted Go module registry: push a tag, `go get` it.")
    .version(PRODUCT_VERSION)
    .helpCommand(false)
    .showHelpAfterError(HELP_HINT)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: (text) => void process.stderr.write(harmless(text)) })
    .exitOverride();
  for (const add of [
    addServeCommand,
    addMigrateCommand,
    addVersionCommand,
    addDemoCommand,
    addUserCommands,
    addTokenCommands,
    addGroupCommands,
    addProjectCommands,
    addMemberCommands,
    addClientConfigCommand,
    addFlagCommands,
  ])
    add(program);
  inherit(program);
  return program;
}

/** Every command throws instead of ending the process, and says how to get help. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride().showHelpAfterError(HELP_HINT).helpCommand(false);
    inherit(child);
  }
}
