// What a go.mod file names, looked up: which versions are stored here and may be read, and where people read about the rest
// (elsewhere.ts).
import type { ModuleVersionName } from "../../gomod/module-graph.ts";
import { readableVersions, versionName } from "../../registry/modules/readable-by-name.ts";
import type { VersionRow } from "../../registry/rows.ts";
import { type Html, html } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import { elsewhereFor } from "./elsewhere.ts";

/** Links to versions, by name. */
export interface LinkedVersions {
  /** The row of a version that is stored here and may be read. */
  stored(name: ModuleVersionName): VersionRow | undefined;
  /** Text as a link to a version, if there is anywhere to go. */
  link(name: ModuleVersionName, text: unknown): Html;
}

/** Looks names up, all at once. */
export async function linkedVersions(visit: Visit, names: readonly ModuleVersionName[]): Promise<LinkedVersions> {
  const { registry, principal, at } = visit;
  const found = names.length === 0 ? new Map<string, VersionRow>() : await readableVersions(registry, principal, names);
  const elsewhere = await elsewhereFor(visit);
  return {
    stored: (name) => found.get(versionName(name)),
    link(name, text) {
      if (found.has(versionName(name))) return html`<a href="${at.module(name.path, name.version)}">${text}</a>`;
      const to = elsewhere(name.path, name.version);
      return to === undefined ? html`${text}` : html`<a href="${to}" rel="nofollow noopener">${text}</a>`;
    },
  };
}
