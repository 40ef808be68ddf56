// Filters of lists: each entry is kept for which a Go expression over its fields is true, such as
// `kind == "Function" && hasPrefix(name, "New")`. What the names mean, and what is said of a wrong one, is pkgsite's
// (golang.org/x/pkgsite, internal/api/filter.go). `matches` is RE2's, which takes time in proportion to the text, whatever the
// pattern is.
import { RE2JS } from "re2js";
import { compareBytewise } from "../../gomod/byte-order.ts";
import { quote, unquote } from "../../gomod/go-quote.ts";
import { badRequest } from "./api-error.ts";
import { type Expression, FilterSyntaxError, parseFilter } from "./filter-syntax.ts";

/** What a field can be; a time has no operations but being the same. */
export type FieldValue = string | boolean | number | Date;

/** What an expression can be: numbers are 64 bits. */
type Value = string | boolean | bigint | null | Date | Callable;
type Callable = (text: string, other: string) => boolean;

/** Thrown for what an expression cannot mean. */
class FilterError extends Error {}

const FIXES = {
  syntax: "the 'filter' query parameter must be a valid Go expression; see the documentation at /v1/api#filters",
  meaning: "the filter must be a Go expression; see the documentation at /v1/api#filters",
  type: "the filter must be a boolean Go expression; see the documentation at /v1/api#filters",
};
/** Of a pattern, in characters; a repetition makes a program of as many steps. */
const MAX_PATTERN = 200;

/** The entries for which a filter is true; all for an empty one. Throws ApiError for a filter that is none. */
export function filtered<T>(
  all: readonly T[],
  filter: string,
  fieldsOf: (entry: T) => Readonly<Record<string, FieldValue>>,
): readonly T[] {
  if (filter === "") return all;
  const expression = parsed(filter);
  const names = predeclared();
  return all.filter((entry) => {
    const fields = fieldsOf(entry);
    const result = evaluated(expression, filter, (name) => {
      const known = names.get(name);
      if (known !== undefined) return known;
      if (!Object.hasOwn(fields, name)) throw new FilterError(`undefined identifier: ${name}`);
      const value = fields[name]!;
      return typeof value === "number" ? BigInt(value) : value;
    });
    if (typeof result !== "boolean") throw badRequest(`filter "${filter}" did not evaluate to bool`, FIXES.type);
    return result;
  });
}

function parsed(filter: string): Expression {
  try {
    return parseFilter(filter);
  } catch (error) {
    if (!(error instanceof FilterSyntaxError)) throw error;
    throw badRequest(`parsing filter "${filter}": ${error.message}`, FIXES.syntax);
  }
}

function evaluated(expression: Expression, filter: string, lookUp: (name: string) => Value): Value {
  try {
    return evaluate(expression, lookUp);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw badRequest(`evaluating filter "${filter}": ${error.message}`, FIXES.meaning);
  }
}

/** The names that are there in every filter. Patterns are compiled once for a list. */
function predeclared(): ReadonlyMap<string, Value> {
  const patterns = new Map<string, RE2JS>();
  return new Map<string, Value>([
    ["true", true],
    ["false", false],
    ["nil", null],
    ["contains", (text, part) => text.includes(part)],
    ["hasPrefix", (text, prefix) => text.startsWith(prefix)],
    ["hasSuffix", (text, suffix) => text.endsWith(suffix)],
    [
      "matches",
      (text, pattern) => {
        const compiled = patterns.get(pattern) ?? compile(pattern);
        patterns.set(pattern, compiled);
        return compiled.matcher(text).find();
      },
    ],
  ]);
}

function compile(pattern: string): RE2JS {
  if (pattern.length > MAX_PATTERN) throw new FilterError(`a pattern has at most ${MAX_PATTERN} characters`);
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new FilterError(error instanceof Error ? error.message : String(error));
  }
}

function evaluate(expression: Expression, lookUp: (name: string) => Value): Value {
  switch (expression.kind) {
    case "literal":
      return literal(expression.type, expression.text);
    case "name":
      return lookUp(expression.name);
    case "call":
      return call(expression, lookUp);
    case "unary": {
      const { operator, operand } = expression;
      if (operator === "-") return BigInt.asIntN(64, -integer(evaluate(operand, lookUp)));
      if (operator === "!") return !truth(evaluate(operand, lookUp));
      throw new FilterError(`unsupported unary operator: ${operator}`);
    }
    case "binary":
      return binary(expression, lookUp);
    default:
      throw new FilterError(`unsupported expression type: ${expression.goType}`);
  }
}

function literal(type: string, text: string): Value {
  if (type === "INT") {
    if (!/^[0-9]+$/.test(text)) throw new FilterError(`strconv.Atoi: parsing ${quote(text)}: invalid syntax`);
    const value = BigInt(text);
    if (value !== BigInt.asIntN(64, value))
      throw new FilterError(`strconv.Atoi: parsing ${quote(text)}: value out of range`);
    return value;
  }
  if (type !== "STRING") throw new FilterError(`unsupported basic lit kind: ${type}`);
  const value = unquote(text);
  if (value === undefined) throw new FilterError("invalid syntax");
  return value;
}

function call({ called, values }: Extract<Expression, { kind: "call" }>, lookUp: (name: string) => Value): boolean {
  const callable = evaluate(called, lookUp);
  if (typeof callable !== "function")
    throw new FilterError(`not a function: ${String(callable)} (type ${typeOf(callable)})`);
  if (values.length !== 2) throw new FilterError(`argument count mismatch: got ${values.length}, expected 2`);
  const [text, other] = values.map((value) => {
    const given = evaluate(value, lookUp) ?? "";
    if (typeof given !== "string")
      throw new FilterError(`panic during function call: reflect: Call using ${typeOf(given)} as type string`);
    return given;
  });
  return callable(text!, other!);
}

function binary(
  { operator, left, right }: Extract<Expression, { kind: "binary" }>,
  lookUp: (name: string) => Value,
): Value {
  const x = (): Value => evaluate(left, lookUp);
  const y = (): Value => evaluate(right, lookUp);
  switch (operator) {
    case "&&":
      return truth(x()) && truth(y());
    case "||":
      return truth(x()) || truth(y());
    case "==":
      return same(x(), y());
    case "!=":
      return !same(x(), y());
    case "+": {
      const first = x();
      if (typeof first === "string") return first + text(y());
      if (typeof first === "bigint") return BigInt.asIntN(64, first + integer(y()));
      throw new FilterError(`invalid type for +: ${typeOf(first)}`);
    }
    case "-":
    case "*":
    case "/":
    case "%":
      return arithmetic(operator, x, y);
    case "<":
    case ">":
    case "<=":
    case ">=": {
      const first = x();
      if (typeof first === "string") return holds(operator, compareBytewise(first, text(y())));
      if (typeof first !== "bigint") throw new FilterError(`invalid type for ${operator}: ${typeOf(first)}`);
      const second = integer(y());
      return holds(operator, first < second ? -1 : first > second ? 1 : 0);
    }
    default:
      throw new FilterError(`unsupported binary operator: ${operator}`);
  }
}

function arithmetic(operator: string, x: () => Value, y: () => Value): bigint {
  if (operator === "/" || operator === "%") {
    const divisor = integer(y());
    if (divisor === 0n) throw new FilterError("division by zero");
    const first = integer(x());
    return BigInt.asIntN(64, operator === "/" ? first / divisor : first % divisor);
  }
  const [first, second] = [integer(x()), integer(y())];
  return BigInt.asIntN(64, operator === "-" ? first - second : first * second);
}

function holds(operator: string, order: number): boolean {
  if (operator === "<") return order < 0;
  if (operator === ">") return order > 0;
  return operator === "<=" ? order <= 0 : order >= 0;
}

function same(x: Value, y: Value): boolean {
  if (typeof x === "function" && typeof y === "function")
    throw new FilterError("runtime error: comparing uncomparable type func(string, string) bool");
  return x instanceof Date && y instanceof Date ? x.getTime() === y.getTime() : x === y;
}

function truth(value: Value): boolean {
  if (typeof value !== "boolean") throw new FilterError(`expected type bool, got ${typeOf(value)}`);
  return value;
}

function integer(value: Value): bigint {
  if (typeof value !== "bigint") throw new FilterError(`expected type int, got ${typeOf(value)}`);
  return value;
}

function text(value: Value): string {
  if (typeof value !== "string") throw new FilterError(`expected type string, got ${typeOf(value)}`);
  return value;
}

/** The type as Go names it (%T). */
function typeOf(value: Value): string {
  if (value === null) return "<nil>";
  if (value instanceof Date) return "time.Time";
  switch (typeof value) {
    case "bigint":
      return "int";
    case "boolean":
      return "bool";
    case "string":
      return "string";
    default:
      return "func(string, string) bool";
  }
}
