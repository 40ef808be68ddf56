// Access levels: numbers in the registry, words in GraphQL.
import { ACCESS_LEVELS } from "../../registry/access/acts.ts";
import type { AccessLevel } from "../generated.ts";

export const LEVELS: Record<AccessLevel, number> = {
  GUEST: ACCESS_LEVELS.guest,
  REPORTER: ACCESS_LEVELS.reporter,
  DEVELOPER: ACCESS_LEVELS.developer,
  MAINTAINER: ACCESS_LEVELS.maintainer,
  OWNER: ACCESS_LEVELS.owner,
};
const NAMES = new Map(Object.entries(LEVELS).map(([name, level]) => [level, name as AccessLevel]));

/** The word for a level; undefined for a number that is none. */
export function levelName(level: number): AccessLevel | undefined {
  return NAMES.get(level);
}
