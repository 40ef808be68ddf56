// gokura client-config: what a user pastes. go wants `machine host:port` in ~/.netrc unless the port is 443, git and curl
// want `machine host`; go trusts SSL_CERT_FILE, git GIT_SSL_CAINFO.
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { readConfig } from "../config.ts";
import { openSigners } from "../open-registry.ts";
import { type ClientSettings, clientSettings, goLines, netrcLines } from "../registry/forge/client-settings.ts";
import { demandGroup } from "../registry/forge/groups.ts";
import { demandProject } from "../registry/forge/projects.ts";
import { isOff, knowsWorld } from "../upstream/policy.ts";
import { clientUrl } from "./client-url.ts";
import { printJson } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

export interface ClientConfig extends ClientSettings {
  readonly netrc: readonly string[];
  /** undefined: the certificate is one that clients trust anyway, or there is none. */
  readonly certificate: string | undefined;
}

export function addClientConfigCommand(program: Command): void {
  program
    .command("client-config")
    .description("print the settings for go, git and ~/.netrc; run it with the server's settings")
    .option("--project <path>", "for the modules of this project; without it and --group, for all modules")
    .option("--group <path>", "for all projects of this group")
    .option("--json", "print JSON for programs instead of lines to paste")
    .addHelpText("after", "\nExample: GOKURA_URL=https://go.example.com gokura client-config --project acme/lib")
    .action(({ project, group, json = false }) => {
      if (project !== undefined && group !== undefined)
        throw new InvalidArgumentError("name --project or --group, not both.");
      return withRegistry(async (registry, operator) => {
        const config = readConfig();
        const url = clientUrl(config);
        const certificate =
          config.tls.kind === "self-signed" ? join(config.dataDirectory, "tls", "cert.pem") : undefined;
        const hasWorld = !isOff(config.upstream);
        const gosumdb = knowsWorld(config) ? (await openSigners(config))[0]!.verifierKey : undefined;
        const place = project
          ? { project: await demandProject(registry, operator, project) }
          : group === undefined
            ? ("instance" as const)
            : { group: await demandGroup(registry, operator, group) };
        const settings = await clientSettings(registry, url, place, { hasWorld, gosumdb });
        print({ ...settings, netrc: netrcLines(url), certificate }, json);
      });
    });
}

function print(config: ClientConfig, json: boolean): void {
  if (json) {
    printJson(config);
    return;
  }
  console.log("# go\n");
  for (const line of goLines(config)) console.log(line);
  if (config.certificate) {
    console.log(`export SSL_CERT_FILE=${config.certificate}`);
    console.log(`export GIT_SSL_CAINFO=${config.certificate}`);
  }
  console.log("\n# ~/.netrc (go looks for host:port, git and curl for the host), chmod 600\n");
  for (const line of config.netrc) console.log(line);
  if (config.goproxy.startsWith("http:"))
    console.log(
      "\n# The go command sends credentials over https only: private modules need GOKURA_TLS or a TLS proxy.",
    );
  if (config.remote) console.log(`\n# git\n\ngit remote add origin ${config.remote}`);
}
