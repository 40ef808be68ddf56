// Of what settings are: a project, a group, or the whole instance; and the frame around their pages. A part that the visitor may
// not look at has no tab, and its address answers as for everything that one may not do.
import { mayAct, mayGroupAct } from "../../registry/access/access.ts";
import type { GroupRow, ProjectRow } from "../../registry/rows.ts";
import { adminPage } from "../administration/frame.ts";
import { framedGroup, groupAsked } from "../forge/group.ts";
import { framed, projectAsked } from "../forge/project.ts";
import { tabs } from "../html/pieces.ts";
import { html } from "../html/template.ts";
import type { Page, Visit } from "../html/visit.ts";

/** A project or a group. */
export type Owner = { readonly project: ProjectRow } | { readonly group: GroupRow };
export type OwnerOrInstance = Owner | "instance";

type Part = "edit" | "mirror" | "protected_tags" | "deploy_tokens" | "trusts" | "hooks" | "policies" | "advisories";

const NAMES: Readonly<Record<Part, string>> = {
  edit: "General",
  mirror: "Mirror",
  protected_tags: "Protected tags",
  deploy_tokens: "Deploy tokens",
  trusts: "Trusted CI jobs",
  hooks: "Hooks",
  policies: "Policies",
  advisories: "Advisories",
};

/** The project or the group that the address names. Throws not-found as for everything that one may not see. */
export async function ownerAsked(visit: Visit): Promise<Owner> {
  return visit.named.project === undefined
    ? { group: await groupAsked(visit) }
    : { project: await projectAsked(visit) };
}

/** What the address names; neither a project nor a group: the instance. */
export async function placeAsked(visit: Visit): Promise<OwnerOrInstance> {
  return visit.named.project === undefined && visit.named.group === undefined ? "instance" : ownerAsked(visit);
}

/** Where a part of the settings is, or what is below it. */
export function partAddress({ at }: Visit, place: OwnerOrInstance, part: string): string {
  if (place === "instance") return at.admin(part);
  return "project" in place ? at.projectPart(place.project.fullPath, part) : at.groupPart(place.group.fullPath, part);
}

/** What a place is, in a sentence. */
export function nameOfPlace(place: OwnerOrInstance): string {
  if (place === "instance") return "this server";
  return "project" in place ? `the project ${place.project.fullPath}` : `the group ${place.group.fullPath}`;
}

/** A page of settings. */
export function settingsPage(visit: Visit, place: OwnerOrInstance, here: Part, content: unknown): Page {
  if (place === "instance") return adminPage(visit, here === "policies" ? here : "hooks", content);
  const entries = partsOf(visit, place).map(
    (part) => [NAMES[part], partAddress(visit, place, part), part === here] as const,
  );
  const whole = html`${tabs("Settings", entries)}
${content}`;
  return "project" in place
    ? framed(visit, place.project, "settings", whole, NAMES[here])
    : framedGroup(visit, place.group, "settings", whole, NAMES[here]);
}

function partsOf({ principal }: Visit, owner: Owner): readonly Part[] {
  if ("project" in owner) {
    const { project } = owner;
    return [
      ...(mayAct(principal, "project.update", project) ? (["edit", "mirror"] as const) : []),
      ...(mayAct(principal, "protected-tag.list", project) ? (["protected_tags"] as const) : []),
      ...(mayAct(principal, "token.list", project) ? (["deploy_tokens", "trusts", "hooks"] as const) : []),
      ...(mayAct(principal, "advisory.create", project) ? (["advisories"] as const) : []),
    ];
  }
  const { group } = owner;
  return [
    ...(mayGroupAct(principal, "group.update", group) ? (["edit"] as const) : []),
    ...(mayGroupAct(principal, "token.list", group) ? (["deploy_tokens", "trusts"] as const) : []),
    ...(mayGroupAct(principal, "hook.list", group) ? (["hooks"] as const) : []),
    ...(mayGroupAct(principal, "policy.list", group) ? (["policies"] as const) : []),
  ];
}
