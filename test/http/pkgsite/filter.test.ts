// Filters and page tokens that somebody made to hurt: each is refused with a sentence, and none takes long. What filters mean is
// compared with pkgsite itself in test/conformance/pkgsite.
import { expect, test } from "vitest";
import { ApiError } from "../../../src/http/pkgsite/api-error.ts";
import { filtered } from "../../../src/http/pkgsite/filter.ts";
import { keyIn, pageOfList, tokenFor } from "../../../src/http/pkgsite/list-pages.ts";
import { processorMs } from "../../support/processor-time.ts";

const ITEMS = Array.from({ length: 1_000 }, (_, n) => ({ name: `Name${n}`, text: "a".repeat(1_000) }));
const filter = (text: string) => filtered(ITEMS, text, (one) => one);

/** What is said of what is refused. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).code).toBe(400);
    return (error as ApiError).message;
  }
  throw new Error("it was not refused");
}

test.each([
  ["parentheses without end", "(".repeat(1_000), "nested too deeply"],
  ["signs without end", `${"!".repeat(1_000)}true`, "nested too deeply"],
  ["calls within calls", "contains(".repeat(200), "nested too deeply"],
  ["a filter of a megabyte", `true${" && true".repeat(125_000)}`, "longer than 2000 characters"],
  ["bytes that are no expression", "name == \u0000\u202E", "no part of an expression"],
  ["a statement", "name := 1", "no part of an expression"],
  ["a pattern that repeats repetitions", 'matches(text, "((a{1000}){1000}){1000}")', "invalid repeat"],
  ["a pattern without end", `matches(text, "${"a".repeat(500)}")`, "at most 200 characters"],
  ["a field of every object", "constructor", "undefined identifier: constructor"],
  ["another one", "__proto__", "undefined identifier: __proto__"],
])("%s", (_, text, said) => {
  expect(refusal(() => filter(text))).toContain(said);
});

test("a pattern at which others would despair takes time in proportion to the text", async () => {
  const cost = await processorMs(async () => {
    expect(filter('matches(text, "(a*)*b")')).toEqual([]);
  });
  expect(cost).toBeLessThan(5_000);
});

test("a page token is good for 48 hours and for its own kind of list", () => {
  const hours = (n: number): number => Date.now() + n * 60 * 60 * 1_000;
  const at = (token: string) => pageOfList(ITEMS, { limit: 10, token });
  expect(at(tokenFor(20)).items?.[0]?.name).toBe("Name20");
  expect(at(tokenFor(20, hours(-47))).items?.[0]?.name).toBe("Name20");
  expect(refusal(() => at(tokenFor(20, hours(-49))))).toBe("invalid next-page token: expired");
  expect(refusal(() => at(tokenFor(20, hours(1))))).toBe("invalid next-page token: from the future");
  for (const place of [-1, 1.5, 10_000_000, Number.NaN])
    expect(refusal(() => at(tokenFor(place)))).toContain("another list");
  expect(refusal(() => at(tokenFor(["key"])))).toContain("another list");
  expect(refusal(() => keyIn(tokenFor(20), 1))).toContain("another list");
  for (const token of ["zz", "0", "00", "7b7d", "6e756c6c", "a".repeat(20_000)])
    expect(
      refusal(() => at(token)),
      token.slice(0, 20),
    ).toContain("it is no token");
  expect(at(tokenFor(5_000)).items).toEqual([]);
});
