// For operators: /-/health says that the process lives, /-/readiness that it can serve (its database answers, changes
// reach it, its administrator's token works, and it is not stopping), /-/metrics what Prometheus reads.
import type Router from "@koa/router";
import { databaseAnswers } from "../registry/database-answers.ts";
import type { Registry } from "../registry/registry.ts";

/** Adds the three to a router. `opened`: requests are answered; `stopping`: no new ones should be sent here. */
export function addHealth(
  router: Router,
  registry: Registry,
  { opened, stopping }: { opened(): boolean; stopping(): boolean },
): void {
  router.get("/-/health", (ctx) => {
    ctx.body = { status: "ok" };
  });
  router.get("/-/readiness", async (ctx) => {
    const checks = {
      database: await databaseAnswers(registry),
      notices: registry.memory.live,
      accepting: opened() && !stopping(),
    };
    const ready = Object.values(checks).every(Boolean);
    ctx.status = ready ? 200 : 503;
    ctx.body = { status: ready ? "ok" : "failed", ...checks };
  });
  router.get("/-/metrics", async (ctx) => {
    registry.metrics.listening.set(registry.memory.live ? 1 : 0);
    ctx.type = registry.metrics.registry.contentType;
    ctx.body = await registry.metrics.registry.metrics();
  });
}
