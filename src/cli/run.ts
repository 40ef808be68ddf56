// One run of the command: reads the words, does what they say, and ends with 0 (done), 1 (refused or failed) or 2 (wrong
// usage). A Failure is one sentence on standard error; anything else is a defect and shows its stack.
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { PRODUCT_VERSION } from "../config.ts";
import { isFailure } from "../errors.ts";
import { harmless, printJsonError } from "./output.ts";
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
  doctor: async () => (await import("./doctor.ts")).addDoctorCommand,
  fsck: async () => (await import("./fsck.ts")).addFsckCommand,
  backup: async () => (await import("./backup.ts")).addBackupCommand,
  restore: async () => (await import("./backup.ts")).addRestoreCommand,
  storage: async () => (await import("./storage.ts")).addStorageCommands,
  version: async () => (await import("./version.ts")).addVersionCommand,
  demo: async () => (await import("./demo.ts")).addDemoCommand,
  user: async () => (await import("./user.ts")).addUserCommands,
  token: async () => (await import("./token.ts")).addTokenCommands,
  hook: async () => (await import("./hook.ts")).addHookCommands,
  trust: async () => (await import("./trust.ts")).addTrustCommands,
  group: async () => (await import("./group.ts")).addGroupCommands,
  project: async () => (await import("./project.ts")).addProjectCommands,
  member: async () => (await import("./member.ts")).addMemberCommands,
  "client-config": async () => (await import("./client-config.ts")).addClientConfigCommand,
  flag: async () => (await import("./flag.ts")).addFlagCommands,
  policy: async () => (await import("./policy.ts")).addPolicyCommands,
  import: async () => (await import("./import.ts")).addImportCommands,
  bundle: async () => (await import("./bundle.ts")).addBundleCommands,
  prefetch: async () => (await import("./prefetch.ts")).addPrefetchCommand,
  publish: async () => (await import("./publish.ts")).addPublishCommand,
  advisory: async () => (await import("./advisory.ts")).addAdvisoryCommands,
  vuln: async () => (await import("./vuln.ts")).addVulnCommands,
  sbom: async () => (await import("./sbom.ts")).addSbomCommand,
  completion: async () => (await import("./completion.ts")).addCompletionCommand,
  provenance: async () => (await import("./provenance.ts")).addProvenanceCommands,
  sumdb: async () => (await import("./sumdb.ts")).addSumdbCommands,
  mirror: async () => (await import("./mirror.ts")).addMirrorCommands,
};

/** Runs the command and returns its exit code. */
export async function run(words: readonly string[]): Promise<number> {
  const json = words.includes("--json");
  const program = await createProgram(words[0], json);
  try {
    if (words[0] === "--help" || words[0] === "-h") {
      const { tellRunningServer } = await import("./running-server.ts");
      program.addHelpText("before", `${harmless(await tellRunningServer())}\n`);
    }
    await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help, --version
    if (error instanceof Stopped) return INTERRUPTED;
    if (json) tellProgram(error);
    else tellPerson(error);
    return error instanceof CommanderError ? WRONG_USAGE : 1;
  }
}

function tellPerson(error: unknown): void {
  // Commander has told of its own errors; one that an action throws it hands on untold.
  if (error instanceof InvalidArgumentError) console.error(`error: ${harmless(error.message)}\n${HELP_HINT}`);
  else if (isFailure(error)) console.error(`gokura: ${harmless(error.message)}`);
  else if (!(error instanceof CommanderError))
    console.error("gokura: something went wrong that should not have:", error);
}

/** One line of JSON, with the reason that docs/errors.md explains; wrong usage is a reason of the command line alone. */
function tellProgram(error: unknown): void {
  const { message, stack } = error as Error;
  if (error instanceof CommanderError) {
    const said = error.code === "commander.help" ? "name a command (--help lists them)" : message;
    printJsonError({ reason: "wrong_usage", message: said.replace(/^error: /, "") });
  } else if (isFailure(error)) printJsonError({ reason: error.reason, message, fields: error.fields });
  else printJsonError({ reason: "internal_error", message, stack });
}

/** The program with the command that a word names; with all, if it names none or needs to know them. */
async function createProgram(word: string | undefined, json: boolean): Promise<Command> {
  const program = new Command("gokura")
    .description("A self-hosted Go module registry: push a tag, `go get` it.")
    .version(PRODUCT_VERSION)
    .enablePositionalOptions() // --version is the program's own only in front of a command
    .helpCommand(false)
    .showHelpAfterError(HELP_HINT)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: (text) => void (json || process.stderr.write(harmless(text))) })
    .exitOverride();
  const one = word !== undefined && word !== "completion" && Object.hasOwn(COMMANDS, word);
  const named = one ? [COMMANDS[word]!] : Object.values(COMMANDS);
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
