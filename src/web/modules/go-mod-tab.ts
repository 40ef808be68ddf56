// go.mod as it is, with every requirement a link, and the requirements in a table: what is stored here, what is retracted,
// what is there only for the sake of others.

import type { Requirement } from "../../gomod/go-mod-file.ts";
import { textOfGoMod } from "../../gomod/go-mod-line.ts";
import { latestVersions } from "../../registry/versions/listed-versions.ts";
import { findModules } from "../../registry/versions/modules.ts";
import { readGoMod, readLargeGoMod } from "../../registry/versions/readable-go-mod.ts";
import { goModsOf } from "../../registry/versions/version-rows.ts";
import { banner, mark, nothingYet, table } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import { numberedLines } from "../text/highlighted.ts";
import { type LinkedVersions, linkedVersions } from "./requirement-links.ts";
import type { ShownVersion } from "./shown-version.ts";

const MAX_SHOWN_BYTES = 512 * 1024;
const MAX_LISTED = 1_000;

export async function goModTab(visit: Visit, { module, version }: ShownVersion): Promise<Html> {
  const { registry, at } = visit;
  const bytes = (await goModsOf(registry, [version.id], MAX_SHOWN_BYTES)).get(version.id);
  if (bytes === undefined)
    return nothingYet(
      html`<p>This go.mod is larger than is shown here: <a href="${at.raw(module.path, version.version, "go.mod")}">fetch the file</a>.</p>`,
    );
  if (bytes === null)
    return nothingYet(
      html`<p>The go.mod of this version was not fetched yet: <code>go mod download ${module.path}@${version.version}</code></p>`,
    );
  await readLargeGoMod(bytes);
  const { file, problem } = readGoMod(bytes);
  const requires = file?.requires.slice(0, MAX_LISTED) ?? [];
  const links = await linkedVersions(visit, requires);
  const stored = requires.flatMap((one) => links.stored(one)?.moduleId ?? []);
  const [latest, modules] = await Promise.all([latestVersions(registry, stored), findModules(registry, stored)]);
  const deprecated = new Set(modules.filter((one) => one.deprecated !== null).map(({ id }) => id));
  return html`${problem === undefined ? NOTHING : banner("bad", html`<p>${problem}</p>`)}
${version.legacy ? banner("note", html`<p>The repository has no go.mod at this version: this one is made up, as the go command does.</p>`) : NOTHING}
${numberedLines(
  textOfGoMod(bytes)
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => linkedLine(line, requires, links)),
)}
${
  requires.length === 0
    ? nothingYet(html`<p>It requires no other module.</p>`)
    : table(
        `Requirements${file && file.requires.length > MAX_LISTED ? `, the first ${MAX_LISTED}` : ""}`,
        ["Module", "Version", "What to know", "Latest here"],
        requires.map((one) => {
          const row = links.stored(one);
          const newest = row && latest.get(row.moduleId);
          return [
            html`<span class="mono${one.indirect ? " quiet" : ""}">${links.link(one, one.path)}</span>`,
            html`<span class="mono">${one.version}</span>`,
            [
              one.indirect ? mark("indirect") : NOTHING,
              row === undefined ? mark("not stored here") : NOTHING,
              row?.retracted ? mark("retracted", "bad") : NOTHING,
              row && deprecated.has(row.moduleId) ? mark("deprecated", "warn") : NOTHING,
            ],
            newest === undefined
              ? NOTHING
              : newest.id === row?.id
                ? html`<span class="quiet">this one</span>`
                : html`<a class="mono" href="${at.module(one.path, newest.version)}">${newest.version}</a>`,
          ];
        }),
      )
}`;
}

const REQUIRE_LINE = /^(\s*(?:require\s+)?)([^\s"`()]+)(\s+v\S+)(.*)$/;

/** A line in which a requirement's path is a link. */
function linkedLine(line: string, requires: readonly Requirement[], links: LinkedVersions): Html {
  const [, before, path, version, after] = REQUIRE_LINE.exec(line) ?? [];
  const found =
    path === undefined ? undefined : requires.find((one) => one.path === path && one.version === version?.trim());
  if (!found) return html`${line}`;
  return html`${before}${links.link(found, path)}${version}${after}`;
}
