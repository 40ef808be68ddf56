// Words of a command line that are read the same way everywhere.
import { InvalidArgumentError } from "commander";
import type { Visibility } from "../database/generated/client.ts";
import { hasTellableYear, rfc3339Time } from "../gomod/rfc3339.ts";
import { ACCESS_LEVELS } from "../registry/access/acts.ts";

export const JSON_OPTION = ["--json", "print JSON for programs instead of a table"] as const;

export function visibility(word: string): Visibility {
  if (word === "private" || word === "internal" || word === "public") return word.toUpperCase() as Visibility;
  throw new InvalidArgumentError("use private, internal or public.");
}

export function onOrOff(word: string): boolean {
  if (word === "on" || word === "off") return word === "on";
  throw new InvalidArgumentError("use on or off.");
}

/** To whom a project's packages are open, in the domain's words. */
export function packages(word: string): "ENABLED" | "DISABLED" | "PRIVATE" {
  const known = { on: "ENABLED", off: "DISABLED", members: "PRIVATE" } as const;
  const found = Object.hasOwn(known, word) ? known[word as keyof typeof known] : undefined;
  if (found === undefined) throw new InvalidArgumentError("use on, off or members.");
  return found;
}

export function accessLevel(word: string): number {
  const level = ACCESS_LEVELS[word.toLowerCase() as keyof typeof ACCESS_LEVELS];
  if (level === undefined) throw new InvalidArgumentError(`use one of ${Object.keys(ACCESS_LEVELS).join(", ")}.`);
  return level;
}

/** A day; the moment is its 00:00 UTC. */
export function day(word: string): Date {
  const date = rfc3339Time(`${word}T00:00:00Z`);
  if (!date || !hasTellableYear(date)) throw new InvalidArgumentError("use a day as YYYY-MM-DD.");
  return date;
}

export function wholeNumber(word: string): number {
  if (!/^\d{1,9}$/.test(word)) throw new InvalidArgumentError("use a whole number.");
  return Number(word);
}

export function words(list: string): string[] {
  return list
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
