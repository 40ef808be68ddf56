// What all pages of a version have in common: its name, what to know before using it, and the tabs.
import { splitPathMajor } from "../../gomod/module-path.ts";
import { compare } from "../../gomod/version.ts";
import { mayListModules, mayReadUpstream, maySeeProject } from "../../registry/access/access.ts";
import { ANONYMOUS } from "../../registry/principal.ts";
import { TABS, type Tab } from "../html/addresses.ts";
import { banner, breakable, crumbs, mark, tabs, time } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { type Page, page, type Visit } from "../html/visit.ts";
import type { ShownVersion } from "./shown-version.ts";

const NAMES: Readonly<Record<Tab, string>> = {
  overview: "Overview",
  versions: "Versions",
  gomod: "go.mod",
  buildlist: "Build list",
  importedby: "Required by",
  licenses: "Licences",
  vulnerabilities: "Vulnerabilities",
  downloads: "Downloads",
  provenance: "Provenance",
};

/** The tab that an address asks for; the overview for any other word. */
export function tabAsked({ query }: Visit): Tab {
  return TABS.find((tab) => tab === query.get("tab")) ?? "overview";
}

/** A page of a version: `here` is the tab, or `files` for those beside the tabs. */
export function versionPage(visit: Visit, shown: ShownVersion, here: Tab | "files", content: unknown): Page {
  const { at } = visit;
  const { module, project, version, isNamed, described, directory } = shown;
  const named = isNamed ? version.version : undefined;
  const entries = TABS.map((tab): readonly [string, string, boolean] => [
    NAMES[tab],
    at.module(module.path, named, tab),
    tab === here,
  ]);
  entries.splice(3, 0, ["Files", at.files(module.path, version.version), here === "files"]);
  const name = here === "overview" ? "" : ` · ${here === "files" ? "Files" : NAMES[here]}`;
  const licences = [...new Set(described?.licenses.map(({ spdxId }) => spdxId))].join(", ");
  return page(
    `${module.path} ${version.version}${name}`,
    html`${
      project === undefined
        ? crumbs(["Modules", at.search()], [module.path])
        : crumbs(["Modules", at.search()], [project.fullPath, at.project(project.fullPath)], [module.path])
    }
<h1><span class="mono">${breakable(module.path)}</span></h1>
<ul class="meta">
<li>${version.version}${version.id === shown.latest.id ? html` ${mark("latest", "good")}` : NOTHING}${version.retracted ? html` ${mark("retracted", "bad")}` : NOTHING}${module.deprecated === null ? NOTHING : html` ${mark("deprecated", "warn")}`}</li>
<li>${version.time === null ? html`stored ${time(version.createdAt)}` : html`committed ${time(version.time)}`}</li>
${licences === "" ? NOTHING : html`<li>${licences}</li>`}
${project === undefined ? html`<li>from upstream</li>` : NOTHING}
</ul>
${bannersOf(visit, shown)}
${tabs("Of the version", entries)}
${directory === "" ? NOTHING : html`<h2 class="mono">${breakable(`${module.path}/${directory}`)}</h2>`}
${content}`,
    {
      section: "modules",
      feed: at.at(`/-/go/${module.path}.atom`),
      permalink: permalinkOf(visit, shown, here),
      description: isOpen(visit, shown)
        ? project?.description || `The Go module ${module.path}, version ${version.version}.`
        : undefined,
    },
  );
}

function permalinkOf(visit: Visit, { module, version, directory }: ShownVersion, here: Tab | "files"): string {
  const { at } = visit;
  if (here === "files") return at.at(visit.path);
  if (here !== "overview") return at.module(module.path, version.version, here);
  return at.package(module.path, version.version, directory);
}

/** Whether everybody may see it, so that chats and search engines may be told what it is. */
function isOpen({ registry }: Visit, { project }: ShownVersion): boolean {
  return project === undefined
    ? mayReadUpstream(ANONYMOUS, registry)
    : maySeeProject(ANONYMOUS, project) && mayListModules(ANONYMOUS, project);
}

function bannersOf({ at }: Visit, { module, version, latest, otherMajors, isNamed }: ShownVersion): Html[] {
  const banners: Html[] = [];
  if (module.deprecated !== null)
    banners.push(banner("warn", html`<p><strong>This module is deprecated.</strong> ${module.deprecated}</p>`));
  if (version.retracted)
    banners.push(
      banner(
        "bad",
        html`<p><strong>This version is retracted.</strong> ${version.retractRationale ?? "Its author gave no reason."}</p>`,
      ),
    );
  if (isNamed && version.id !== latest.id) {
    const older = compare(version.version, latest.version) < 0;
    banners.push(
      banner(
        "note",
        html`<p>${older ? "This is not the latest version." : "The latest version that go chooses is another one."} It is <a href="${at.module(module.path)}">${latest.version}</a>.</p>`,
      ),
    );
  }
  const higher = otherMajors.filter((other) => majorOf(other.path) > majorOf(module.path)).at(-1);
  if (higher)
    banners.push(
      banner(
        "note",
        html`<p>There is a higher major version: <a class="mono" href="${at.module(higher.path)}">${higher.path}</a>.</p>`,
      ),
    );
  return banners;
}

/** The number in the major suffix of a module path; 1 without one. */
function majorOf(path: string): number {
  const digits = /\d+/.exec(splitPathMajor(path)?.pathMajor ?? "")?.[0];
  return digits === undefined ? 1 : Number(digits);
}
