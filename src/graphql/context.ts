// What resolvers know of the request that they answer.
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { UpstreamStatus } from "../upstream/upstream-status.ts";
import { createLoaders, type Loaders } from "./loaders.ts";
import { startTimeLimit, type TimeLimit } from "./time-limit.ts";

export interface GraphqlContext {
  readonly registry: Registry;
  /** Who asks. A mutation may change what it is a member of, so that the next one in the request sees it. */
  principal: Principal;
  loaders: Loaders;
  readonly urls: Urls;
  readonly upstreams: () => readonly UpstreamStatus[];
  readonly timeLimit: TimeLimit;
}

/** Where clients of other doors find a project. */
export interface Urls {
  repository(project: { readonly fullPath: string }): string;
  goProxy(project: { readonly fullPath: string }): string;
}

/** The context of one request. `url` is where clients reach us, without a slash at the end. */
export function createContext(
  registry: Registry,
  principal: Principal,
  url: string,
  timeLimitMs: number,
  upstreams: () => readonly UpstreamStatus[] = () => [],
): GraphqlContext {
  return {
    registry,
    principal,
    loaders: createLoaders(registry, principal),
    urls: {
      repository: ({ fullPath }) => `${url}/${fullPath}.git`,
      goProxy: ({ fullPath }) => `${url}/api/v4/projects/${encodeURIComponent(fullPath)}/packages/go`,
    },
    upstreams,
    timeLimit: startTimeLimit(timeLimitMs),
  };
}
