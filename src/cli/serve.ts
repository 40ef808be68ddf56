// gokura serve: the server, until it is told to stop.
import type { Command } from "commander";
import type { RunningApp } from "../app.ts";
import { readConfig } from "../config.ts";
import { PRIVATE_UMASK } from "../storage/data-directory.ts";
import { createLog } from "../telemetry/log.ts";
import { collectStartGarbage } from "./start-garbage.ts";
import { Stopped, stopSignal } from "./stop-signal.ts";

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("run the server; settings are environment variables, see docs/settings.md")
    .option("--json", "say where it is as one line of JSON, for programs that start it")
    .addHelpText("after", "\nExample: GOKURA_TLS=self-signed GOKURA_LISTEN=127.0.0.1:8443 gokura serve")
    .action(serve);
}

async function serve({ json = false }: { json?: boolean }): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const config = readConfig();
  const log = createLog(config.logLevel);
  const stop = stopSignal(config.underNpm);
  try {
    const { startApp } = await import("../app.ts");
    const app = await startApp(config, log, { stopSignal: stop });
    if (json) console.log(JSON.stringify(introduction(app)));
    else introduce(app);
    collectStartGarbage();
    const end = app.lost ? AbortSignal.any([stop, app.lost]) : stop;
    if (!end.aborted) await new Promise((ended) => end.addEventListener("abort", ended));
    if (stop.aborted) log.info({ by: (stop.reason as Stopped).by }, "stopping: requests under way may finish");
    await app.stop();
    app.lost?.throwIfAborted();
    log.info("stopped");
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    log.info({ by: error.by }, "stopped before it served");
  }
}

function introduction({ url, port, certificateFile, firstSetup }: RunningApp): object {
  const administrator = firstSetup && {
    username: firstSetup.username,
    ...(firstSetup.given ? {} : { token: firstSetup.secret }),
  };
  return { url, port, certificateFile, administrator };
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
