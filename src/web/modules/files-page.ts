// The files of a version: a directory with what is in it, or a file with numbered lines. They are read out of the version's
// zip, a directory and a file at a time. Any selection of files can be had as a zip.
import { notFound } from "../../errors.ts";
import {
  filesOf,
  findFile,
  MAX_FILE_BYTES,
  type ModuleFile,
  readFile,
  textOfFile,
} from "../../registry/modules/module-files.ts";
import { nothingYet, size, table } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import type { Show, Visit } from "../html/visit.ts";
import { highlightedLines, numberedLines } from "../text/highlighted.ts";
import { versionPage } from "./frame.ts";
import { demandShown, type ShownVersion, zipOfShown } from "./shown-version.ts";

/** Entries of a directory that are shown, and files that can be chosen. */
const MAX_ENTRIES = 2_000;

export const showFiles: Show = async (visit) => {
  const { registry } = visit;
  const shown = await demandShown(visit, visit.named.address!);
  const zip = await zipOfShown(visit, shown);
  const path = shown.directory;
  const file = path === "" ? undefined : await findFile(registry, zip, path);
  if (file) return versionPage(visit, { ...shown, directory: "" }, "files", await filePage(visit, shown, file));
  const start = path === "" ? "" : `${path}/`;
  const files = (await filesOf(registry, zip)).filter((one) => one.path.startsWith(start));
  if (files.length === 0) throw notFound(`there is no file ${path} in ${shown.module.path}@${shown.version.version}`);
  return versionPage(visit, { ...shown, directory: "" }, "files", directoryPage(visit, shown, path, files));
};

function directoryPage(visit: Visit, shown: ShownVersion, path: string, files: readonly ModuleFile[]): Html {
  const { at } = visit;
  const { module, version } = shown;
  const start = path === "" ? 0 : path.length + 1;
  const directories = new Map<string, number>();
  const here: ModuleFile[] = [];
  for (const file of files) {
    const slash = file.path.indexOf("/", start);
    if (slash < 0) here.push(file);
    else {
      const name = file.path.slice(start, slash);
      directories.set(name, (directories.get(name) ?? 0) + 1);
    }
  }
  const address = (name: string): string =>
    at.files(module.path, version.version, path === "" ? name : `${path}/${name}`);
  const total = files.reduce((bytes, file) => bytes + file.size, 0n);
  const rows = [
    ...[...directories].map(([name, count]) => [
      NOTHING,
      html`<a class="mono" data-jump href="${address(name)}">${name}/</a>`,
      `${count} files`,
    ]),
    ...here.map((file) => {
      const name = file.path.slice(start);
      return [
        html`<input type="checkbox" name="file" value="${file.path}" aria-label="Choose ${name}">`,
        html`<a class="mono" data-jump href="${address(name)}">${name}</a>`,
        size(file.size),
      ];
    }),
  ];
  return html`${trail(visit, shown, path)}
<p class="quiet">${files.length} files with ${size(total)} at or below here.</p>
<form action="${at.zip(module.path, version.version)}">
${table(
  rows.length > MAX_ENTRIES ? `Files, the first ${MAX_ENTRIES}` : "Files",
  ["Choose", "Name", { title: "Size", number: true }],
  rows.slice(0, MAX_ENTRIES),
)}
<input type="hidden" name="under" value="${path}">
<p class="row"><button type="submit">Chosen files as a zip</button> <button type="submit" name="all" value="true">Everything from here as a zip</button></p>
</form>`;
}

async function filePage(visit: Visit, shown: ShownVersion, file: ModuleFile): Promise<Html> {
  const { registry, at } = visit;
  const { module, version } = shown;
  const isCut = Number(file.size) > MAX_FILE_BYTES;
  const text = textOfFile(await readFile(registry, file), isCut);
  return html`${trail(visit, shown, file.path)}
<p class="quiet">${size(file.size)} · <a href="${at.raw(module.path, version.version, file.path)}">as it is</a></p>
${
  text === undefined
    ? nothingYet(html`<p>This file is no text.</p>`)
    : html`${isCut ? html`<p class="quiet">The first ${size(MAX_FILE_BYTES)} of it.</p>` : NOTHING}${numberedLines(await highlightedLines(file.path, text))}`
}`;
}

/** The path of a file or directory, each element a link. */
function trail({ at }: Visit, { module, version }: ShownVersion, path: string): Html {
  const elements = path === "" ? [] : path.split("/");
  const steps = elements.map((element, n) => {
    const to = at.files(module.path, version.version, elements.slice(0, n + 1).join("/"));
    return html`/<a href="${to}">${element}</a>`;
  });
  return html`<h2 class="mono"><a href="${at.files(module.path, version.version)}">${version.version}</a>${steps}</h2>`;
}
