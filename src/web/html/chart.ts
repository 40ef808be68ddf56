// Bars as a picture that needs no script and no inline style: their places are attributes of SVG, their colour is that of the
// text around. What they show stands in a table as well.
import type { Html } from "./template.ts";
import { html } from "./template.ts";

/** A bar: what it is of, and how high. */
export interface Bar {
  readonly name: string;
  readonly value: number;
}

const WIDTH = 720;
const HEIGHT = 140;
const FOOT = 26;

/** A chart of bars from left to right; `label` says what it shows. */
export function barChart(label: string, bars: readonly Bar[]): Html {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const step = WIDTH / Math.max(1, bars.length);
  const [first, last] = [bars.at(0), bars.at(-1)];
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT + FOOT}" role="img" aria-label="${label}">
${bars.map(({ name, value }, n) => {
  const height = Math.max(value > 0 ? 2 : 0, Math.round((value / most) * (HEIGHT - 16)));
  return html`<rect x="${Math.round(n * step * 10) / 10}" y="${HEIGHT - height}" width="${Math.max(1, Math.round((step - 1.5) * 10) / 10)}" height="${height}" fill="currentColor"><title>${name}: ${value}</title></rect>
`;
})}<line x1="0" y1="${HEIGHT + 0.5}" x2="${WIDTH}" y2="${HEIGHT + 0.5}" stroke="currentColor" stroke-opacity="0.4"></line>
<text x="0" y="${HEIGHT + 20}">${first?.name ?? ""}</text><text x="${WIDTH}" y="${HEIGHT + 20}" text-anchor="end">${last?.name ?? ""}</text><text x="${WIDTH}" y="11" text-anchor="end">most: ${most}</text>
</svg>`;
}
