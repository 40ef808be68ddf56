// How often the zips of a module were downloaded: by week in a chart and in a table beneath it, and by version.
import { downloadDaysOf, downloadedVersions, downloadsOf, lastDownloadsOf } from "../../registry/numbers/downloads.ts";
import { findVersionRows } from "../../registry/versions/version-rows.ts";
import { type Bar, barChart } from "../html/chart.ts";
import { nothingYet, number, table, time } from "../html/pieces.ts";
import { type Html, html } from "../html/template.ts";
import type { Visit } from "../html/visit.ts";
import type { ShownVersion } from "./shown-version.ts";

const WEEKS = 26;
const DAY_MS = 24 * 3_600_000;
const VERSIONS = 20;

export async function downloadsTab({ registry, at }: Visit, { module }: ShownVersion): Promise<Html> {
  const to = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS);
  const from = new Date(to.getTime() - (WEEKS * 7 - 1) * DAY_MS);
  const [total, days, versions] = await Promise.all([
    downloadsOf(registry, "module", [module.id], {}),
    downloadDaysOf(registry, "module", [module.id], { from, to }),
    downloadedVersions(registry, [module.id], {}, VERSIONS),
  ]);
  const all = total.get(module.id) ?? 0n;
  if (all === 0n)
    return nothingYet(html`<p>Nobody downloaded a zip of this module yet. Zips are counted, not go.mod files.</p>`);
  const counted = versions.get(module.id) ?? [];
  const ids = counted.map(({ versionId }) => versionId);
  const [rows, last] = await Promise.all([findVersionRows(registry, ids), lastDownloadsOf(registry, ids)]);
  const names = new Map(rows.map(({ id, version }) => [id, version]));
  const weeks = byWeek(from, days.get(module.id) ?? []);
  return html`<p><span class="big">${number(all)}</span> downloads of zips in all.</p>
<h2 id="weeks">By week</h2>
${barChart(`Downloads in each of the last ${WEEKS} weeks`, weeks)}
<details><summary>The same as a table</summary>
${table(
  "Downloads by week",
  ["Week from", { title: "Downloads", number: true }],
  weeks.filter(({ value }) => value > 0).map(({ name, value }) => [name, number(value)]),
)}
</details>
<h2 id="versions">By version</h2>
${table(
  "The most downloaded versions",
  ["Version", { title: "Downloads", number: true }, "Last"],
  counted.map(({ versionId, count }) => {
    const version = names.get(versionId) ?? "";
    return [
      html`<a class="mono" href="${at.module(module.path, version)}">${version}</a>`,
      number(count),
      time(last.get(versionId)),
    ];
  }),
)}`;
}

function byWeek(from: Date, days: readonly { readonly day: Date; readonly count: bigint }[]): Bar[] {
  const weeks = Array.from({ length: WEEKS }, (_, n) => ({
    name: new Date(from.getTime() + n * 7 * DAY_MS).toISOString().slice(0, 10),
    value: 0,
  }));
  for (const { day, count } of days) {
    const week = weeks[Math.floor((day.getTime() - from.getTime()) / (7 * DAY_MS))];
    if (week) week.value += Number(count);
  }
  return weeks;
}
