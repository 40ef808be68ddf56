// Pages of a list, over a list in memory: what is asked of `read` is what a database would be asked.
import { describe, expect, test } from "vitest";
import {
  checkPageSize,
  isId,
  type KeyBounds,
  type KeysetPage,
  keysetPage,
  keysetPages,
  type Order,
  PAGE_DEFAULT,
  PAGE_LIMIT,
  type PageRequest,
} from "../../../src/registry/lists/keyset-page.ts";

interface Row {
  readonly id: number;
  readonly list: number;
}

const rows: readonly Row[] = Array.from({ length: 25 }, (_, n) => ({ id: n + 1, list: n % 2 }));

/** What a database does with bounds, order and limit. */
function rowsWithin(of: readonly Row[], { gt, lt }: KeyBounds<number>, order: Order, take: number): Row[] {
  const within = of.filter(({ id }) => (gt === undefined || id > gt) && (lt === undefined || id < lt));
  return within.sort((a, b) => (order === "asc" ? a.id - b.id : b.id - a.id)).slice(0, take);
}

function page(request: PageRequest, order: Order = "asc"): Promise<KeysetPage<Row>> {
  return keysetPage<Row, number>(request, {
    keyType: "number",
    order,
    key: ({ id }) => id,
    read: async (bounds, direction, take) => rowsWithin(rows, bounds, direction, take),
  });
}

const ids = ({ rows: found }: KeysetPage<Row>): number[] => found.map(({ id }) => id);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

async function cursor(id: number): Promise<string> {
  const one = await page({ first: PAGE_LIMIT });
  return one.cursorOf(one.rows.find((row) => row.id === id)!);
}

describe.each(["asc", "desc"] as const)("a list that runs %s", (order) => {
  const all = order === "asc" ? range(1, 25) : range(1, 25).reverse();

  test("forwards, every row comes once and in order", async () => {
    const seen: number[] = [];
    let after: string | undefined;
    for (;;) {
      const one = await page({ first: 10, after }, order);
      seen.push(...ids(one));
      expect(one.hasPreviousPage).toBe(after !== undefined);
      expect(one.hasNextPage).toBe(seen.length < 25);
      if (!one.hasNextPage) break;
      after = one.cursorOf(one.rows.at(-1)!);
    }
    expect(seen).toEqual(all);
  });

  test("backwards too, each page in the order of the list", async () => {
    const seen: number[] = [];
    let before: string | undefined;
    for (;;) {
      const one = await page({ last: 10, before }, order);
      seen.unshift(...ids(one));
      expect(one.hasNextPage).toBe(before !== undefined);
      expect(one.hasPreviousPage).toBe(seen.length < 25);
      if (!one.hasPreviousPage) break;
      before = one.cursorOf(one.rows[0]!);
    }
    expect(seen).toEqual(all);
  });

  test("between two cursors, from either end; neither row is included", async () => {
    const [after, before] = [await cursor(order === "asc" ? 5 : 21), await cursor(order === "asc" ? 21 : 5)];
    const between = order === "asc" ? range(6, 20) : range(6, 20).reverse();
    expect(ids(await page({ first: 100, after, before }, order))).toEqual(between);
    expect(ids(await page({ first: 3, after, before }, order))).toEqual(between.slice(0, 3));
    expect(ids(await page({ last: 3, after, before }, order))).toEqual(between.slice(-3));
  });
});

test("without a size it is the default one", async () => {
  expect((await page({})).rows).toHaveLength(PAGE_DEFAULT);
  expect((await page({ first: null, after: null, last: null, before: null })).rows).toHaveLength(PAGE_DEFAULT);
});

test("a page of none tells only whether there is more", async () => {
  expect(await page({ first: 0 })).toMatchObject({ rows: [], hasNextPage: true, hasPreviousPage: false });
});

test("a page that ends exactly at the end has no next one", async () => {
  expect(await page({ first: 25 })).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
  expect(await page({ first: 24 })).toMatchObject({ hasNextPage: true });
});

test("a row that is gone is a place all the same", async () => {
  const gone = Buffer.from("17").toString("base64url"); // as the cursor of a row 17 that was deleted
  expect(ids(await page({ first: 2, after: gone }))).toEqual([18, 19]);
});

describe("what cannot be asked is refused", () => {
  test.each([-1, 1.5, PAGE_LIMIT + 1, Number.NaN, Number.MAX_SAFE_INTEGER])("a size of %s", async (size) => {
    await expect(page({ first: size })).rejects.toMatchObject({ kind: "invalid" });
    await expect(page({ last: size })).rejects.toMatchObject({ kind: "invalid" });
    expect(() => checkPageSize(size)).toThrow();
  });

  test("both ways at once", async () => {
    await expect(page({ first: 1, last: 1 })).rejects.toMatchObject({ kind: "invalid" });
  });

  const base64 = (text: string): string => Buffer.from(text).toString("base64url");
  test.each([
    "",
    "!!",
    base64("{}"),
    base64('"text"'),
    base64("1.5"),
    base64("-3"),
    base64("1e99"),
    base64("null"),
    base64("[1]"),
    "x".repeat(10_000),
  ])("the cursor %s in a list of numbers", async (bad) => {
    await expect(page({ after: bad })).rejects.toMatchObject({ kind: "invalid" });
    await expect(page({ before: bad })).rejects.toMatchObject({ kind: "invalid" });
    // told without repeating 10 kB of it
    await expect(page({ after: bad })).rejects.toThrow(/^"[^"]{0,40}" is no cursor of this list$/s);
  });

  test.each([base64("1"), base64('"a\\u0000b"'), base64("true")])("the cursor %s in a list of texts", async (bad) => {
    const texts = keysetPage<{ key: string }, string>(
      { after: bad },
      { keyType: "string", order: "asc", key: ({ key }) => key, read: async () => [] },
    );
    await expect(texts).rejects.toMatchObject({ kind: "invalid" });
  });
});

test("a cursor holds any text", async () => {
  for (const key of ["", "a/b", 'quo"te', "ünï", "\u{1f600}", "x".repeat(2_000)]) {
    const asked: KeyBounds<string>[] = [];
    const texts = (after?: string) =>
      keysetPage<{ key: string }, string>(
        { after },
        {
          keyType: "string",
          order: "asc",
          key: (row) => row.key,
          read: async (bounds) => {
            asked.push({ ...bounds });
            return [{ key }];
          },
        },
      );
    const first = await texts();
    await texts(first.cursorOf(first.rows[0]!));
    expect(asked).toEqual([{}, { gt: key }]);
  }
});

test("the same page of many lists, by one reading", async () => {
  let readings = 0;
  const pages = await keysetPages<Row, number>({ first: 3 }, [0, 1, 7], {
    keyType: "number",
    order: "desc",
    key: ({ id }) => id,
    listOf: ({ list }) => list,
    read: async (lists, bounds, order, take) => {
      readings++;
      return lists.flatMap((list) =>
        rowsWithin(
          rows.filter((row) => row.list === list),
          bounds,
          order,
          take,
        ),
      );
    },
  });
  expect(readings).toBe(1);
  expect([...pages].map(([list, one]) => [list, ids(one), one.hasNextPage])).toEqual([
    [0, [25, 23, 21], true],
    [1, [24, 22, 20], true],
    [7, [], false],
  ]);
});

test("ids are positive and fit the database's integer", () => {
  expect([1, 2_147_483_647].every(isId)).toBe(true);
  for (const value of [0, -1, 2_147_483_648, 1.5, Number.NaN, "1", null, undefined, 1n])
    expect(isId(value)).toBe(false);
});
