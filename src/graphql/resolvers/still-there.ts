// A resolver has a row that was read a moment ago, and loads what it refers to: the module of a version, the project of a
// module. The database keeps both together, so one that is missing was deleted in between.
import { notFound } from "../../errors.ts";

/** Returns what a row refers to. Throws not-found for what was deleted since that row was read. */
export function stillThere<T>(row: T | undefined): T {
  if (row === undefined) throw notFound("the project was deleted a moment ago");
  return row;
}
