// For operators: /-/health says that the process lives, /-/readiness that it can serve (its database answers, changes
// reach it, its administrator's token works, and it is not stopping), /-/metrics what Prometheus reads.
import type Router from "@koa/router";
import type { ChecksumLog } from "../registry/checksums/log-state.ts";
import { distrustedDatabases } from "../registry/checksums/trusted-heads.ts";
import { databaseAnswers } from "../registry/database-answers.ts";
import type { Registry } from "../registry/registry.ts";
import type { CertificateState } from "./certificate.ts";

/** How far a server is, and how its certificate is doing. */
export interface Stage {
  /** Whether requests are answered yet. */
  opened(): boolean;
  /** Whether no new ones should be sent here. */
  stopping(): boolean;
  /** Whether it leads, of several servers. */
  leads(): boolean;
  /** undefined without TLS. */
  certificate(): CertificateState | undefined;
}

/** Adds the three to a router. `metrics`: what Prometheus reads, as text. */
export function addHealth(
  router: Router,
  registry: Registry,
  { opened, stopping, certificate, leads }: Stage,
  checksums: ChecksumLog,
  metrics: () => Promise<string>,
): void {
  router.get("/-/health", (ctx) => {
    ctx.body = { status: "ok" };
  });
  router.get("/-/readiness", async (ctx) => {
    const database = await databaseAnswers(registry);
    const checks = {
      database,
      notices: registry.memory.live,
      accepting: opened() && !stopping(),
    };
    const ready = Object.values(checks).every(Boolean);
    ctx.status = ready ? 200 : 503;
    const { expires, warning } = certificate() ?? {};
    // These are told, not failed on: taking the server away would not help those who still get through.
    const told = expires && { certificate: warning ?? "ok", certificateExpires: expires };
    const { closed } = checksums.state;
    const distrusted = database ? await distrustedDatabases(registry).catch(() => []) : [];
    const sums = {
      ...(closed === undefined ? {} : { checksumLog: `closed: ${closed}` }),
      ...(distrusted.length === 0 ? {} : { distrustedDatabases: distrusted }),
    };
    ctx.body = { status: ready ? "ok" : "failed", ...checks, leads: leads(), ...told, ...sums };
  });
  router.get("/-/metrics", async (ctx) => {
    ctx.type = registry.metrics.registry.contentType;
    ctx.body = await metrics();
  });
}

/** Sets the gauges that are looked up only when somebody reads them. */
export async function setGauges(registry: Registry, leads: boolean, checksums: ChecksumLog): Promise<void> {
  registry.metrics.listening.set(registry.memory.live ? 1 : 0);
  registry.metrics.leads.set(leads ? 1 : 0);
  registry.metrics.checksumLogOpen.set(checksums.state.closed === undefined ? 1 : 0);
  // While PostgreSQL is away the last number stays.
  await distrustedDatabases(registry).then(
    ({ length }) => registry.metrics.distrustedDatabases.set(length),
    () => {},
  );
}
