// What a query costs, by the prices that stand in schema.graphql, beside what they are of:
//
//   @cost      of a type: what each object of it costs. Of a field: what the field costs beside its objects
//   @listSize  of a list without pages: how many entries it is taken to have, for how many it has nobody knows before
//
// A field costs its own price and, for each object that it is taken to return, the object's price and what is asked of it.
// How many those are, its arguments say for a list in pages (and the list costs 1 itself). Connections, their edges, page
// information and payloads of mutations are no objects of the registry: they cost nothing, and the pages of a connection are
// counted where it is asked for. So all below a connection, `count` too, costs its price for each entry of the page. Names,
// numbers, dates and lists of such cost nothing unless they have a price of their own.
//
// Whatever of the schema has no price keeps the server from starting, so nothing is free because it was forgotten.
import {
  type DirectiveNode,
  type DocumentNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getDirectiveValues,
  getNamedType,
  getNullableType,
  isIntrospectionType,
  isLeafType,
  isListType,
  isObjectType,
} from "graphql";
import { type ComplexityEstimatorArgs, getComplexity } from "graphql-query-complexity";
import { PAGE_DEFAULT, PAGE_LIMIT } from "../../registry/lists/keyset-page.ts";

/** What `__schema` and `__type` cost, which every schema has and none declares. */
const INTROSPECTION_COST = 100;

/** Types that stand for no object of the registry. */
const FREE_TYPES = /^(?:Query|Mutation|PageInfo)$|(?:Connection|Edge|Payload)$/;

/** An operation of a document that is valid. Without a name the document has but one. */
export interface ValidOperation {
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
}

/** The prices of a schema. */
export interface Prices {
  /** An estimate of the rows in an answer and of the statements that find them. Throws GraphQLError for unfit variables. */
  costOf(query: ValidOperation): number;
}

interface Price {
  /** Of the field itself. */
  readonly field: number;
  /** Of each object that it returns. */
  readonly entry: number;
  /** So many objects, unless the arguments of a list in pages say otherwise. */
  readonly entries: number;
  readonly paged: boolean;
}

/** Reads the prices in a schema. Throws an Error that names all that has none, or has one that cannot be. */
export function readPrices(schema: GraphQLSchema): Prices {
  const mistakes: string[] = [];
  const prices = new Map<string, Price>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    if (costOfEach(type) === undefined) mistakes.push(`${type.name} needs @cost(value: …)`);
    for (const field of Object.values(type.getFields()))
      prices.set(`${type.name}.${field.name}`, priceOf(type.name, field));
  }
  if (mistakes.length > 0) throw new Error(`prices in schema.graphql: ${mistakes.join("; ")}`);

  const estimate = ({ type, field, args, childComplexity }: ComplexityEstimatorArgs): number => {
    const price = prices.get(`${type.name}.${field.name}`);
    if (price === undefined) return childComplexity + (/^__(?:schema|type)$/.test(field.name) ? INTROSPECTION_COST : 0);
    const entries = price.paged ? pageSize(args, price.entries) : price.entries;
    return price.field + entries * (price.entry + childComplexity);
  };
  return {
    costOf({ document, ...named }) {
      return getComplexity({ schema, query: document, ...named, estimators: [estimate] });
    },
  };

  function priceOf(parent: string, field: GraphQLField<unknown, unknown>): Price {
    const name = `${parent}.${field.name}`;
    const result = getNamedType(field.type);
    const own = declared("cost", field.astNode)?.value ?? 0;
    const list = declared("listSize", field.astNode);
    const entry = list?.entryCost ?? costOfEach(result) ?? 0;
    if ([own, entry, list?.assumedSize ?? 0].some((number) => number < 0))
      mistakes.push(`${name} has a negative price`);

    const isConnection = result.name.endsWith("Connection");
    const paged = isConnection || field.args.some((argument) => argument.name === "first");
    const listOfObjects = isListType(getNullableType(field.type)) && !isLeafType(result);
    // The entries of a connection are counted where it is asked for.
    const sized = paged || parent.endsWith("Connection");
    if (list === undefined && listOfObjects && !sized) mistakes.push(`${name} needs @listSize(assumedSize: …)`);
    if (list !== undefined && !listOfObjects) mistakes.push(`${name} is no list of objects, and has @listSize`);
    if (list !== undefined && sized) mistakes.push(`${name} comes in pages, and has @listSize`);

    if (!paged) return { field: own, entry, entries: list?.assumedSize ?? 1, paged };
    return { field: own + 1, entry, entries: isConnection ? PAGE_DEFAULT : PAGE_LIMIT, paged };
  }

  function costOfEach(type: GraphQLNamedType): number | undefined {
    return declared("cost", type.astNode)?.value ?? (isLeafType(type) || FREE_TYPES.test(type.name) ? 0 : undefined);
  }

  function declared(
    directive: "cost" | "listSize",
    node: { readonly directives?: readonly DirectiveNode[] } | null | undefined,
  ): Readonly<Record<string, number>> | undefined {
    const definition = schema.getDirective(directive);
    if (!definition) throw new Error(`schema.graphql does not declare @${directive}`);
    return getDirectiveValues(definition, node ?? {}) as Readonly<Record<string, number>> | undefined;
  }
}

function pageSize(args: ComplexityEstimatorArgs["args"], otherwise: number): number {
  const asked: unknown = args.first ?? args.last ?? otherwise;
  return typeof asked === "number" ? Math.min(Math.max(asked, 0), PAGE_LIMIT) : PAGE_LIMIT;
}
