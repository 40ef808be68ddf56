// How a command reaches the registry: on the same database as a running server, through the same functions, as the
// operator of the machine. With the embedded database the command joins the server's, or starts it for the moment.

import { readConfig } from "../config.ts";
import { openRegistry } from "../open-registry.ts";
import { OPERATOR, type OperatorPrincipal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import { PRIVATE_UMASK } from "../storage/data-directory.ts";
import { createLog } from "../telemetry/log.ts";
import { telling } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";

/**
 * Opens the registry, does the work and lets go of it again. Only warnings are logged. A signal ends the waiting for a
 * database; work that has begun is finished, because it is short, and then everything is let go of.
 */
export async function withRegistry(
  work: (registry: Registry, operator: OperatorPrincipal) => Promise<void>,
): Promise<void> {
  process.umask(PRIVATE_UMASK);
  const config = readConfig();
  const log = createLog(config.logLevel === "silent" ? "silent" : "warn");
  const opened = await telling("opening the database", () =>
    openRegistry(config, log, "sender", { stopSignal: stopSignal() }),
  );
  try {
    await telling("working", () => work(opened.registry, OPERATOR));
  } finally {
    await opened.close();
  }
}
