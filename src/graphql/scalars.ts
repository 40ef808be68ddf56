// The scalars of our own. Each is strict in what it takes: a day that is not in the calendar, or a number that 64 bits cannot
// hold, is refused with a sentence, not bent into another one. They end up in PostgreSQL, so years run from 1 to 9999.
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from "graphql";

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** RFC 3339, section 5.6: date-time. The offset must be there. */
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** A moment: RFC 3339, given out in UTC. */
export const DateTime = scalar("DateTime", (value: Date) => value.toISOString(), parseDateTime);

/** A day: YYYY-MM-DD. */
export const CalendarDate = scalar("Date", (value: Date) => value.toISOString().slice(0, 10), parseDate);

/** A whole number of up to 64 bits, as a string, because JavaScript and JSON numbers end at 2^53. */
export const BigInt64 = scalar("BigInt", (value: bigint) => String(value), parseBigInt);

function scalar<T>(
  name: string,
  serialize: (value: T) => string,
  parse: (text: string) => T | undefined,
): GraphQLScalarType<T, string> {
  const read = (value: unknown): T => {
    const parsed = typeof value === "string" ? parse(value) : undefined;
    if (parsed === undefined) throw new GraphQLError(`${shown(value)} is no ${name}`);
    return parsed;
  };
  return new GraphQLScalarType<T, string>({
    name,
    serialize: (value) => serialize(value as T),
    parseValue: read,
    parseLiteral: (node: ValueNode) => read(node.kind === Kind.STRING ? node.value : node.kind),
  });
}

function parseDate(text: string): Date | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith("0000")) return undefined;
  const date = new Date(`${text}T00:00:00.000Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) ? date : undefined;
}

function parseDateTime(text: string): Date | undefined {
  const match = DATE_TIME.exec(text);
  if (!match || !parseDate(match[1]!) || Number(match[2]) > 23) return undefined;
  const date = new Date(text.toUpperCase());
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? date : undefined;
}

function parseBigInt(text: string): bigint | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= MIN_INT64 && value <= MAX_INT64 ? value : undefined;
}

function shown(value: unknown): string {
  return typeof value === "string" ? `"${value.slice(0, 40)}"` : `a ${typeof value}`;
}
