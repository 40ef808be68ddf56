// What resolvers know of the request that they answer.
import type { GraphQLFormattedError } from "graphql";
import type { ModuleArchives } from "../git/indexing/module-archives.ts";
import type { ModuleVersionName } from "../gomod/module-graph.ts";
import { escapePath, escapeVersion, type ModulePath } from "../gomod/module-path.ts";
import type { Remotes } from "../mirrors/remotes.ts";
import type { ChecksumLog } from "../registry/checksums/log-state.ts";
import { type GoSettings, goSettings, instanceGoProxy, projectGoProxy } from "../registry/forge/client-settings.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { ProjectRow } from "../registry/rows.ts";
import type { UpstreamStatus } from "../upstream/upstream-status.ts";
import { type AnswerLimit, startAnswerLimit } from "./answer-limit.ts";
import { createLoaders, type Loaders } from "./loaders.ts";
import { startTimeLimit, type TimeLimit } from "./time-limit.ts";

export interface GraphqlContext {
  readonly registry: Registry;
  /** Who asks. A mutation may change what it is a member of, so that the next one in the request sees it. */
  principal: Principal;
  /** Whose share of the server is taken. */
  readonly caller: string;
  loaders: Loaders;
  readonly urls: Urls;
  /** Makes the zips of hosted versions that have none yet. */
  readonly archives: ModuleArchives;
  readonly checksums: ChecksumLog;
  /** The way to the remotes of mirrors. */
  readonly remotes: Remotes;
  readonly upstreams: () => readonly UpstreamStatus[];
  readonly timeLimit: TimeLimit;
  readonly answerLimit: AnswerLimit;
  /** Tells the log of requests what went wrong in this one, if anything did. */
  readonly note: (errors: readonly GraphQLFormattedError[] | undefined) => void;
}

/** Where clients of other doors find a project. */
export interface Urls {
  /** This server, without a slash at the end. */
  readonly instance: string;
  repository(project: { readonly fullPath: string }): string;
  goProxy(project: { readonly fullPath: string }): string;
  /** The .info of a version that is stored. */
  moduleInfo(name: ModuleVersionName): string;
  /** Where people read about one that is not. */
  modulePage(name: ModuleVersionName): string;
  /** What the go command must be told to get a module. */
  goSettings(modulePath: string, project: ProjectRow | undefined): GoSettings;
}

/** What decides about the addresses in answers. */
export interface AddressOptions {
  /** Where clients reach us, without a slash at the end. */
  readonly url: string;
  /** A URL with {path} and perhaps {version}: config.ts. */
  readonly modulePages: string;
  /** Whether modules that are not ours can be had here too. */
  readonly hasWorld: boolean;
  /** Our checksum database as GOSUMDB holds it, if it knows the sums of those, too. */
  readonly gosumdb: string | undefined;
}

/** The context of one request. */
export function createContext(
  registry: Registry,
  { principal, caller }: { readonly principal: Principal; readonly caller: string },
  addresses: AddressOptions,
  archives: ModuleArchives,
  checksums: ChecksumLog,
  remotes: Remotes,
  timeLimitMs: number,
  upstreams: () => readonly UpstreamStatus[] = () => [],
  note: GraphqlContext["note"] = () => {},
): GraphqlContext {
  return {
    registry,
    principal,
    caller,
    loaders: createLoaders(registry, principal),
    urls: urlsOf(registry, addresses),
    archives,
    checksums,
    remotes,
    upstreams,
    timeLimit: startTimeLimit(timeLimitMs),
    answerLimit: startAnswerLimit(),
    note,
  };
}

function urlsOf(registry: Registry, { url, modulePages, hasWorld, gosumdb }: AddressOptions): Urls {
  return {
    instance: url,
    repository: ({ fullPath }) => `${url}/${fullPath}.git`,
    goProxy: ({ fullPath }) => projectGoProxy(url, fullPath),
    moduleInfo: ({ path, version }) =>
      `${instanceGoProxy(url)}/${escapePath(path as ModulePath)}/@v/${escapeVersion(version)}.info`,
    modulePage: ({ path, version }) =>
      modulePages.replaceAll(/\{path\}|\{version\}/g, (what) =>
        (what === "{path}" ? path : version).split("/").map(encodeURIComponent).join("/"),
      ),
    goSettings: (modulePath, project) => goSettings(registry, url, modulePath, project, { hasWorld, gosumdb }),
  };
}
