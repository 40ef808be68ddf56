// What a parameter of a call may be: zod schemas that read values as GitLab's clients write them. A query and a form have
// nothing but text, python writes True and False, and a number may come as one or as digits; all mean what they say
// (doc/api/rest). What does not fit is for read-parameters.ts to tell. Combine with .optional(), .default() and
// .describe(); the OpenAPI document is made of the same schemas.
import * as z from "zod";
import { isKeepable } from "../../registry/text.ts";

/** Text that PostgreSQL keeps. */
export const text = () => z.preprocess(asText, z.string().refine(isKeepable));

/** A whole number; `least`: not below. */
export const integer = (least: number = Number.MIN_SAFE_INTEGER) => z.preprocess(asInteger, z.int().min(least));

export const boolean = () => z.preprocess(asBoolean, z.boolean());

/** One word of a list. */
export const choice = <const W extends readonly [string, ...string[]]>(words: W) => z.enum(words);

export const visibilityWord = () => choice(["private", "internal", "public"]);

/** A level to filter by, as GitLab numbers them; some of them nobody has here. */
export const filteredLevel = () => integer().pipe(z.literal([5, 10, 15, 20, 25, 30, 40, 50, 60]));

/** A level that somebody can have here. */
export const grantedLevel = () =>
  integer()
    .pipe(z.literal([10, 20, 30, 40, 50]))
    .describe("10 Guest, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner");

/** Several values: a list, `name[]=a&name[]=b`, or text with commas. */
export const list = <T extends z.ZodType>(of: T) => z.preprocess(asList, z.array(of));

/** A day, YYYY-MM-DD -> its first moment in UTC. */
export const date = () => z.iso.date().refine(hasYear).transform(dateOf);

/** A moment (RFC 3339), or a day, which begins in UTC -> Date. */
export const moment = () =>
  z
    .union([z.iso.datetime({ offset: true }), z.iso.date()])
    .refine(hasYear)
    .transform(dateOf);

/** For a parameter that can be taken back by giving nothing (CallDefinition.clearable): null then. */
export const clearableDate = () => z.union([z.literal(""), date()]).transform((at) => (at === "" ? null : at));

/** The number of something. Larger numbers than there can be are nobody's. */
export const numberOf = (what: string) => integer().describe(`The number of the ${what}`);

/** A project or group in the address: its number, or its full path with %2F for each slash. */
export const idOrPath = (what: "project" | "group") =>
  z
    .string()
    .transform((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment))
    .describe(`The number of the ${what}, or its full path with %2F for each slash`);

/** The parameters that sort a list. */
export const sorting = <const W extends readonly [string, ...string[]]>(
  by: W,
  defaults: { readonly by: W[number]; readonly sort: "asc" | "desc" },
) => ({
  order_by: z.enum(by).default(defaults.by as never),
  sort: z.enum(["asc", "desc"]).default(defaults.sort),
});

function dateOf(text: string): Date {
  return new Date(text);
}

/** PostgreSQL and Prisma agree on years 1 to 9999, in UTC. */
function hasYear(text: string): boolean {
  const year = dateOf(text).getUTCFullYear();
  return year >= 1 && year <= 9999;
}

function asText(value: unknown): unknown {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

function asInteger(value: unknown): unknown {
  return typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
}

function asBoolean(value: unknown): unknown {
  const word = typeof value === "string" ? value.toLowerCase() : value;
  if (word === "true" || word === "1" || word === 1) return true;
  if (word === "false" || word === "0" || word === 0) return false;
  return value;
}

function asList(value: unknown): unknown {
  if (typeof value !== "string") return value;
  return value
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}
