// What is told of an upload that breaks rules: all of them at once, a line each, so that nobody has to send it again to learn
// of the next one. A zip of ten thousand wrong names is told with its first ones and how many there are.
import { Failure } from "../errors.ts";
import type { ZipFault } from "../gomod/module-zip.ts";

/** So many are told one by one. */
const MAX_TOLD = 100;
/** A line of a name that somebody else chose is no longer than this, in characters. */
const MAX_LINE = 1_000;

/** The failure of what breaks these rules, at least one. */
export function brokenRules(rules: readonly string[]): Failure {
  const lines = rules.slice(0, MAX_TOLD).map((rule) => (rule.length > MAX_LINE ? `${rule.slice(0, MAX_LINE)}…` : rule));
  if (rules.length > MAX_TOLD) lines.push(`… and ${rules.length - MAX_TOLD} more`);
  return new Failure("unprocessable", lines.join("\n"));
}

/** What is wrong with a file, as the go command writes it. */
export function faultLine({ path, reason }: ZipFault): string {
  return `${path}: ${reason}`;
}
