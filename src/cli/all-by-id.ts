// Lists that are printed whole are read in numbered pages, so that no statement takes as long as the list is.
import { PAGE_LIMIT } from "../registry/lists/keyset-page.ts";
import type { NumberedPage, NumberedPageRequest } from "../registry/lists/numbered-page.ts";

/** All rows of a list that is sorted by their numbers, ascending. */
export async function allById<R extends { readonly id: number }>(
  read: (numbered: NumberedPageRequest) => Promise<NumberedPage<R>>,
): Promise<R[]> {
  const rows: R[] = [];
  for (let idAfter: number | undefined; ; idAfter = rows.at(-1)!.id) {
    const found = await read({ offset: 0, limit: PAGE_LIMIT, counted: false, idAfter });
    rows.push(...found.rows);
    if (!found.more) return rows;
  }
}
