// What changed between two versions of a module: among its requirements, in its API (api-changed.ts), and file by file with
// the lines of texts.
import { structuredPatch } from "diff";
import { everybodysTurn } from "../../concurrency/turns.ts";
import { isFailure, notFound } from "../../errors.ts";
import { zipWithFiles } from "../../git/indexing/version-files.ts";
import { requirementDiff } from "../../gomod/requirement-diff.ts";
import {
  compareFiles,
  type FileChange,
  type FileDiff,
  MAX_FILE_BYTES,
  readFile,
  textOfFile,
} from "../../registry/modules/module-files.ts";
import type { ModuleRow, VersionRow } from "../../registry/rows.ts";
import { readGoMod, readLargeGoMod } from "../../registry/versions/readable-go-mod.ts";
import { goModsOf, versionsInModules } from "../../registry/versions/version-rows.ts";
import { breakable, crumbs, howMany, mark, nothingYet, size, table } from "../html/pieces.ts";
import { type Html, html, NOTHING } from "../html/template.ts";
import { page, type Show, type Visit } from "../html/visit.ts";
import { apiChanged } from "./api-changed.ts";
import { demandModule } from "./find-module.ts";

/** Files whose lines are shown; of the others only that they changed. */
const MAX_SHOWN = 60;
const MAX_SHOWN_BYTES = 2 * 1024 * 1024;
const MAX_LINES = 1_500;
const CONTEXT_LINES = 3;
/** The differences of one file are looked for so long, those of all of a page so long, and up to so many. */
const MAX_FILE_MS = 200;
const MAX_PAGE_MS = 1_000;
const MAX_EDITS = 5_000;
const MAX_GO_MOD_BYTES = 4 * 1024 * 1024;

export const showDiff: Show = async (visit) => {
  const { registry, named, at, parts } = visit;
  const { module } = await demandModule(visit, named.module!);
  const [from, to] = [named.from!, named.to!];
  const rows = await versionsInModules(
    registry,
    [from, to].map((version) => ({ moduleId: module.id, version })),
  );
  const [before, after] = [from, to].map((version) => rows.get(`${module.id} ${version}`));
  if (!before || !after) throw notFound(`there is no version ${before ? to : from} of ${module.path}`);
  const zips = await Promise.all([before, after].map((row) => zipWithFiles(parts.archives, module, row))).catch(
    (error: unknown) => {
      if (isFailure(error)) return error.message;
      throw error;
    },
  );
  return page(
    `${from}...${to} · ${module.path}`,
    html`${crumbs(["Modules", at.search()], [module.path, at.module(module.path)], [`${from}...${to}`])}
<h1><span class="mono">${breakable(module.path)}</span></h1>
<p>From <a class="mono" href="${at.module(module.path, from)}">${from}</a> to <a class="mono" href="${at.module(module.path, to)}">${to}</a> · <a href="${at.diff(module.path, to, from)}">the other way round</a></p>
<h2 id="requirements">Requirements</h2>
${await requirementsChanged(visit, before, after)}
${
  typeof zips === "string"
    ? nothingYet(html`<p>${zips}</p>`)
    : html`<h2 id="api">API</h2>
${await apiChanged(visit, module, { row: before, from: zips[0]! }, { row: after, from: zips[1]! })}
<h2 id="files">Files</h2>
${await filesChanged(visit, module, before, after, await compareFiles(registry, zips[0]!, zips[1]!))}`
}`,
    { section: "modules" },
  );
};

async function requirementsChanged({ registry }: Visit, before: VersionRow, after: VersionRow): Promise<Html> {
  const mods = await goModsOf(registry, [before.id, after.id], MAX_GO_MOD_BYTES);
  for (const bytes of mods.values()) if (bytes) await readLargeGoMod(bytes);
  const [old, now] = [before, after].map(({ id }) => {
    const bytes = mods.get(id);
    return bytes ? readGoMod(bytes).file : undefined;
  });
  if (!old || !now) return nothingYet(html`<p>One of the two go.mod files is not stored, or cannot be read.</p>`);
  const { added, removed, changed } = requirementDiff(old.requires, now.requires);
  const goLine = old.go === now.go ? NOTHING : html`<p>go ${old.go ?? "none"} → ${now.go ?? "none"}</p>`;
  const rows = [
    ...added.map((one) => [mark("added", "good"), one.path, NOTHING, one.version]),
    ...removed.map((one) => [mark("removed", "bad"), one.path, one.version, NOTHING]),
    ...changed.map((one) => [
      one.from === one.to
        ? mark(one.toIndirect ? "indirect now" : "direct now")
        : one.upgrade
          ? mark("up")
          : mark("down", "warn"),
      ...[one.path, one.from, one.to],
    ]),
  ];
  if (rows.length === 0) return html`${goLine}<p class="quiet">No requirement changed.</p>`;
  return html`${goLine}${table("Requirements that changed", ["What", "Module", "From", "To"], rows)}`;
}

async function filesChanged(
  visit: Visit,
  module: ModuleRow,
  before: VersionRow,
  after: VersionRow,
  { added, removed, changed, truncated }: FileDiff,
): Promise<Html> {
  const { at } = visit;
  const total = added.length + removed.length + changed.length;
  if (total === 0) return html`<p class="quiet">No file changed.</p>`;
  const address = (row: VersionRow, path: string): string => at.files(module.path, row.version, path);
  const rows = [
    ...changed.map(({ path, from, to }) => [
      mark("changed"),
      html`<a class="mono" href="#${anchor(path)}">${path}</a>`,
      `${size(from.size)} → ${size(to.size)}`,
    ]),
    ...added.map((file) => [
      mark("added", "good"),
      html`<a class="mono" href="${address(after, file.path)}">${file.path}</a>`,
      size(file.size),
    ]),
    ...removed.map((file) => [
      mark("removed", "bad"),
      html`<a class="mono" href="${address(before, file.path)}">${file.path}</a>`,
      size(file.size),
    ]),
  ];
  let bytesLeft = MAX_SHOWN_BYTES;
  const time = { leftMs: MAX_PAGE_MS };
  const shown: Html[] = [];
  for (const [n, change] of changed.entries()) {
    bytesLeft -= Number(change.from.size) + Number(change.to.size);
    const content =
      n >= MAX_SHOWN || bytesLeft < 0 || time.leftMs <= 0
        ? html`<p class="quiet">Not shown here any more.</p>`
        : await linesChanged(visit, change, time);
    shown.push(
      html`<section aria-labelledby="${anchor(change.path)}"><h3 class="mono" id="${anchor(change.path)}"><a href="${address(after, change.path)}">${change.path}</a></h3>${content}</section>`,
    );
  }
  return html`<p>${howMany(total, "file")}${truncated ? ", and more that are not listed" : ""}.</p>
${table("Files that changed", ["What", "File", "Size"], rows)}
${shown}`;
}

const anchor = (path: string): string => `file-${Buffer.from(path).toString("base64url")}`;

async function linesChanged(
  { registry }: Visit,
  { from, to, path }: FileChange,
  time: { leftMs: number },
): Promise<Html> {
  if (from.size > MAX_FILE_BYTES || to.size > MAX_FILE_BYTES)
    return html`<p class="quiet">Too large to be compared line by line.</p>`;
  const [old, now] = [
    textOfFile(await readFile(registry, from), false),
    textOfFile(await readFile(registry, to), false),
  ];
  if (old === undefined || now === undefined) return html`<p class="quiet">No text.</p>`;
  await everybodysTurn();
  const begun = performance.now();
  const timeout = Math.min(MAX_FILE_MS, time.leftMs);
  const options = { context: CONTEXT_LINES, timeout, maxEditLength: MAX_EDITS };
  const patch = structuredPatch(path, path, old, now, undefined, undefined, options);
  time.leftMs -= performance.now() - begun;
  if (!patch) return html`<p class="quiet">So much changed that it is not compared line by line.</p>`;
  const lines = patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines: changed }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...changed,
  ]);
  return html`<pre class="source" tabindex="0"><code>${lines.slice(0, MAX_LINES).map(
    (line) => html`<span class="l ${kindOf(line)}">${line}
</span>`,
  )}</code></pre>${lines.length > MAX_LINES ? html`<p class="quiet">The first ${MAX_LINES} lines of it.</p>` : NOTHING}`;
}

function kindOf(line: string): string {
  if (line.startsWith("@@")) return "hunk";
  return line.startsWith("+") ? "add" : line.startsWith("-") ? "del" : "";
}
