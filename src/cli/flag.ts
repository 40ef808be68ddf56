// gokura flag …
import { type Command, InvalidArgumentError } from "commander";
import { closest } from "fastest-levenshtein";
import { invalid } from "../errors.ts";
import { KNOWN_FLAGS, listFlags, setFlag } from "../registry/forge/feature-flags.ts";
import type { OperatorPrincipal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { FlagRow } from "../registry/rows.ts";
import { JSON_OPTION, onOrOff } from "./options.ts";
import { type PrintedRow, printOne, printRows } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

export function addFlagCommands(program: Command): void {
  const flag = program.command("flag").description("feature flags, such as go_proxy, which opens the Go endpoints");
  flag
    .command("list")
    .description("all flags that were ever set, and for whom they are on")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura flag list")
    .action(({ json = false }) =>
      withRegistry(async (registry, operator) =>
        printRows((await listFlags(registry, operator)).map(rowOf), json, "no flag was ever set: all are off"),
      ),
    );
  flag
    .command("set")
    .argument("<name>")
    .argument("<on|off>", "off without --project and --group takes everything back", onOrOff)
    .description("switch a flag for everybody, or for one project or group")
    .option("--project <path>")
    .option("--group <path>", "with everything in it")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nFlags: go_proxy opens the Go endpoints; dependency_proxy puts modules from upstream behind those of groups.\nExample: gokura flag set go_proxy on --group acme",
    )
    .action((name: string, enabled: boolean, { project, group, json = false }) => {
      if (project !== undefined && group !== undefined)
        throw new InvalidArgumentError("name --project or --group, not both.");
      return withRegistry(async (registry, operator) => {
        await demandKnown(registry, operator, name);
        const targets = { projects: project ? [project] : [], groups: group ? [group] : [] };
        printOne(rowOf(await setFlag(registry, operator, name, enabled, targets)), json);
      });
    });
}

/** A flag with a slip in its name would do nothing; one that an earlier release knew can still be taken back. */
async function demandKnown(registry: Registry, operator: OperatorPrincipal, name: string): Promise<void> {
  if (KNOWN_FLAGS.includes(name) || !/^[a-z0-9_]+$/.test(name)) return; // what cannot be a name the registry refuses
  if ((await listFlags(registry, operator)).some((flag) => flag.name === name)) return;
  throw invalid(`there is no flag ${name}: did you mean ${closest(name, KNOWN_FLAGS)}?`);
}

function rowOf(flag: FlagRow): PrintedRow {
  const named = (names: (string | undefined)[]): string[] => names.filter((name) => name !== undefined);
  return {
    name: flag.name,
    everybody: flag.enabled ? "on" : "off",
    projects: named(flag.gates.map((gate) => gate.project?.fullPath)),
    groups: named(flag.gates.map((gate) => gate.group?.fullPath)),
    users: named(flag.gates.map((gate) => gate.user?.username)),
  };
}
