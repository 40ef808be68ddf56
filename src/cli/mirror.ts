// gokura mirror …
import { type Command, InvalidArgumentError } from "commander";
import { readConfig } from "../config.ts";
import { invalid } from "../errors.ts";
import { addMirror } from "../mirrors/add-mirror.ts";
import { openRemotes } from "../mirrors/remotes.ts";
import { fingerprintOf } from "../registry/forge/deploy-key.ts";
import { wantLook } from "../registry/forge/mirror-looks.ts";
import { deleteMirror, demandMirror, listMirrors, renewHookSecret, updateMirror } from "../registry/forge/mirrors.ts";
import { createProject, findProject } from "../registry/forge/projects.ts";
import type { MirrorRow } from "../registry/rows.ts";
import { allById } from "./all-by-id.ts";
import { clientUrl } from "./client-url.ts";
import { JSON_OPTION, visibility } from "./options.ts";
import { type PrintedRow, printOne, printRows } from "./output.ts";
import { APP_OPTION, type CredentialOptions, credentialGiven, INSTALLATION_OPTION } from "./remote-credential.ts";
import { withRegistry } from "./with-registry.ts";

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 };

export function addMirrorCommands(program: Command): void {
  const mirror = program.command("mirror").description("projects that follow a repository elsewhere");
  mirror
    .command("add <project> <url>")
    .description("have a project follow a repository elsewhere; makes the project if there is none")
    .option("--user <name>", "the user name that is sent there; git if not given, which does for tokens")
    .option("--password-stdin", "read the password or token from standard input; it is kept sealed")
    .option(...APP_OPTION)
    .option(...INSTALLATION_OPTION)
    .option("--module-prefix <path>", 'the module path that it serves, such as github.com/acme/lib; "" for none')
    .option(
      "--interval <time>",
      "look at least so often, such as 5m; else it depends on how often it changes",
      interval,
    )
    .option("--visibility <who>", "of a project that is made: private (default), internal or public", visibility)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      `
By ssh (git@git.example.com:acme/lib.git) a deploy key is made, whose public half is printed, and the key of the host is pinned
when it is first asked. Without --module-prefix it serves the path that the address suggests, if the go command in direct mode finds this very
repository for it. The address and the secret for hooks are printed, the secret this once.
Example: gokura mirror add acme/lib https://github.com/acme/lib
Example: pass show git-token | gokura mirror add acme/lib https://git.example.com/acme/lib --password-stdin`,
    )
    .action(async (fullPath: string, url: string, options) => {
      const { modulePrefix, interval: intervalSeconds, json = false } = options;
      const credential = await credentialGiven(options);
      await withRegistry(async (registry, operator) => {
        const config = readConfig();
        const remotes = openRemotes(config);
        try {
          if (!(await findProject(registry, fullPath)))
            await createProject(registry, operator, { fullPath, visibility: options.visibility });
          const input = { url, modulePrefix, intervalSeconds, credential };
          const added = await addMirror(registry, remotes, operator, fullPath, input);
          const { mirror: made, hookSecret, withoutPrefix } = added;
          const current = await demandMirror(registry, operator, fullPath);
          printOne({ ...rowOf({ ...made, project: current.project }), hookUrl: hookUrl(made), hookSecret }, json);
          if (withoutPrefix !== undefined) console.error(`No module prefix: ${withoutPrefix}.`);
          if (json) return;
          console.log("The secret is shown this once: give it to the hook of the repository there.");
          if (made.credential?.publicKey)
            console.log(`Give the repository there this deploy key, for reading:\n${made.credential.publicKey}`);
        } finally {
          remotes.close();
        }
      });
    });
  mirror
    .command("list")
    .description("all mirrors, with what came of their last look")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura mirror list")
    .action(({ json = false }) =>
      withRegistry(async (registry, operator) => {
        const rows = await allById((numbered) => listMirrors(registry, operator, numbered));
        printRows(rows.map(rowOf), json, "no mirrors");
      }),
    );
  mirror
    .command("show <project>")
    .description("how a mirror is doing, and where its hooks go")
    .option("--new-secret", "give its hooks another secret, shown this once; the old one is refused from then on")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura mirror show acme/lib")
    .action((fullPath: string, { newSecret = false, json = false }) =>
      withRegistry(async (registry, operator) => {
        const made = newSecret ? await renewHookSecret(registry, operator, fullPath) : undefined;
        const found = made?.mirror ?? (await demandMirror(registry, operator, fullPath));
        const secret = made ? { hookSecret: made.hookSecret } : {};
        printOne({ ...rowOf(found), hookUrl: hookUrl(found), ...secret }, json);
      }),
    );
  mirror
    .command("update <project>")
    .description("change a mirror; it looks at once")
    .option("--url <url>", "another address; on another host it has no credentials unless they are given too")
    .option("--user <name>", "the user name that is sent there; git if not given, which does for tokens")
    .option("--password-stdin", "read another password or token from standard input")
    .option(...APP_OPTION)
    .option(...INSTALLATION_OPTION)
    .option("--no-credential", "send nothing there any more; by ssh: make another deploy key")
    .option("--forget-host-key", "pin the key that the host shows at the next look, by ssh")
    .option("--interval <time>", "look at least so often, such as 5m", interval)
    .option("--on", "follow again")
    .option("--off", "follow no more, and keep the rest: pushes are taken meanwhile")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura mirror update acme/lib --forget-host-key")
    .action(async (fullPath: string, options: UpdateOptions) => {
      const { url, on, off, forgetHostKey, interval: intervalSeconds, json = false } = options;
      if (on && off) throw new InvalidArgumentError("--on or --off, not both.");
      const credential = options.credential ? await credentialGiven(options) : null;
      const enabled = on ? true : off ? false : undefined;
      await withRegistry(async (registry, operator) => {
        const input = { url, credential, enabled, intervalSeconds, forgetHostKey };
        printOne(rowOf(await updateMirror(registry, operator, fullPath, input)), json);
      });
    });
  mirror
    .command("sync <project>")
    .description("have a mirror look now; the running server does")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura mirror sync acme/lib")
    .action((fullPath: string, { json = false }) =>
      withRegistry(async (registry, operator) => {
        const { projectId } = await demandMirror(registry, operator, fullPath, "mirror.sync");
        if (!(await wantLook(registry, projectId, 0)))
          throw invalid(`${fullPath} does not follow its remote: it is off`);
        printOne(rowOf(await demandMirror(registry, operator, fullPath)), json);
      }),
    );
  mirror
    .command("remove <project>")
    .description("have a project follow nothing any more: it keeps what it has and takes pushes again")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura mirror remove acme/lib")
    .action((fullPath: string, { json = false }) =>
      withRegistry(async (registry, operator) =>
        printOne({ ...rowOf(await deleteMirror(registry, operator, fullPath)), state: "removed" }, json),
      ),
    );
}

interface UpdateOptions extends CredentialOptions {
  readonly url?: string;
  /** False: none is sent any more. */
  readonly credential: boolean;
  readonly forgetHostKey?: boolean;
  readonly interval?: number;
  readonly on?: boolean;
  readonly off?: boolean;
  readonly json?: boolean;
}

function interval(word: string): number {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(word) ?? [];
  if (number === undefined) throw new InvalidArgumentError("use a time such as 90s, 5m, 6h or 1d.");
  return Number(number) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS];
}

const hookUrl = ({ id }: MirrorRow): string => `${clientUrl(readConfig())}/-/hooks/${id}`;

function rowOf(mirror: MirrorRow): PrintedRow {
  const { project } = mirror;
  return {
    id: mirror.id,
    project: project.fullPath,
    url: mirror.url,
    user: mirror.credential?.username,
    githubApp: mirror.credential?.appId,
    deployKey: mirror.credential?.publicKey,
    hostKey: mirror.credential?.hostKey && fingerprintOf(mirror.credential.hostKey),
    prefix: project.modulePrefix,
    state: stateOf(mirror),
    looked: mirror.lookedAt,
    changed: mirror.changedAt,
    next: mirror.enabled ? mirror.nextLookAt : null,
    error: mirror.lastError,
  };
}

function stateOf({ enabled, lookedAt, lastError }: MirrorRow): string {
  if (!enabled) return "off";
  if (lookedAt === null) return "new";
  return lastError === null ? "ok" : "failing";
}
