// The counts of several processes as those of one server: counters and histograms are added up, and of a gauge its
// `aggregator` (prometheus.ts) says what is made of several.
import { AggregatorRegistry } from "prom-client";
import type { Measured } from "./metrics.ts";

const GROWING = new Set(["counter", "histogram", "summary"]);

/** The text for Prometheus. */
export async function sumAsText(processes: readonly Measured[]): Promise<string> {
  return AggregatorRegistry.aggregate([...processes]).metrics();
}

/**
 * What stays of processes that have ended: what only grows. A sum from which it was taken away would look to Prometheus like
 * a server that started again.
 */
export async function sumOfEnded(processes: readonly Measured[]): Promise<Measured> {
  const growing = processes.map((one) => one.filter(({ type }) => GROWING.has(String(type))));
  return AggregatorRegistry.aggregate(growing).getMetricsAsJSON();
}
