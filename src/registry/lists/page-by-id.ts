// One search for both kinds of pages: what REST reads in numbered pages (numbered-page.ts), GraphQL reads by position
// (keyset-page.ts), as long as it is sorted by the number of the row.
import { type KeysetPage, keysetPage, type Order, type PageRequest } from "./keyset-page.ts";
import type { NumberedPage, NumberedPageRequest } from "./numbered-page.ts";

/** A page by position of a list that can be read in numbered pages, the lowest number first. */
export function pageById<Row extends { readonly id: number }>(
  request: PageRequest,
  search: (
    order: { readonly by: "id"; readonly sort: Order },
    numbered: NumberedPageRequest,
  ) => Promise<NumberedPage<Row>>,
): Promise<KeysetPage<Row>> {
  return keysetPage<Row, number>(request, {
    keyType: "number",
    order: "asc",
    key: (row) => row.id,
    async read({ gt, lt }, sort, take) {
      const numbered = { offset: 0, limit: take, counted: false, idAfter: gt, idBefore: lt };
      return [...(await search({ by: "id", sort }, numbered)).rows];
    },
  });
}
