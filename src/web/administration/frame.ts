// What the pages of administrators have in common: that nobody else sees them, and the way from one to another.
import { demandAdministrator } from "../../registry/access/access.ts";
import { tabs } from "../html/pieces.ts";
import { html } from "../html/template.ts";
import { type Page, page, type Visit } from "../html/visit.ts";

const PARTS = [
  ["", "Overview"],
  ["users", "Users"],
  ["tokens", "Tokens"],
  ["feature_flags", "Feature flags"],
  ["module_prefixes", "Prefixes"],
  ["upstreams", "Upstreams"],
  ["jobs", "Jobs"],
  ["rejected_tags", "Rejected tags"],
  ["audit", "Audit"],
] as const;

export type AdminPart = (typeof PARTS)[number][0];

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
