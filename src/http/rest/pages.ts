// Pages of lists, as GitLab's REST has them (doc/api/rest, "Pagination"). By number: X-Total and its kin, and one Link
// header. By position (pagination=keyset): the next page is told by the number of the last row, there is nothing but the
// link to it, and every page costs the same. Addresses in Link begin with the address that the client used, keep every
// parameter that was given, and hold no comma or semicolon, because GitLab's Go client splits the header there.
import type { Context } from "koa";
import { PAGE_DEFAULT, PAGE_LIMIT } from "../../registry/lists/keyset-page.ts";
import type { NumberedPage, NumberedPageRequest } from "../../registry/lists/numbered-page.ts";
import { choice, integer } from "./parameter.ts";

const NUMBERED = {
  page: integer(1).default(1).describe("Which page, from 1 on"),
  per_page: integer(1)
    .default(PAGE_DEFAULT)
    .describe(`How many rows to a page; more than ${PAGE_LIMIT} count as ${PAGE_LIMIT}`),
};

const KEYSET = {
  pagination: choice(["keyset", "legacy", "offset"]).optional().describe("keyset: pages by position, with order_by=id"),
  id_after: integer().optional().describe("Only rows with larger numbers"),
  id_before: integer().optional().describe("Only rows with smaller numbers"),
};

/** The parameters that every list has. */
export const PAGE_PARAMETERS = { none: {}, numbered: NUMBERED, keyset: { ...NUMBERED, ...KEYSET } };

/** The page that was asked for. */
export interface PageAsked {
  readonly numbered: NumberedPageRequest;
  readonly page: number;
  readonly perPage: number;
  /** Of pages by position, which way the numbers of the rows run. */
  readonly keyset: "asc" | "desc" | undefined;
}

/** Reads which page it is; gives the sentence for `error` when it cannot be by position. Sets order_by for those. */
export function pageOf(values: Record<string, unknown>, orderByGiven: boolean): PageAsked | { readonly error: string } {
  const page = values.page as number;
  const perPage = Math.min(values.per_page as number, PAGE_LIMIT);
  const ids = { idAfter: values.id_after as number | undefined, idBefore: values.id_before as number | undefined };
  if (values.pagination !== "keyset") {
    const numbered = { offset: (page - 1) * perPage, limit: perPage, counted: true, ...ids };
    return { numbered, page, perPage, keyset: undefined };
  }
  if (orderByGiven && values.order_by !== "id") return { error: "order_by does not have a valid value" };
  values.order_by = "id";
  const numbered = { offset: 0, limit: perPage, counted: false, ...ids };
  return { numbered, page: 1, perPage, keyset: values.sort === "asc" ? "asc" : "desc" };
}

/** Writes the headers of a page. `base`: the address that the client uses. */
export function setPageHeaders(ctx: Context, base: string, asked: PageAsked, found: NumberedPage<unknown>): void {
  const linkTo = linksOf(ctx, base, asked);
  const { page, perPage } = asked;
  if (asked.keyset) {
    const last = found.rows.at(-1) as { id: number } | undefined;
    const position = asked.keyset === "asc" ? "id_after" : "id_before";
    if (found.more && last) ctx.set("Link", linkTo("next", { [position]: last.id }));
    return;
  }
  const pages = found.total === undefined ? undefined : Math.max(1, Math.ceil(found.total / perPage));
  const next = found.more ? page + 1 : undefined;
  const previous = page > 1 && (pages === undefined || page <= pages + 1) ? page - 1 : undefined;
  if (found.total !== undefined) {
    ctx.set("X-Total", String(found.total));
    ctx.set("X-Total-Pages", String(pages));
  }
  ctx.set("X-Per-Page", String(perPage));
  ctx.set("X-Page", String(page));
  ctx.set("X-Next-Page", next === undefined ? "" : String(next));
  ctx.set("X-Prev-Page", previous === undefined ? "" : String(previous));
  const links = [
    ...(previous === undefined ? [] : [linkTo("prev", { page: previous })]),
    ...(next === undefined ? [] : [linkTo("next", { page: next })]),
    linkTo("first", { page: 1 }),
    ...(pages === undefined ? [] : [linkTo("last", { page: pages })]),
  ];
  ctx.set("Link", links.join(", "));
}

type LinkTo = (rel: string, changed: Readonly<Record<string, number>>) => string;

function linksOf(ctx: Context, base: string, { perPage, keyset }: PageAsked): LinkTo {
  const path = ctx.path.replace(/[,;<>"]/g, (sign) => encodeURIComponent(sign));
  const given = [...new URLSearchParams(ctx.querystring)];
  return (rel, changed) => {
    const fixed: Record<string, number> = { ...changed, per_page: perPage };
    const kept = given.filter(([name]) => !(name in fixed) && !(keyset && name === "page"));
    const all = [...kept, ...Object.entries(fixed)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const query = all.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
    return `<${base}${path}?${query}>; rel="${rel}"`;
  };
}
