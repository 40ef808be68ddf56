// What is to be traced, as config.ts reads it.

export interface TraceSettings {
  /** What the service is called; undefined: OpenTelemetry's own variables say it. */
  readonly serviceName: string | undefined;
  /** The version of what makes the spans. */
  readonly version: string;
  /** Hosts that are told which trace a request belongs to, as `URL.host` says them. */
  readonly hosts: ReadonlySet<string>;
}
