// What the instance holds and does, in numbers; and its checksum database.
import { demandAdministrator } from "../../registry/access/access.ts";
import type { CountedDay } from "../../registry/numbers/downloads.ts";
import { answerDays, downloadDays, publicationDays, storageByOrigin } from "../../registry/numbers/statistics.ts";
import { barChart } from "../html/chart.ts";
import { banner, facts, lines, number, size, table } from "../html/pieces.ts";
import { html, NOTHING } from "../html/template.ts";
import type { Show } from "../html/visit.ts";
import { adminPage } from "./frame.ts";

const DAYS = 30;
const DAY_MS = 24 * 3_600_000;

export const showOverview: Show = async (visit) => {
  const { registry, principal, parts } = visit;
  demandAdministrator(principal);
  const to = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS);
  const from = new Date(to.getTime() - (DAYS - 1) * DAY_MS);
  const period = { from, to };
  const [storage = [], downloads = [], published = [], answers = []] = await Promise.all([
    storageByOrigin(registry, principal),
    downloadDays(registry, principal, period),
    publicationDays(registry, principal, period),
    answerDays(registry, principal, period),
  ]);
  const sum = (of: (day: (typeof answers)[number]) => bigint): bigint =>
    answers.reduce((all, day) => all + of(day), 0n);
  const { memory, stored, upstream } = {
    memory: sum((day) => day.memory),
    stored: sum((day) => day.stored),
    upstream: sum((day) => day.upstream),
  };
  const { name, key, records, closed } = await parts.checksumDatabase();
  return adminPage(
    visit,
    "",
    html`<h2 id="storage">Storage</h2>
${table(
  "What is stored, by origin",
  ["Origin", { title: "Modules", number: true }, { title: "Versions", number: true }, { title: "Zips", number: true }],
  storage.map((row) => [
    row.origin === "HOSTED" ? "projects here" : "upstream",
    number(row.modules),
    number(row.versions),
    size(row.bytes),
  ]),
)}
<h2 id="downloads">Downloads of zips, by day</h2>
${barChart(`Downloads of zips in each of the last ${DAYS} days`, byDay(from, downloads))}
<h2 id="published">Versions that were published, by day</h2>
${barChart(`Versions published in each of the last ${DAYS} days`, byDay(from, published))}
<h2 id="answers">Where answers came from, in ${DAYS} days</h2>
${facts(["Memory", number(memory)], ["Stored", number(stored)], ["Upstream asked", number(upstream)])}
<h2 id="sumdb">Checksum database</h2>
${closed === undefined ? NOTHING : banner("bad", html`<p>Nothing is signed any more: ${closed}</p>`)}
${facts(["Name", html`<code>${name}</code>`], ["Records", number(records)])}
${lines(`GOSUMDB=${key}`)}`,
  );
};

function byDay(from: Date, days: readonly CountedDay[]) {
  const counts = new Map(days.map(({ day, count }) => [day.toISOString().slice(0, 10), Number(count)]));
  return Array.from({ length: DAYS }, (_, n) => {
    const name = new Date(from.getTime() + n * DAY_MS).toISOString().slice(0, 10);
    return { name, value: counts.get(name) ?? 0 };
  });
}
