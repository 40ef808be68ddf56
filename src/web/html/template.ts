// How pages are written: as tagged templates that escape whatever stands in them (hono/html), so that text of others cannot
// become markup. What is markup already comes from another template. `raw`, the only way around, is used where text of others
// was made safe on purpose (the readme's sanitiser, the highlighter); a test looks that nobody else does.
//
// Attributes always stand in quotation marks, and addresses in them come from addresses.ts or pass externalUrl.
import type { html } from "hono/html";

export { html } from "hono/html";

/** Markup. */
export type Html = ReturnType<typeof html>;

/** Nothing, where markup may stand. */
export const NOTHING = "";

/** An address of others, if it leads to a page: http or https. Undefined for anything else, such as javascript:. */
export function externalUrl(text: string | null | undefined): string | undefined {
  if (text == null || !URL.canParse(text)) return undefined;
  const { protocol, href } = new URL(text);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}
