import { expect, test } from "vitest";
import { createMetrics } from "../../src/telemetry/prometheus.ts";

test("names follow Prometheus: ours begin with gokura_, counters end in _total, times are in seconds", async () => {
  const described = await createMetrics(".").registry.getMetricsAsJSON();
  expect(described.length).toBeGreaterThan(10);
  for (const { name, type, help } of described) {
    expect(name).toMatch(/^gokura_[a-z][a-z0-9_]*$/);
    expect(help.length, name).toBeGreaterThan(3);
    if (String(type) === "counter") expect(name).toMatch(/_total$/);
    if (String(type) === "histogram") expect(name).toMatch(/_seconds$/);
    expect(name).not.toMatch(/_(ms|milliseconds)$/);
  }
});

test("two servers in one process count for themselves", async () => {
  const [one, other] = [createMetrics("."), createMetrics(".")];
  one.hotHits.inc(3);
  expect(await one.registry.metrics()).toContain("\ngokura_hot_hits_total 3\n");
  expect(await other.registry.metrics()).toContain("\ngokura_hot_hits_total 0\n");
});
