// gokura hook …
import { type Command, InvalidArgumentError } from "commander";
import { deliveriesOf, hookOfDelivery, redeliver } from "../registry/forge/hook-deliveries.ts";
import { HOOK_EVENTS, type HookEvent } from "../registry/forge/hook-events.ts";
import { createHook, deleteHook, findHooks, type HookOwner, ownerOfHook } from "../registry/forge/hooks.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { HookDeliveryRow, HookRow } from "../registry/rows.ts";
import { JSON_OPTION, wholeNumber, words } from "./options.ts";
import { type PrintedRow, printOne, printRows } from "./output.ts";
import { type OwnerOptions, ownerNamed } from "./owner.ts";
import { readPassword } from "./password.ts";
import { withRegistry } from "./with-registry.ts";

const MAX_SHOWN = 100;

export function addHookCommands(program: Command): void {
  const hook = program.command("hook").description("addresses that are told what happens here");
  hook
    .command("add <url>")
    .description("tell an address what happens in a project, in a group and all below it, or on the whole instance")
    .option("--project <path>", "of this project")
    .option("--group <path>", "of this group")
    .option("--events <names>", "what is told, with commas; all of it if not given", events)
    .option("--name <text>", "for people")
    .option("--token-stdin", "read what is sent as X-Gitlab-Token from standard input; it is kept sealed")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
Without --project and --group it is a hook of the instance. The key of its signatures is printed this once.
Events: ${Object.keys(HOOK_EVENTS).join(", ")}.
Example: gokura hook add https://ci.example.com/gokura --project acme/lib --events version.published,tag.rejected`,
    )
    .action(async (url: string, options) => {
      const { project, group, events, name, tokenStdin = false, json = false } = options;
      const token = tokenStdin ? await readPassword() : undefined;
      await withRegistry(async (registry, operator) => {
        const owner = await hookOwner(registry, operator, { project, group });
        const made = await createHook(registry, operator, owner, { url, events, name, token });
        printOne({ ...rowOf(made.hook), signingToken: made.signingKey }, json);
        if (!json) console.log("The signing token is shown this once: give it to what receives the hook.");
      });
    });
  hook
    .command("list")
    .description("the hooks of a project or a group itself, or those of the instance")
    .option("--project <path>")
    .option("--group <path>")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura hook list --project acme/lib")
    .action(({ project, group, json = false }) =>
      withRegistry(async (registry, operator) => {
        const owner = await hookOwner(registry, operator, { project, group });
        const numbered = { offset: 0, limit: MAX_SHOWN, counted: false };
        const { rows } = await findHooks(registry, operator, owner, numbered);
        printRows(rows.map(rowOf), json, "no hooks here; add one with gokura hook add");
      }),
    );
  hook
    .command("remove")
    .description("tell an address nothing any more; its deliveries are forgotten")
    .argument("<id>", "the number that list shows", wholeNumber)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura hook remove 3")
    .action((id: number, { json = false }) =>
      withRegistry(async (registry, operator) => {
        const owner = await ownerOfHook(registry, operator, id);
        printOne(rowOf(await deleteHook(registry, operator, owner, id)), json);
      }),
    );
  hook
    .command("deliveries")
    .description("what a hook was told, and what came of it: the newest first")
    .argument("<id>", "the number that list shows", wholeNumber)
    .option(...JSON_OPTION)
    .addHelpText("after", "\n--json has what was sent and answered, too.\nExample: gokura hook deliveries 3")
    .action((id: number, { json = false }) =>
      withRegistry(async (registry, operator) => {
        const owner = await ownerOfHook(registry, operator, id);
        const numbered = { offset: 0, limit: MAX_SHOWN, counted: false };
        const { rows } = await deliveriesOf(registry, operator, owner, id, numbered);
        printRows(rows.map(json ? wholeDelivery : deliveryRow), json, "it was told nothing yet");
      }),
    );
  hook
    .command("retry")
    .description("have a delivery made once more, as what it was; the running server does")
    .argument("<delivery>", "the number that deliveries shows", wholeNumber)
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura hook retry 17")
    .action((delivery: number, { json = false }) =>
      withRegistry(async (registry, operator) => {
        const id = await hookOfDelivery(registry, delivery);
        const owner = await ownerOfHook(registry, operator, id);
        printOne(deliveryRow(await redeliver(registry, operator, owner, id, delivery)), json);
      }),
    );
}

function events(list: string): HookEvent[] {
  const names = words(list);
  for (const name of names)
    if (!Object.hasOwn(HOOK_EVENTS, name))
      throw new InvalidArgumentError(`use some of ${Object.keys(HOOK_EVENTS).join(", ")}.`);
  return names as HookEvent[];
}

async function hookOwner(registry: Registry, operator: Principal, options: OwnerOptions): Promise<HookOwner> {
  if (options.project === undefined && options.group === undefined) return "instance";
  return ownerNamed(registry, operator, options);
}

function rowOf(hook: HookRow): PrintedRow {
  return {
    id: hook.id,
    of: hook.project?.fullPath ?? hook.group?.fullPath ?? "the instance",
    url: hook.url,
    name: hook.name,
    events: hook.events,
    state: hook.disabledAt !== null ? "off" : hook.failingSince !== null ? "failing" : "on",
  };
}

function deliveryRow(delivery: HookDeliveryRow): PrintedRow {
  return {
    id: delivery.id,
    event: delivery.event,
    made: delivery.createdAt,
    attempts: delivery.attempts,
    status: delivery.status,
    error: delivery.error,
    next: delivery.nextAttemptAt,
  };
}

function wholeDelivery(delivery: HookDeliveryRow): PrintedRow {
  return {
    ...deliveryRow(delivery),
    ...{ message: delivery.messageId, sent: delivery.body, answered: delivery.response },
  };
}
