import { notFound } from "../../errors.ts";

/** What a row that was just read refers to is there, unless it was deleted in between. */
export function present<T>(row: T | undefined): T {
  if (row === undefined) throw notFound("the project was deleted a moment ago");
  return row;
}
