// What Prometheus reads at /-/metrics. Names follow its conventions: base units, `_total` for counters.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  readonly registry: Registry;
  /** Finished requests by door (go, git, graphql, api, browser) and status; answers from memory are in hotHits. */
  readonly requests: Counter<"door" | "status">;
  /** Seconds from the first byte of a request to the last of its answer, by door; not of answers from memory. */
  readonly duration: Histogram<"door">;
  /** Answers from memory. */
  readonly hotHits: Counter;
  /** Versions published, by kind. */
  readonly published: Counter<"kind">;
  /** Tags that were moved or deleted after they had been published. */
  readonly tagEvents: Counter<"kind">;
  /** Seconds from a push to its tags being versions. */
  readonly indexing: Histogram;
  readonly jobsFailed: Counter<"job">;
  /** 1 while changes in the database reach this process. */
  readonly listening: Gauge;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "gokura_" });
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: "gokura_http_requests_total",
      help: "Finished requests",
      labelNames: ["door", "status"],
      registers,
    }),
    duration: new Histogram({
      name: "gokura_http_request_seconds",
      help: "Time to answer, without answers from memory",
      labelNames: ["door"],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60],
      registers,
    }),
    hotHits: new Counter({ name: "gokura_hot_hits_total", help: "Go requests answered from memory", registers }),
    published: new Counter({
      name: "gokura_versions_published_total",
      help: "Module versions published",
      labelNames: ["kind"],
      registers,
    }),
    tagEvents: new Counter({
      name: "gokura_tag_events_total",
      help: "Recorded tags that were moved or deleted",
      labelNames: ["kind"],
      registers,
    }),
    indexing: new Histogram({
      name: "gokura_indexing_seconds",
      help: "Time from a recorded push to its tags being versions",
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60, 600],
      registers,
    }),
    jobsFailed: new Counter({
      name: "gokura_jobs_failed_total",
      help: "Runs of background jobs that failed (they are tried again)",
      labelNames: ["job"],
      registers,
    }),
    listening: new Gauge({
      name: "gokura_database_listening",
      help: "Whether notices of changes in the database arrive",
      registers,
    }),
  };
}
