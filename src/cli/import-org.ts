// gokura import org: an organisation elsewhere becomes a group of mirrors.
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { readConfig } from "../config.ts";
import type { Forge } from "../database/generated/client.ts";
import { forgeOf } from "../mirrors/forge-repositories.ts";
import { importPlanned, type PlannedImport, planImport } from "../mirrors/import-organization.ts";
import { openRemotes, passwordOf, type Remotes } from "../mirrors/remotes.ts";
import { demandGroup } from "../registry/forge/groups.ts";
import { credentialOfImport } from "../registry/forge/import-sources.ts";
import { checkGitHubApp, type GitHubApp, parseRemoteUrl, type RemoteCredential } from "../registry/forge/remote-url.ts";
import type { Registry } from "../registry/registry.ts";
import type { CredentialRow } from "../registry/rows.ts";
import { JSON_OPTION } from "./options.ts";
import { type PrintedRow, printRows } from "./output.ts";
import { APP_OPTION, credentialGiven, INSTALLATION_OPTION } from "./remote-credential.ts";
import { withRegistry } from "./with-registry.ts";

export function addImportOrganization(parent: Command): void {
  parent
    .command("org <url>")
    .description("make mirrors of all repositories of an organisation elsewhere, in a group")
    .requiredOption("--into <group>", "the group; it must be there")
    .option("--forge <software>", "github, gitlab or gitea (Forgejo too); asked for if not given", forge)
    .option("--user <name>", "the user name that git sends there; git if not given, which does for tokens")
    .option("--password-stdin", "read a token that may list and read them from standard input; it is kept sealed")
    .option(...APP_OPTION)
    .option(...INSTALLATION_OPTION)
    .option("--only-go", "only those that have a go.mod in some directory of their default branch")
    .option("--archived", "archived repositories too")
    .option("--dry-run", "print the plan, and make nothing")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
What is there already is known by its number at the forge: run it again for what is new or was renamed; the token is still
known then. Nothing is deleted, and no project is more visible than its repository. The server fetches them one after the other; gokura mirror list shows
how far it is. Ends with 1 when something that was to be made could not be.
Example: pass show git-token | gokura import org https://github.com/acme --into acme --password-stdin --dry-run`,
    )
    .action(async (url: string, options) => {
      const { into, archived = false, onlyGo = false, dryRun = false, json = false } = options;
      const credential = await credentialGiven(options);
      const address = parseRemoteUrl(url).url;
      await withRegistry(async (registry, operator) => {
        const group = await demandGroup(registry, operator, into);
        const remotes = openRemotes(readConfig());
        try {
          const software: Forge = options.forge ?? (await forgeOf(remotes.http, address));
          const known = await credentialOfImport(registry, operator, group, address);
          const token = await tokenFor(registry, remotes, address, credential, known);
          const organization = { forge: software, url: address, token };
          const plan = await planImport(registry, remotes, group, organization, { archived, onlyGo });
          if (dryRun) return printRows(plan.map(rowOf), json, "no repositories");
          const done: PlannedImport[] = [];
          const made = importPlanned(registry, remotes, operator, group, organization, credential, plan);
          for await (const one of made) {
            done.push(one);
            if (!json) console.error(`${done.length} of ${plan.length}: ${one.project} ${one.action}`);
          }
          printRows(done.map(rowOf), json, "no repositories");
          if (done.some(({ action }, n) => action === "skipped" && plan[n]!.action !== "skipped")) process.exitCode = 1;
        } finally {
          remotes.close();
        }
      });
    });
}

/** What the forge is asked with: what was given now, or else at an earlier import. */
async function tokenFor(
  registry: Registry,
  remotes: Remotes,
  url: string,
  given: RemoteCredential | GitHubApp | undefined,
  known: CredentialRow | null,
): Promise<string | undefined> {
  if (given && "appId" in given) return remotes.gitHubApps.token(new URL(url).origin, checkGitHubApp(given));
  return given?.password ?? (known ? await passwordOf(registry, remotes, url, known) : undefined);
}

function forge(word: string): Forge {
  if (word === "github" || word === "gitlab" || word === "gitea") return word.toUpperCase() as Forge;
  throw new InvalidArgumentError("use github, gitlab or gitea.");
}

function rowOf({ repository, project, visibility, action, why }: PlannedImport): PrintedRow {
  return {
    ...{
      action,
      project,
      visibility: visibility.toLowerCase(),
      url: repository.cloneUrl,
      id: repository.externalId,
      why,
    },
  };
}
