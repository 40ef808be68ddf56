// Text that people write: names and descriptions. It ends up in pages, terminals and logs, so a name has no control
// characters; and PostgreSQL keeps no NUL and no half of a surrogate pair, which is no Unicode (JSON can say "\ud800").
import { invalid } from "../errors.ts";

const MAX_NAME_LENGTH = 255;
const MAX_DESCRIPTION_LENGTH = 2_000;

/** Whether PostgreSQL can keep a text, and so whether any row can hold it. */
export function isKeepable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** A text of a stranger's as PostgreSQL can keep it: for NUL and halves of surrogate pairs stands U+FFFD. */
export function keepable(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed();
}

/** Checks a name of anything; `field` is what a form calls it. Throws invalid. */
export function checkName(name: string | null | undefined, field = "name"): void {
  if (name == null) return;
  if (name.length > MAX_NAME_LENGTH) throw invalid(`a name has at most ${MAX_NAME_LENGTH} characters`, field);
  if (/[\x00-\x1f\x7f-\x9f]/.test(name)) throw invalid("a name must not contain control characters", field);
  if (!isKeepable(name)) throw invalid("a name must be Unicode", field);
}

/** Checks a description of anything: lines of text. Throws invalid. */
export function checkDescription(description: string | null | undefined): void {
  if (description == null) return;
  if (description.length > MAX_DESCRIPTION_LENGTH)
    throw invalid(`a description has at most ${MAX_DESCRIPTION_LENGTH} characters`, "description");
  if (!isKeepable(description)) throw invalid("a description must be Unicode, without NUL", "description");
}

/** Text for a `contains` filter: Prisma leaves LIKE's own characters in. Throws invalid for what no row can hold. */
export function searchText(text: string): string {
  if (!isKeepable(text)) throw invalid("a search text must be Unicode, without NUL");
  return text.replace(/[\\%_]/g, "\\$&");
}
