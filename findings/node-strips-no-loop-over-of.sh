#!/bin/sh
# amaro 1.1.11, which removes the types in Node 24.21.0, refuses valid JavaScript: `for (const of of list)`. `of` is no reserved
# word, so a variable may have that name (ECMA-262 14.7.5, ForDeclaration), and Node runs the loop out of a .mjs file. The same
# bytes in a .mts file are ERR_INVALID_TYPESCRIPT_SYNTAX, "Variable declaration list cannot be empty": one expects that a file
# without types is the same program under both names. The parser is SWC's. It understands the name in `for (const [of] of list)`
# and in `for (const of in object)`.
# Exits 0 while that is so, and 1 when the loop is understood.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --ignore-scripts amaro@1.1.11
cat >check.cjs <<'END'
const { transformSync } = require("amaro");
const programs = {
  "for (const of of [1, 2]) sum += of;": false,
  "for (let of of [1, 2]) sum += of;": false,
  "for (const [of] of [[1], [2]]) sum += of;": true,
  "for (const it of [1, 2]) sum += it;": true,
};
let asTold = true;
for (const [program, understood] of Object.entries(programs)) {
  const sum = new Function(`let sum = 0; ${program} return sum;`)();
  let said = "understood";
  try {
    transformSync(`let sum = 0; ${program}`, { mode: "strip-only" });
  } catch (error) {
    said = error.message ?? String(error);
  }
  console.log(`${program}  as JavaScript: ${sum}; to have its types removed: ${said}`);
  asTold &&= sum === 3 && (said === "understood") === understood;
}
process.exit(asTold ? 0 : 1);
END
node --version
node check.cjs
