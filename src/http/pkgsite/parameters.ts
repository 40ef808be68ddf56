// The parameters of pkg.go.dev's API (golang.org/x/pkgsite, internal/api/params.go, ParseParams): texts, whole numbers as
// strconv.ParseInt reads them, and yes or no as strconv.ParseBool does. Of several with one name the first counts, and those
// that an endpoint does not have are passed over.
import { quote } from "../../gomod/go-quote.ts";
import { badRequest } from "./api-error.ts";

interface Kinds {
  text: string;
  integer: number;
  boolean: boolean;
}

/** Which parameters an endpoint has, in the order in which they are read. */
export type ParameterKinds = Readonly<Record<string, keyof Kinds>>;

/** What they are; what was not given is "", 0 or false. */
export type Values<P extends ParameterKinds> = { readonly [Name in keyof P]: Kinds[P[Name]] };

/** The parameters of every list. */
export const LIST_PARAMETERS = { limit: "integer", token: "text", filter: "text" } as const;

const MAX_INT64 = 2n ** 63n - 1n;
const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["", "0", "f", "F", "FALSE", "false", "False"]);

/** Reads the parameters of a request. Throws ApiError for one that cannot be read. */
export function readParameters<const P extends ParameterKinds>(query: URLSearchParams, parameters: P): Values<P> {
  const values = Object.entries(parameters).map(([name, kind]) => {
    const text = query.get(name);
    if (kind === "text") return [name, text ?? ""];
    return [name, kind === "integer" ? integerOf(name, text) : booleanOf(name, text)];
  });
  return Object.fromEntries(values) as Values<P>;
}

function integerOf(name: string, text: string | null): number {
  if (text === null) return 0;
  if (text === "") throw wrong(`empty value for ${name}`);
  const value = /^[+-]?[0-9]+$/.test(text) && text.length < 30 ? BigInt(text.replace(/^\+/, "")) : undefined;
  if (value === undefined || value > MAX_INT64 || value < -MAX_INT64 - 1n)
    throw wrong(`invalid integer value ${quote(text)} for ${name}`);
  return Number(value);
}

function booleanOf(name: string, text: string | null): boolean {
  if (text === null || FALSE.has(text)) return false;
  if (TRUE.has(text)) return true;
  throw wrong(`invalid boolean value ${quote(text)} for ${name}`);
}

const wrong = (message: string) => badRequest(message, "correct the query parameter and retry");
