// What the pages of administrators have in common: that nobody else sees them, and the way from one to another.
import { demandAdministrator } from "../../registry/access/access.ts";
import { tabs } from "../html/pieces.ts";
import { type Html, html } from "../html/template.ts";
import { type Page, page, type Visit } from "../html/visit.ts";

const PARTS = [
  ["", "Overview"],
  ["users", "Users"],
  ["tokens", "Tokens"],
  ["groups", "Groups"],
  ["feature_flags", "Feature flags"],
  ["module_prefixes", "Prefixes"],
  ["policies", "Policies"],
  ["upstreams", "Upstreams"],
  ["mirrors", "Mirrors"],
  ["jobs", "Jobs"],
  ["rejected_tags", "Rejected tags"],
  ["hooks", "Hooks"],
  ["audit", "Audit"],
] as const;

type AdminPart = (typeof PARTS)[number][0];

/** A page of administrators. Throws as for everything that is not for the visitor. */
export function adminPage(visit: Visit, here: AdminPart, content: unknown): Page {
  const { at, principal } = visit;
  demandAdministrator(principal);
  const [, name] = PARTS.find(([part]) => part === here)!;
  return page(
    here === "" ? "Administration" : `${name} · Administration`,
    html`<h1>Administration</h1>
${tabs(
  "Administration",
  PARTS.map(([part, title]) => [title, at.admin(part), part === here] as const),
)}
${content}`,
    { section: "admin" },
  );
}

/** A form that finds by a word. */
export function searchFor(visit: Visit, part: AdminPart, label: string): Html {
  return html`<form class="filters" action="${visit.at.admin(part)}"><div><label for="search">${label}</label><input id="search" name="search" type="search" value="${visit.query.get("search") ?? ""}"></div><div><button type="submit">Find</button></div></form>`;
}
