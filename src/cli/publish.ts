// gokura publish: the module in a checkout, sent to a registry as a version. The zip is made here as the server makes it of a
// pushed tag, so both give the same sum, and that sum goes along with it. Nothing is sent before all checks are done.
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type Config, readConfig } from "../config.ts";
import { archiveModule } from "../git/objects/archive.ts";
import { h1OfGoMod } from "../gomod/dir-hash.ts";
import { escapePath, escapeVersion, type ModulePath } from "../gomod/module-path.ts";
import { withCheckout } from "./checkout.ts";
import { JSON_OPTION } from "./options.ts";
import { harmless, printOne } from "./output.ts";
import { telling } from "./progress.ts";
import { checkedVersion } from "./publish-checks.ts";
import { putFile, remoteRegistry } from "./remote-registry.ts";

interface PublishWords {
  readonly version?: string;
  readonly project?: string;
  readonly server?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addPublishCommand(program: Command): void {
  program
    .command("publish")
    .argument("[dir]", "the module's directory in a git checkout", ".")
    .description("send the module in a checkout to a registry as a version, after looking whether it can be one")
    .option("--version <version>", "the version; without it that of the tag on the commit")
    .option("--project <path>", "the project; without it that whose path or prefix the module has")
    .option("--server <url>", "the registry; without it GOKURA_URL, else https:// and the host of the module path")
    .option("--dry-run", "look at everything and send nothing")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
It needs a token with the scope api, or write_package_registry for a deploy token: GOKURA_TOKEN, or the password for the
server's host in ~/.netrc. The commit that is checked out is sent, and it may have no changes beside it. Sending the same
content twice is no mistake.
Example: gokura publish --dry-run
Example: GOKURA_TOKEN=$CI_TOKEN gokura publish ./sub --version v1.2.3 --server https://go.example.com`,
    )
    .action((dir: string, words: PublishWords) => publish(resolve(dir), words, readConfig()));
}

async function publish(directory: string, words: PublishWords, config: Config): Promise<void> {
  const { project, dryRun = false, json = false } = words;
  await withCheckout(directory, async (checkout) => {
    const { modulePath, version, goMod, hints } = await checkedVersion(checkout, words.version);
    for (const hint of hints) console.error(`hint: ${harmless(hint)}`);
    const file = join(checkout.scratch, "module.zip");
    const { repository, commit, subdir } = checkout;
    const zip = await telling(`making the zip of ${modulePath}@${version}`, () =>
      archiveModule({ repository, commit, subdir, modulePath, version, file }),
    );
    const url = words.server ?? config.url ?? `https://${modulePath.split("/", 1)[0]}`;
    const told = {
      module: modulePath,
      version,
      commit,
      files: zip.entries,
      size: zip.size,
      h1: zip.h1,
      go_mod_h1: h1OfGoMod(goMod),
      server: url,
    };
    if (dryRun) {
      printOne({ ...told, published: "no, this was a dry run" }, json);
      return;
    }
    const registry = await remoteRegistry(url, config);
    const endpoint =
      project === undefined ? "/api/v4/packages/go" : `/api/v4/projects/${encodeURIComponent(project)}/packages/go`;
    const address = `${endpoint}/${escapePath(modulePath as ModulePath)}/@v/${escapeVersion(version)}.zip`;
    const { status } = await telling(`sending ${zip.size} bytes to ${url}`, () =>
      putFile(registry, address, file, { "Gokura-H1": zip.h1, "Content-Type": "application/zip" }),
    );
    printOne({ ...told, published: status === 201 ? "yes" : "it was, with the same content" }, json);
  });
}
