// gokura sumdb trust and quarantine: what an administrator decides when a checksum database of others was caught lying, or
// when something that was stored before it could be compared turns out not to be what everybody else has.
import { type Command, InvalidArgumentError } from "commander";
import { notFound } from "../errors.ts";
import { quarantinedVersions } from "../registry/checksums/proved-sums.ts";
import { decideMisbehaviour, listMisbehaviours } from "../registry/checksums/trusted-heads.ts";
import type { OperatorPrincipal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import { forgetUpstreamVersion } from "../registry/versions/version-deletion.ts";
import { JSON_OPTION } from "./options.ts";
import { printJson, printRows } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

/** Adds both to `gokura sumdb`. */
export function addSumdbTrustCommands(sumdb: Command): void {
  sumdb
    .command("trust")
    .argument("[name]", "the database that is to be believed again")
    .description("list checksum databases of others that were caught lying, with the proof; or believe one again")
    .option("--new-head", "take the next head that it signs for the beginning: what was seen before counts no more")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura sumdb trust sum.example.com")
    .action((name: string | undefined, { newHead = false, json = false }) =>
      withRegistry((registry, operator) => trust(registry, operator, { name, newHead, json })),
    );
  sumdb
    .command("quarantine")
    .description(
      "list versions from upstream that are not served, because they are not what the checksum database says",
    )
    .option("--remove <module@version>", "forget what is stored of it, so that it is fetched again")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura sumdb quarantine --remove example.com/lib@v1.2.3")
    .action(({ remove, json = false }) =>
      withRegistry((registry, operator) => quarantine(registry, operator, remove, json)),
    );
}

async function trust(
  registry: Registry,
  operator: OperatorPrincipal,
  { name, newHead, json }: { name: string | undefined; newHead: boolean; json: boolean },
): Promise<void> {
  if (name !== undefined) {
    await decideMisbehaviour(registry, operator, name, { newHead });
    if (!json) console.log(`${name} is believed again`);
    return;
  }
  if (newHead) throw new InvalidArgumentError("name the database that is to begin anew.");
  const caught = await listMisbehaviours(registry);
  if (json) return printJson(caught);
  for (const { database, reason, older, newer, at, decidedAt, decidedBy } of caught) {
    const state = decidedAt ? `believed again since ${decidedAt.toISOString()} (${decidedBy})` : "not believed";
    console.log(`${database}, ${at.toISOString()}: ${reason}; ${state}\n`);
    console.log(`${older === undefined ? "" : `${older}\nand\n\n`}${newer}`);
  }
}

async function quarantine(
  registry: Registry,
  operator: OperatorPrincipal,
  remove: string | undefined,
  json: boolean,
): Promise<void> {
  if (remove === undefined) {
    const found = await quarantinedVersions(registry);
    const rows = found.map(({ modulePath, version, stored, h1, goModH1, database, id }) => ({
      ...{ module: modulePath, version, stored: stored.h1 ?? "", recorded: h1 },
      ...{ storedGoMod: stored.goModH1 ?? "", recordedGoMod: goModH1, database, record: id },
    }));
    return printRows(rows, json, "nothing is in quarantine");
  }
  const at = remove.lastIndexOf("@");
  if (at <= 0) throw new InvalidArgumentError("give MODULE@VERSION.");
  const [modulePath, version] = [remove.slice(0, at), remove.slice(at + 1)];
  const [found] = await quarantinedVersions(registry, modulePath, version);
  if (!found) throw notFound(`${remove} is not in quarantine`);
  await forgetUpstreamVersion(registry, operator, modulePath, version);
  if (json) printJson({ module: modulePath, version, removed: true });
  else console.log(`${remove} is fetched again when somebody asks for it`);
}
