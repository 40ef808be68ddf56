// How those whom we ask are doing, for administrators: the configured list in its order, each with what this process has
// seen of it.
import type { UpstreamList } from "./policy.ts";
import type { HostHealth, UpstreamHealth } from "./upstream-health.ts";

export interface UpstreamStatus {
  /** Host and path of a proxy, without credentials; else `direct` or `off`. */
  readonly name: string;
  readonly kind: "PROXY" | "DIRECT" | "OFF";
  /** Whether the next one is asked after any trouble, and not only when this one does not have the thing. */
  readonly anyError: boolean;
  /** undefined for `direct` and `off`. */
  readonly health: HostHealth | undefined;
}

/** The upstreams in the order in which they are asked. */
export function upstreamStatus(list: UpstreamList, health: UpstreamHealth): UpstreamStatus[] {
  return list.map((upstream) => {
    if (upstream.kind !== "proxy")
      return {
        name: upstream.kind,
        kind: upstream.kind === "off" ? "OFF" : "DIRECT",
        anyError: false,
        health: undefined,
      };
    const { name, url, fallback } = upstream;
    return { name, kind: "PROXY", anyError: fallback === "on-any-error", health: health.of(new URL(url).host) };
  });
}
