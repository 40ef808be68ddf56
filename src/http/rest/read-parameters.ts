// Reads the parameters of a request and says in GitLab's words what is wrong with them: "name is missing", "page is
// invalid" (of the wrong kind), "sort does not have a valid value" (doc/api/rest/troubleshooting).
import * as z from "zod";
import type { Call } from "./call.ts";
import type { Given } from "./request-body.ts";

/** The values, each as its schema has it; or the sentence for `error`. */
export type Read = { readonly values: Record<string, unknown> } | { readonly error: string };

/** Reads what was given: names that the call does not have are left out. */
export function parametersReader(call: Pick<Call, "parameters" | "clearable" | "oneOf">): (given: Given) => Read {
  const schema = z.object(call.parameters);
  const clearable = new Set<string>(call.clearable);
  return (given) => {
    const present: Record<string, unknown> = {};
    for (const name of Object.keys(call.parameters)) {
      const value = Object.hasOwn(given, name) ? given[name] : undefined;
      if (value === undefined) continue;
      if (value !== "" && value !== null) present[name] = value;
      else if (clearable.has(name)) present[name] = "";
    }
    if (call.oneOf && !call.oneOf.some((name) => name in present))
      return { error: `${call.oneOf.join(", ")} are missing, at least one parameter must be provided` };
    const result = schema.safeParse(present);
    if (result.success) return { values: result.data };
    const mistakes = result.error.issues.map((issue) => mistake(issue, present));
    return { error: [...new Set(mistakes)].join(", ") };
  };
}

function mistake(issue: z.core.$ZodIssue, present: Readonly<Record<string, unknown>>): string {
  const name = String(issue.path[0]);
  if (!(name in present)) return `${name} is missing`;
  const fits = issue.code === "invalid_value" || issue.code === "too_small" || issue.code === "too_big";
  return `${name} ${fits && !Array.isArray(present[name]) ? "does not have a valid value" : elementMistake(issue)}`;
}

/** Of a list, what is wrong with one of its entries. */
function elementMistake(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_value" ? "does not have a valid value" : "is invalid";
}
