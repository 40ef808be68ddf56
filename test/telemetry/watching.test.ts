// The alerts and the dashboard that come with Gokura ask for metrics that a server has, with labels that these have, in
// PromQL that Prometheus' own grammar reads.
import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { ask } from "../support/http.ts";
import { testServer } from "../support/server.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly action: string };
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

/** What Prometheus adds to what it scrapes; le is the histograms' own. */
const ADDED = ["instance", "job", "le"];

const rules: readonly Rule[] = parse(readFileSync("deploy/prometheus/gokura.rules.yml", "utf8")).groups[0].rules;
const dashboard: Dashboard = JSON.parse(readFileSync("deploy/grafana/gokura.json", "utf8"));
const asked = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
];
/** The labels of each metric, by the name under which it is asked for. */
const known = new Map<string, ReadonlySet<string>>([["up", new Set()]]);

beforeAll(async () => {
  const { registry, url } = await testServer();
  for (const metric of (await registry.metrics.registry.metrics()).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const names =
      metric[2] === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => metric[1] + end) : [metric[1]!];
    const { labelNames = [] } = (registry.metrics.registry as unknown as Described).getSingleMetric(metric[1]!) ?? {};
    for (const name of names) known.set(name, new Set(labelNames));
  }
  const text = (await ask(url, "/-/metrics")).text;
  expect(Number(/^gokura_data_disk_free_bytes (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(1_000_000);
  expect(Number(/^gokura_data_disk_size_bytes (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(1_000_000);
});

interface Described {
  getSingleMetric(name: string): { readonly labelNames?: readonly string[] } | undefined;
}

test.each(asked)("%s", (_, expr) => {
  const text = expr.replaceAll("$instance", "server");
  const metrics: string[] = [];
  const labels: string[] = [];
  parser.parse(text).iterate({
    enter(node) {
      expect(node.type.isError, `${text} at ${node.from}`).toBe(false);
      const word = text.slice(node.from, node.to);
      if (node.name === "Identifier") metrics.push(word);
      if (node.name === "LabelName") labels.push(word);
    },
  });
  expect(metrics.length, text).toBeGreaterThan(0);
  const allowed = new Set([...ADDED, ...metrics.flatMap((name) => [...(known.get(name) ?? [])])]);
  expect(metrics.filter((name) => !known.has(name))).toEqual([]);
  expect(labels.filter((label) => !allowed.has(label))).toEqual([]);
});

test("every alert says how grave it is and what to do", () => {
  expect(rules.length).toBeGreaterThan(8);
  for (const { alert, labels, annotations } of rules) {
    expect(["info", "warning", "critical"], alert).toContain(labels.severity);
    expect(annotations.summary.length, alert).toBeGreaterThan(20);
    expect(annotations.action.length, alert).toBeGreaterThan(30);
  }
});
