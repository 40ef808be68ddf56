// Text that people write: names and descriptions. It ends up in pages, terminals and logs, so a name has no control
// characters; and PostgreSQL keeps no NUL.
import { invalid } from "../errors.ts";

const MAX_NAME_LENGTH = 255;
const MAX_DESCRIPTION_LENGTH = 2_000;

/** Checks a name of anything; `field` is what a form calls it. Throws invalid. */
export function checkName(name: string | null | undefined, field = "name"): void {
  if (name == null) return;
  if (name.length > MAX_NAME_LENGTH) throw invalid(`a name has at most ${MAX_NAME_LENGTH} characters`, field);
  if (/[\x00-\x1f\x7f-\x9f]/.test(name)) throw invalid("a name must not contain control characters", field);
}

/** Checks a description of anything: lines of text. Throws invalid. */
export function checkDescription(description: string | null | undefined): void {
  if (description == null) return;
  if (description.length > MAX_DESCRIPTION_LENGTH)
    throw invalid(`a description has at most ${MAX_DESCRIPTION_LENGTH} characters`, "description");
  if (description.includes("\0")) throw invalid("a description must not contain NUL", "description");
}

/** Text for a `contains` filter: PostgreSQL takes no NUL, and Prisma leaves LIKE's own characters in. */
export function searchText(text: string): string {
  if (text.includes("\0")) throw invalid("a search text must not contain NUL");
  return text.replace(/[\\%_]/g, "\\$&");
}
