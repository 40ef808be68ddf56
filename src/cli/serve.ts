// gokura serve: the server, until it is told to stop.
import type { Command } from "commander";
import { type RunningApp, startApp } from "../app.ts";
import { readConfig } from "../config.ts";
import { createLog, type Log } from "../telemetry/log.ts";

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("run the server; settings are environment variables, see docs/settings.md")
    .addHelpText("after", "\nExample: GOKURA_TLS=self-signed GOKURA_LISTEN=127.0.0.1:8443 gokura serve")
    .action(serve);
}

async function serve(): Promise<void> {
  const config = readConfig();
  const log = createLog(config.logLevel);
  for (const name of config.withoutEffect)
    log.warn(`${name} has no effect in this release: it belongs to the dependency proxy, which comes with a later one`);
  const app = await startApp(config, log);
  introduce(app);
  await untilStopped(app, log);
}

function introduce({ url, certificateFile, firstSetup }: RunningApp): void {
  if (firstSetup) {
    console.log(
      "First start: made the administrator root, and switched the Go proxy (flag go_proxy) on for everybody.",
    );
    console.log(
      firstSetup.given
        ? "Its token is the one given by GOKURA_ADMIN_TOKEN."
        : `Its token, shown this once: ${firstSetup.secret}`,
    );
  }
  if (certificateFile !== undefined)
    console.log(
      `Self-signed certificate: SSL_CERT_FILE=${certificateFile} for go, GIT_SSL_CAINFO=${certificateFile} for git.`,
    );
  console.log(`Gokura is at ${url}`);
}

/** Resolves when the server has stopped cleanly after SIGTERM or SIGINT; a second signal ends at once. */
async function untilStopped(app: RunningApp, log: Log): Promise<void> {
  await new Promise<void>((stop) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => {
        log.info({ signal }, "stopping: requests under way may finish");
        process.on(signal, () => process.exit(1));
        stop();
      });
  });
  await app.stop();
  log.info("stopped");
}
