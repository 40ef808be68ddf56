// Ages as settings, rules and addresses have them: whole days or hours, 7d or 36h, of an hour at least and a year at most.
import { invalid } from "../../errors.ts";

const HOUR = 3_600;
const UNITS = { d: 24 * HOUR, h: HOUR };
/** A year and a day, in seconds. */
export const MAX_AGE_SECONDS = 366 * UNITS.d;

/** An age in seconds. Throws invalid for what is none. */
export function parseAge(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  const seconds = Number(count) * UNITS[(unit ?? "h") as keyof typeof UNITS];
  if (!(seconds <= MAX_AGE_SECONDS))
    throw invalid(`"${text.slice(0, 20)}" is no age such as 7d or 36h, of a year at most`, "age");
  return seconds;
}

/** An age as it is written: 7d, 36h. */
export function ageInWords(seconds: number): string {
  return seconds % UNITS.d === 0 ? `${seconds / UNITS.d}d` : `${seconds / HOUR}h`;
}
