// What is counted. A server counts for Prometheus (prometheus.ts); a command, which is over before anybody could read its
// counters, counts nothing, and so need not load the library.

import type { MetricObject } from "prom-client";

type Labels<Label extends string> = Readonly<Partial<Record<Label, string>>>;

/** The values of one process, for summed-metrics.ts: plain data. */
export type Measured = MetricObject[];

/** How often something happened, by label. */
export interface Count<Label extends string> {
  inc(labels: Labels<Label>): void;
}

export interface Metrics {
  /** All of them, as text and as values that can be summed. */
  readonly registry: {
    readonly contentType: string;
    metrics(): Promise<string>;
    getMetricsAsJSON(): Promise<Measured>;
  };
  /** Finished requests by door (go, git, graphql, api, browser) and status; answers from memory are in hotHits. */
  readonly requests: Count<"door" | "status">;
  /** Seconds from the first byte of a request to the last of its answer, by door; not of answers from memory. */
  readonly duration: { observe(labels: Labels<"door">, seconds: number): void };
  /** Requests that were refused because somebody had asked too often, by limit. */
  readonly limited: Count<"limit">;
  /** What slices of fsck found wrong, by fault. */
  readonly fsckProblems: Count<"fault">;
  /** When the last slice of fsck was done, in seconds since 1970; 0: none was. */
  readonly fsckFinished: { set(seconds: number): void };
  /** Answers from memory. */
  readonly hotHits: { inc(): void; get(): Promise<{ readonly values: readonly { readonly value: number }[] }> };
  /** Versions published, by kind. */
  readonly published: Count<"kind">;
  /** Tags that were moved or deleted after they had been published. */
  readonly tagEvents: Count<"kind">;
  /** Seconds from a push to its tags being versions. */
  readonly indexing: { observe(seconds: number): void };
  readonly jobsFailed: Count<"job">;
  /** Looks of mirrors at their remotes, by outcome: unchanged, changed, failed. */
  readonly mirrorLooks: Count<"outcome">;
  /** Mirrors that are on, and of them those whose last look failed. */
  readonly mirrors: { set(labels: Labels<"state">, value: number): void };
  /** 1 while changes in the database reach this process. */
  readonly listening: { set(value: number): void };
  /** 1 while this server leads. */
  readonly leads: { set(value: number): void };
  /** Bytes of zips from upstream that made room for others. */
  readonly evictedBytes: { add(bytes: number): void };
  /** Checksum databases of others that were caught lying and are not believed. */
  readonly distrustedDatabases: { set(count: number): void };
  /** 1 while our own checksum log signs, 0 when it is closed. */
  readonly checksumLogOpen: { set(value: number): void };
  /** When the TLS certificate expires, in seconds since 1970; 0 without TLS. */
  readonly certificateExpires: { set(seconds: number): void };
}

const count = { inc() {}, get: async () => ({ values: [] }) };
const distribution = { observe() {} };

/** For a process that nobody reads counters of. */
export const UNCOUNTED: Metrics = {
  registry: { contentType: "text/plain", metrics: async () => "", getMetricsAsJSON: async () => [] },
  requests: count,
  duration: distribution,
  limited: count,
  fsckProblems: count,
  fsckFinished: { set() {} },
  hotHits: count,
  published: count,
  tagEvents: count,
  indexing: distribution,
  jobsFailed: count,
  mirrorLooks: count,
  mirrors: { set() {} },
  listening: { set() {} },
  leads: { set() {} },
  evictedBytes: { add() {} },
  distrustedDatabases: { set() {} },
  checksumLogOpen: { set() {} },
  certificateExpires: { set() {} },
};
