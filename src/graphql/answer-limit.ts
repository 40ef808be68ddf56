// How much one answer may hold. The cost of a query (endpoint/limits.ts) is an estimate, made before anything is read; what it
// estimates badly are lists whose length a stranger decides, such as the requirements of a go.mod file, asked for under many
// aliases. So what is written out is charged as well, while it is written: a list when it is there, for all its entries and
// the names of what is asked of each, before the first of them is looked at; a text for its bytes. What would go over ends
// the whole request with one error, because an answer with a hundred thousand errors is no smaller.
import type { FieldNode, GraphQLResolveInfo, SelectionSetNode } from "graphql";
import { Kind } from "graphql";
import { Failure } from "../errors.ts";

/** Of all texts, numbers and names of fields of an answer together, about as JSON writes them. */
export const ANSWER_BYTES = 12 * 1024 * 1024;
/** Entries of all lists of an answer together. */
export const ANSWER_ENTRIES = 50_000;
/** What a value costs beside the name of its field and the bytes of a text: signs, and the work. */
const VALUE_BYTES = 16;

/** What is left of one answer. */
export interface AnswerLimit {
  /** What went over, if anything did; then nothing more is worth writing. */
  readonly exceeded: Failure | undefined;
  /** Charges a list of `length` entries. Throws too-large if the answer would have too many. */
  chargeList(length: number, info: GraphQLResolveInfo): void;
  /** Charges a text, or another value that is written as it is. Throws too-large as well. */
  chargeValue(value: unknown): void;
}

/** The limits of an answer of which nothing is written yet. */
export function startAnswerLimit(): AnswerLimit {
  let bytes = ANSWER_BYTES;
  let entries = ANSWER_ENTRIES;
  let exceeded: Failure | undefined;
  const end = (what: string): never => {
    exceeded ??= new Failure(
      "too-large",
      `the answer would have more than ${what}; ask for fewer objects or fields at once`,
      { reason: "answer_too_large" },
    );
    throw exceeded;
  };
  const take = (size: number): void => {
    bytes -= size;
    if (bytes < 0) end(`${ANSWER_BYTES} bytes`);
  };
  return {
    get exceeded() {
      return exceeded;
    },
    chargeList(length, info) {
      if (exceeded) throw exceeded;
      entries -= length;
      if (entries < 0) end(`${ANSWER_ENTRIES} entries of lists`);
      take(length * bytesOfEntry(info));
    },
    chargeValue(value) {
      if (exceeded) throw exceeded;
      if (typeof value === "string") take(value.length);
    },
  };
}

const sizes = new WeakMap<FieldNode, number>();

/** What an entry of a list costs whatever its values are: the names of the fields that are asked of it. */
function bytesOfEntry({ fieldNodes, fragments }: GraphQLResolveInfo): number {
  let sum = VALUE_BYTES;
  for (const node of fieldNodes) {
    let size = sizes.get(node);
    if (size === undefined) {
      size = namesIn(node.selectionSet);
      sizes.set(node, size);
    }
    sum += size;
  }
  return sum;

  // Fragments are written out; how many fields that may make is limited before (endpoint/limits.ts).
  function namesIn(set: SelectionSetNode | undefined): number {
    let bytes = 0;
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) bytes += (selection.alias ?? selection.name).value.length + VALUE_BYTES;
      else if (selection.kind === Kind.INLINE_FRAGMENT) bytes += namesIn(selection.selectionSet);
      else bytes += namesIn(fragments[selection.name.value]?.selectionSet);
    }
    return bytes;
  }
}
