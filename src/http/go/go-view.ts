// What one Go endpoint can see. The endpoint of a project has the modules of that project; that of a group those of all
// projects in it, however deep; that of the instance those of all projects. Behind the instance's endpoint, and behind those
// of groups with the flag dependency_proxy, is the world: what no project owns is looked for upstream, and is there for
// everybody who can reach the endpoint, signed in or not. What may not be seen and what is not there are the same: 401
// without credentials, 404 with some.
import { type Failure, notFound } from "../../errors.ts";
import { type GoRequest, parseGoPath } from "../../gomod/proxy-path.ts";
import {
  demandGroupSeen,
  demandPackages,
  demandUpstream,
  hidden,
  maySeeProject,
} from "../../registry/access/access.ts";
import {
  DEPENDENCY_PROXY,
  GO_PROXY,
  isFlagOn,
  isFlagOnForGroup,
  loadFlags,
} from "../../registry/forge/feature-flags.ts";
import { findGroup, findGroupById } from "../../registry/forge/groups.ts";
import { isOwned, ownerOf } from "../../registry/forge/module-owner.ts";
import { findProject, hasClosedPackages } from "../../registry/forge/projects.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { GroupRow, ProjectRow } from "../../registry/rows.ts";

/** Which endpoint: `id` is a number or a full path, as in GitLab's API. */
export type GoView =
  | { readonly kind: "project"; readonly id: string }
  | { readonly kind: "group"; readonly id: string }
  | { readonly kind: "instance" };

/**
 * Who answers a request to an endpoint: a project of ours, or the world behind the endpoint of a group or the instance; with
 * the request, where its path had to be read to find that out.
 */
export type Answerer =
  | { readonly kind: "project"; readonly project: ProjectRow; readonly request: GoRequest | undefined }
  | { readonly kind: "world"; readonly group: GroupRow | undefined; readonly request: GoRequest };

/** Who answers a request to an endpoint, if the principal may have it. `rest` is the raw Go path. */
export async function answererInView(
  registry: Registry,
  principal: Principal,
  view: GoView,
  rest: string,
): Promise<Answerer> {
  const flags = await loadFlags(registry);
  const admit = (project: ProjectRow | undefined, request?: GoRequest): Answerer => ({
    kind: "project",
    request,
    project: demandPackages(principal, project, (one) => isFlagOn(flags, GO_PROXY, one)),
  });
  if (view.kind === "project") return admit(await findProject(registry, idOf(view.id)));

  const group = view.kind === "group" ? await groupOf(registry, principal, view.id) : undefined;
  const request = parseGoPath(rest);
  const { modulePath } = request;
  const owner = await ownerOf(registry, modulePath);
  const inView = owner && (group === undefined || owner.group.traversalIds.includes(group.id));
  if (inView && maySeeProject(principal, owner)) return admit(owner, request);
  // Of our own names nobody learns whether they are taken; other names are nobody's here.
  if (await isOwned(registry, modulePath)) throw await nameless(registry, principal, modulePath);
  // Nor is what was fetched before it became private given to anybody.
  if (registry.privateModules.covers(modulePath))
    throw notFound(`${modulePath} is private to this registry: no other is asked for it`, "module_private");
  if (group === undefined || isFlagOnForGroup(flags, DEPENDENCY_PROXY, group)) {
    demandUpstream(principal, registry);
    return { kind: "world", group, request };
  }
  throw notFound(
    `${modulePath} is no module of this group, and its endpoint asks no other registry`,
    "dependency_proxy_disabled",
  );
}

/**
 * What to say of a name of ours that is not there or may not be seen. To the anonymous that is 401, which proxies in front of
 * us take for an error, so it is said only where there is anything that a token would open.
 */
async function nameless(registry: Registry, principal: Principal, modulePath: string): Promise<Failure> {
  if (principal.kind === "anonymous" && !(await hasClosedPackages(registry)))
    return notFound(`${modulePath} is no module of this registry`);
  return hidden(principal, "Module");
}

/** What an endpoint is of. */
export interface SeenView {
  readonly project: ProjectRow | undefined;
  readonly group: GroupRow | undefined;
}

/** Refuses whoever may not use an endpoint at all, for what belongs to no module: checksum databases. */
export async function demandView(registry: Registry, principal: Principal, view: GoView): Promise<SeenView> {
  const group = view.kind === "group" ? await groupOf(registry, principal, view.id) : undefined;
  if (view.kind !== "project") return { project: undefined, group };
  const flags = await loadFlags(registry);
  const project = await findProject(registry, idOf(view.id));
  return { project: demandPackages(principal, project, (one) => isFlagOn(flags, GO_PROXY, one)), group };
}

/** The group of a view, if the principal may see it. */
export async function groupOf(registry: Registry, principal: Principal, id: string): Promise<GroupRow> {
  const wanted = idOf(id);
  const group = typeof wanted === "number" ? await findGroupById(registry, wanted) : await findGroup(registry, wanted);
  return demandGroupSeen(principal, group);
}

/** A number is an id, everything else a full path. */
export function idOf(id: string): number | string {
  return /^\d+$/.test(id) ? Number(id) : id;
}
