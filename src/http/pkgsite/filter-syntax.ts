// The syntax of filters: Go expressions (The Go Programming Language Specification, "Expressions"), as far as a filter can
// mean something: names, numbers, strings, operators, calls, parentheses. Selectors and indices are read, so that it can be
// said that they mean nothing. Everything is bounded: a filter comes from anybody.

/** An expression. */
export type Expression =
  | { readonly kind: "literal"; readonly type: "INT" | "FLOAT" | "CHAR" | "STRING"; readonly text: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "call"; readonly called: Expression; readonly values: readonly Expression[] }
  /** `goType`: what package go/ast calls it. */
  | { readonly kind: "other"; readonly goType: "*ast.SelectorExpr" | "*ast.IndexExpr" | "*ast.StarExpr" };

/** Thrown for what is no expression, with the place. */
export class FilterSyntaxError extends Error {}

/** Of a filter, in characters. */
const MAX_FILTER = 2_000;
/** Parentheses, calls and operators within each other. */
const MAX_DEPTH = 100;

const TOKEN =
  /\s*(?:(?<name>[\p{L}_][\p{L}\p{Nd}_]*)|(?<number>(?:0[xXbBoO][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)i?)|(?<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?<char>'(?:[^'\\\n]|\\.)+')|(?<operator>&&|\|\||==|!=|<=|>=|<<|>>|&\^|<-|[-+*/%&|^!<>()[\],.]))/uy;

/** How tightly operators bind (Specification, "Operator precedence"). */
const PRECEDENCE: Readonly<Record<string, number>> = {
  ...{ "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3 },
  ...{ "+": 4, "-": 4, "|": 4, "^": 4, "*": 5, "/": 5, "%": 5, "<<": 5, ">>": 5, "&": 5, "&^": 5 },
};
const UNARY = new Set(["+", "-", "!", "^", "&", "<-"]);

interface Token {
  readonly kind: "name" | "number" | "string" | "char" | "operator" | "end";
  readonly text: string;
  /** The first character is 1. */
  readonly column: number;
}

/** Reads an expression. Throws FilterSyntaxError. */
export function parseFilter(text: string): Expression {
  if (text.length > MAX_FILTER) throw new FilterSyntaxError(`it is longer than ${MAX_FILTER} characters`);
  const tokens = tokensOf(text);
  let at = 0;
  let depth = 0;
  const next = (): Token => tokens[at]!;
  const is = (operator: string): boolean => next().kind === "operator" && next().text === operator;
  const fail = (expected: string): never => {
    const { kind, text: found, column } = next();
    throw new FilterSyntaxError(`1:${column}: expected ${expected}, found ${kind === "end" ? "'EOF'" : found}`);
  };
  const take = (operator: string): void => {
    if (!is(operator)) fail(`'${operator}'`);
    at++;
  };
  const deeper = <T>(read: () => T): T => {
    if (++depth > MAX_DEPTH) throw new FilterSyntaxError(`1:${next().column}: nested too deeply`);
    const result = read();
    depth--;
    return result;
  };
  const binary = (least: number): Expression => {
    let left = unary();
    for (;;) {
      const { kind, text: operator } = next();
      const precedence = kind === "operator" ? PRECEDENCE[operator] : undefined;
      if (precedence === undefined || precedence < least) return left;
      at++;
      const right = deeper(() => binary(precedence + 1));
      left = { kind: "binary", operator, left, right };
    }
  };
  const unary = (): Expression => {
    const { kind, text: operator } = next();
    if (kind === "operator" && UNARY.has(operator)) {
      at++;
      return { kind: "unary", operator, operand: deeper(unary) };
    }
    if (is("*")) {
      at++;
      deeper(unary);
      return { kind: "other", goType: "*ast.StarExpr" };
    }
    return primary();
  };
  const primary = (): Expression => {
    let found = operand();
    for (;;)
      if (is("(")) {
        at++;
        const values: Expression[] = [];
        while (!is(")")) {
          values.push(deeper(() => binary(1)));
          if (!is(",")) break;
          at++;
        }
        take(")");
        found = { kind: "call", called: found, values };
      } else if (is(".")) {
        at++;
        if (next().kind !== "name") fail("selector or type assertion");
        at++;
        found = { kind: "other", goType: "*ast.SelectorExpr" };
      } else if (is("[")) {
        at++;
        deeper(() => binary(1));
        take("]");
        found = { kind: "other", goType: "*ast.IndexExpr" };
      } else return found;
  };
  const operand = (): Expression => {
    const { kind, text: found } = next();
    if (is("(")) {
      at++;
      const inner = deeper(() => binary(1));
      take(")");
      return inner;
    }
    if (kind === "operator" || kind === "end") return fail("operand");
    at++;
    if (kind === "name") return { kind: "name", name: found };
    if (kind === "number")
      return { kind: "literal", type: /^(?:0[xX]|[0-9_]+$)/.test(found) ? "INT" : "FLOAT", text: found };
    return { kind: "literal", type: kind === "string" ? "STRING" : "CHAR", text: found };
  };
  const whole = binary(1);
  if (next().kind !== "end") fail("'EOF'");
  return whole;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new FilterSyntaxError(`1:${start + 1}: this is no part of an expression`);
    const [kind, found] = Object.entries(match.groups!).find(([, group]) => group !== undefined)!;
    tokens.push({ kind: kind as Token["kind"], text: found, column: match.index + match[0].length - found.length + 1 });
  }
  return [...tokens, { kind: "end", text: "", column: end + 1 }];
}
