// What is to be traced, as config.ts reads it.

export interface TraceSettings {
  /** What the service is called; undefined: OpenTelemetry's own variables say it. */
  readonly serviceName: string | undefined;
  /** Hosts that are told which trace a request belongs to, as `URL.host` says them. */
  readonly hosts: ReadonlySet<string>;
}
