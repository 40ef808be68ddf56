// gokura client-config: what a user pastes. go wants `machine host:port` in ~/.netrc unless the port is 443, git and curl
// want `machine host`; go trusts SSL_CERT_FILE, git GIT_SSL_CAINFO.
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { readConfig } from "../config.ts";
import { openSigners } from "../open-registry.ts";
import { groupGoProxy, instanceGoProxy, projectGoProxy } from "../registry/forge/client-settings.ts";
import { DEPENDENCY_PROXY, isFlagOnForGroup, loadFlags } from "../registry/forge/feature-flags.ts";
import { demandGroup } from "../registry/forge/groups.ts";
import { declaredPrefixesIn } from "../registry/forge/module-owner.ts";
import { demandProject, modulePathOf } from "../registry/forge/projects.ts";
import { isOff, knowsWorld } from "../upstream/policy.ts";
import { clientUrl } from "./client-url.ts";
import { printJson } from "./output.ts";
import { withRegistry } from "./with-registry.ts";

export interface ClientConfig {
  readonly goproxy: string;
  /** Our own names, which no public checksum database knows. */
  readonly gonosumdb: string;
  /** Our checksum database, if it knows the world too; then nothing needs to be left out. */
  readonly gosumdb: string | undefined;
  /** Whether the endpoint has the world too, so that nothing else needs to be asked. */
  readonly alone: boolean;
  readonly netrc: readonly string[];
  /** undefined: the certificate is one that clients trust anyway, or there is none. */
  readonly certificate: string | undefined;
  readonly remote: string | undefined;
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
        const remoteOf = (path: string) => `${url}/${path}.git`;
        const certificate =
          config.tls.kind === "self-signed" ? join(config.dataDirectory, "tls", "cert.pem") : undefined;
        const verifiesAll = knowsWorld(config);
        const gosumdb = verifiesAll ? (await openSigners(config))[0]!.verifierKey : undefined;
        const base = { netrc: netrcLines(url), certificate, gosumdb };
        if (project) {
          const found = await demandProject(registry, operator, project);
          const goproxy = projectGoProxy(url, found.fullPath);
          const gonosumdb = modulePathOf(registry, found);
          print({ ...base, goproxy, gonosumdb, alone: false, remote: remoteOf(found.fullPath) }, json);
          return;
        }
        const found = group === undefined ? undefined : await demandGroup(registry, operator, group);
        const hosted = found ? `${registry.moduleHost}/${found.fullPath}` : registry.moduleHost;
        const gonosumdb = [hosted, ...(await declaredPrefixesIn(registry, found?.id))].join(",");
        const goproxy = found ? groupGoProxy(url, found.fullPath) : instanceGoProxy(url);
        const hasWorld = !found || isFlagOnForGroup(await loadFlags(registry), DEPENDENCY_PROXY, found);
        print({ ...base, goproxy, gonosumdb, alone: hasWorld && !isOff(config.upstream), remote: undefined }, json);
      });
    });
}

/** The lines of ~/.netrc for go and for git. */
export function netrcLines(url: string, token = "YOUR_TOKEN"): string[] {
  const { host, hostname } = new URL(url);
  return [...new Set([host, hostname])].map((machine) => `machine ${machine} login gokura password ${token}`);
}

function print(config: ClientConfig, json: boolean): void {
  if (json) {
    printJson(config);
    return;
  }
  console.log("# go\n");
  console.log(`go env -w GOPROXY='${config.goproxy}${config.alone ? "'" : `,'"$(go env GOPROXY)"`}`);
  if (config.gosumdb === undefined) console.log(`go env -w GONOSUMDB='${config.gonosumdb}'`);
  else console.log(`go env -w GOSUMDB='${config.gosumdb}' GONOSUMDB=`);
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
