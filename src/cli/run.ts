// One run of the command: reads the words, does what they say, and ends with 0 (done), 1 (refused or failed) or 2 (wrong
// usage). A Failure is one sentence on standard error; anything else is a defect and shows its stack.
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { PRODUCT_VERSION } from "../config.ts";
import { isFailure } from "../errors.ts";
import { harmless } from "./output.ts";
import { Stopped } from "./stop-signal.ts";

const WRONG_USAGE = 2;
/** What a shell says of a command that SIGINT ended. */
const INTERRUPTED = 130;
const HELP_HINT = "(--help shows how it is used)";

/** What adds a command, with all that stands below it, to the program. */
type Add = (program: Command) => void;

/** The commands in the order of --help. A run loads the one that it is about, because loading takes longer than most work. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  serve: async () => (await import("./serve.ts")).addServeCommand,
  migrate: async () => (await import("./migrate.ts")).addMigrateCommand,
  version: async () => (await import("./version.ts")).addVersionCommand,
  demo: async () => (await import("./demo.ts")).addDemoCommand,
  user: async () => (await import("./user.ts")).addUserCommands,
  token: async () => (await import("./token.ts")).addTokenCommands,
  group: async () => (await import("./group.ts")).addGroupCommands,
  project: async () => (await import("./project.ts")).addProjectCommands,
  member: async () => (await import("./member.ts")).addMemberCommands,
  "client-config": async () => (await import("./client-config.ts")).addClientConfigCommand,
  flag: async () => (await import("./flag.ts")).addFlagCommands,
};

/** Runs the command and returns its exit code. */
export async function run(words: readonly string[]): Promise<number> {
  const program = await createProgram(words[0]);
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

/** The program with the command that a word names; with all, if it names none. */
async function createProgram(word = ""): Promise<Command> {
  const program = new Command("gokura")
    .description("A self-hosted Go module registry: push a tag, `go get` it.")
    .version(PRODUCT_VERSION)
    .helpCommand(false)
    .showHelpAfterError(HELP_HINT)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: (text) => void process.stderr.write(harmless(text)) })
    .exitOverride();
  const named = Object.hasOwn(COMMANDS, word) ? [COMMANDS[word]!] : Object.values(COMMANDS);
  for (const add of await Promise.all(named.map((load) => load()))) add(program);
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
