#!/usr/bin/env bash
# tree-sitter-go does not parse Go that compiles: new(EXPRESSION) of Go 1.26.
#
# Seen with tree-sitter-go 0.25.0 (its own wasm, by web-tree-sitter 0.27.2) beside go1.26.8: the first argument of `new` is
# read as a type. new(name) passes, because a name may be a type; new(123), new(x > 0) and new(T{}) are ERROR nodes. What is
# declared after the error is still found, so a reader of declarations must not give a file up because the root node has
# an error.
set -euo pipefail
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT; cd "$work"
npm install --silent --no-save --ignore-scripts web-tree-sitter@0.27.2 tree-sitter-go@0.25.0 >/dev/null 2>&1
cat > scan.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Language, Parser } from "web-tree-sitter";
await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load("node_modules/tree-sitter-go/tree-sitter-go.wasm"));
for (const file of process.argv.slice(2)) {
  const { rootNode } = parser.parse(readFileSync(`${file}/main.go`, "utf8"));
  const last = rootNode.namedChildren.filter((n) => n.type === "function_declaration").at(-1)?.childForFieldName("name")?.text;
  console.log(`${file}: ${rootNode.hasError ? "error" : "parsed"}, last function ${last}`);
}
JS
program() { mkdir -p "$1"; printf 'package main\n\n%s\n\nfunc After() {}\n\nfunc main() {}\n' "$2" > "$1/main.go"; (cd "$1" && printf 'module example.com/%s\n\ngo 1.26\n' "$1" > go.mod && go build -o /dev/null .); }
program number 'var X = new(123)'
program condition 'func more(i int) *bool { return new(i > 0) }'
program name 'const answer = 42

var X = new(answer)'
program literal 'type T struct{}

var X = new(T{})'
seen=$(node scan.mjs number condition literal name)
echo "$seen"; go version
[ "$seen" = 'number: error, last function main
condition: error, last function main
literal: error, last function main
name: parsed, last function main' ] || { echo "this has changed"; exit 1; }
