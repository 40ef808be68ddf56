// What keeps a list of 100 from costing 100 statements. GraphQL asks for the fields of each object one by one; a loader
// waits until all that can be asked at once has been asked, and asks the registry once (facebook/dataloader). Lists within
// lists are loaded so too: the same page of many modules is one statement (registry/first-of-each.ts).
//
// Loaders belong to one request and one principal, and remember: a mutation throws them away.
import DataLoader from "dataloader";
import { Failure } from "../errors.ts";
import { findGroups, type GroupRow } from "../registry/groups.ts";
import { listMembers, type MemberRow } from "../registry/members.ts";
import {
  findModules,
  goModsOf,
  latestVersions,
  type ModuleRow,
  modulesOfProjects,
  type RejectedTagRow,
  rejectedTagsOfProjects,
  type VersionRow,
  versionsOfModules,
} from "../registry/modules.ts";
import type { Page, PageRequest } from "../registry/page.ts";
import type { Principal } from "../registry/principal.ts";
import { findProjects, type ProjectRow } from "../registry/projects.ts";
import { type TagEventRow, tagEventsOfProjects } from "../registry/refs.ts";
import type { Registry } from "../registry/registry.ts";
import { type TokenRow, tokensOfProjects, tokensOfUsers } from "../registry/tokens.ts";
import { findUsersById, type UserRow } from "../registry/users.ts";

/** How many bytes of go.mod files one request gets: they are parsed, and an author may make them as large as 16 MiB. */
const GO_MOD_BYTES_PER_REQUEST = 4 * 1024 * 1024;

/** Loads by number; undefined for what is not there. */
export type ById<V> = DataLoader<number, V | undefined>;

/** Loads a list that belongs to an object; undefined for one that the principal may not see. */
export interface ListLoader<Of, Args, V> {
  load(of: Of, args: Args): Promise<V | undefined>;
}

export interface Loaders {
  readonly user: ById<UserRow>;
  readonly project: ById<ProjectRow>;
  readonly group: ById<GroupRow>;
  readonly module: ById<ModuleRow>;
  readonly latestVersion: ById<VersionRow>;
  readonly goMod: ById<Buffer | null>;
  readonly versions: ListLoader<ModuleRow, PageRequest & { readonly includePseudo: boolean }, Page<VersionRow>>;
  readonly modulesOfProject: ListLoader<ProjectRow, PageRequest, Page<ModuleRow>>;
  readonly membersOfProject: ListLoader<ProjectRow, PageRequest, Page<MemberRow>>;
  readonly membersOfGroup: ListLoader<GroupRow, PageRequest, Page<MemberRow>>;
  readonly tokensOfProject: ListLoader<ProjectRow, PageRequest, Page<TokenRow>>;
  readonly tokensOfUser: ListLoader<UserRow, PageRequest, Page<TokenRow>>;
  readonly rejectedTags: ListLoader<ProjectRow, number, readonly RejectedTagRow[]>;
  readonly tagEvents: ListLoader<ProjectRow, number, readonly TagEventRow[]>;
}

/** New loaders for a principal. */
export function createLoaders(registry: Registry, principal: Principal): Loaders {
  return {
    user: byId(async (ids) => indexed(await findUsersById(registry, ids))),
    project: byId(async (ids) => indexed(await findProjects(registry, ids))),
    group: byId(async (ids) => indexed(await findGroups(registry, ids))),
    module: byId(async (ids) => indexed(await findModules(registry, ids))),
    latestVersion: byId((ids) => latestVersions(registry, ids)),
    goMod: goModLoader(registry),
    versions: listLoader((modules, args) => versionsOfModules(registry, modules, args, args)),
    modulesOfProject: listLoader((projects, page) => modulesOfProjects(registry, principal, projects, page)),
    membersOfProject: listLoader((projects, page) => listMembers(registry, principal, { projects }, page)),
    membersOfGroup: listLoader((groups, page) => listMembers(registry, principal, { groups }, page)),
    tokensOfProject: listLoader((projects, page) => tokensOfProjects(registry, principal, projects, page)),
    tokensOfUser: listLoader((users, page) => tokensOfUsers(registry, principal, users, page)),
    rejectedTags: listLoader((projects, take) => rejectedTagsOfProjects(registry, principal, projects, take)),
    tagEvents: listLoader((projects, take) => tagEventsOfProjects(registry, principal, projects, take)),
  };
}

function byId<V>(load: (ids: readonly number[]) => Promise<ReadonlyMap<number, V>>): ById<V> {
  return new DataLoader(async (ids) => {
    const found = await load(ids);
    return ids.map((id) => found.get(id));
  });
}

function indexed<V extends { readonly id: number }>(rows: readonly V[]): Map<number, V> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** Lists that are asked for with the same arguments are loaded together. */
function listLoader<Of extends { readonly id: number }, Args, V>(
  load: (of: readonly Of[], args: Args) => Promise<ReadonlyMap<number, V>>,
): ListLoader<Of, Args, V> {
  const loaders = new Map<string, DataLoader<Of, V | undefined, number>>();
  return {
    load(of, args) {
      const key = JSON.stringify(args);
      let loader = loaders.get(key);
      if (!loader) {
        const batch = async (all: readonly Of[]) => {
          const found = await load(all, args);
          return all.map(({ id }) => found.get(id));
        };
        loader = new DataLoader(batch, { cacheKeyFn: ({ id }) => id });
        loaders.set(key, loader);
      }
      return loader.load(of);
    },
  };
}

/** go.mod files by the version's number, as far as the request's bytes go. */
function goModLoader(registry: Registry): ById<Buffer | null> {
  let bytesLeft = GO_MOD_BYTES_PER_REQUEST;
  return new DataLoader<number, Buffer | null | undefined>(async (ids) => {
    const found = await goModsOf(registry, ids, bytesLeft);
    for (const goMod of found.values()) bytesLeft -= goMod?.length ?? 0;
    const rest = new Failure(
      "too-large",
      `one request gets ${GO_MOD_BYTES_PER_REQUEST} bytes of go.mod files; ask for fewer versions, or fetch VERSION.mod from the Go endpoint`,
    );
    return ids.map((id) => (found.has(id) ? found.get(id) : rest));
  });
}
