// The counters of a server, as Prometheus reads them at /-/metrics. Names follow its conventions: base units, `_total` for
// counters. What each counts is said by the interface in metrics.ts.
import { statfs } from "node:fs/promises";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Metrics } from "./metrics.ts";

export interface PrometheusMetrics extends Metrics {
  readonly registry: Registry;
  readonly hotHits: Counter;
  readonly jobsFailed: Counter<"job">;
}

/**
 * Everything that is counted, at zero, and the process itself: processor time, memory, garbage collection, the event loop.
 * Of `dataDirectory` the disk is looked at whenever somebody reads. `aggregator` says what several processes make of theirs
 * (summed-metrics.ts); the default is the sum.
 */
export function createMetrics(dataDirectory: string): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "gokura_" });
  const registers = [registry];
  const free = new Gauge({
    name: "gokura_data_disk_free_bytes",
    help: "What is left on the disk of the data directory for programs that are not root's",
    aggregator: "first",
    registers,
    async collect() {
      const { bavail, blocks, bsize } = await statfs(dataDirectory);
      free.set(bavail * bsize);
      size.set(blocks * bsize);
    },
  });
  const size = new Gauge({
    name: "gokura_data_disk_size_bytes",
    help: "How much the disk of the data directory holds",
    aggregator: "first",
    registers,
  });
  const evicted = new Counter({
    name: "gokura_upstream_evicted_bytes_total",
    help: "Bytes of zips from upstream that made room for others",
    registers,
  });
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
    fsckProblems: new Counter({
      name: "gokura_fsck_problems_total",
      help: "What slices of fsck found that is not as it was promised",
      labelNames: ["fault"],
      registers,
    }),
    fsckFinished: new Gauge({
      name: "gokura_fsck_slice_finished_timestamp_seconds",
      help: "When the last slice of fsck was done; 0: none was",
      aggregator: "max",
      registers,
    }),
    limited: new Counter({
      name: "gokura_limited_total",
      help: "Requests that were refused because a client had asked too often",
      labelNames: ["limit"],
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
    mirrorLooks: new Counter({
      name: "gokura_mirror_looks_total",
      help: "Looks of mirrors at their remotes",
      labelNames: ["outcome"],
      registers,
    }),
    mirrors: new Gauge({
      name: "gokura_mirrors",
      help: "Mirrors that are on, and of them those whose last look failed",
      labelNames: ["state"],
      registers,
    }),
    evictedBytes: { add: (bytes) => evicted.inc(bytes) },
    certificateExpires: new Gauge({
      name: "gokura_tls_certificate_expires_timestamp_seconds",
      help: "When the TLS certificate expires; 0 without TLS",
      aggregator: "min",
      registers,
    }),
    distrustedDatabases: new Gauge({
      name: "gokura_checksum_databases_distrusted",
      help: "Checksum databases of others that were caught lying and are not believed",
      aggregator: "max",
      registers,
    }),
    checksumLogOpen: new Gauge({
      name: "gokura_checksum_log_open",
      help: "Whether the checksum log of this registry signs",
      aggregator: "min",
      registers,
    }),
    listening: new Gauge({
      name: "gokura_database_listening",
      help: "Whether notices of changes in the database arrive",
      aggregator: "min",
      registers,
    }),
    leads: new Gauge({
      name: "gokura_leads",
      help: "1 while this server leads: of several servers of a database one has the repositories",
      aggregator: "max",
      registers,
    }),
  };
}
