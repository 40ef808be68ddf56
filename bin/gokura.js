#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node must be able to read this far and say what it lacks.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `gokura needs Node 24.12 or newer; this is ${process.version} (${process.execPath}). In a checkout run "npm ci", then "npm exec gokura".`,
  );
  process.exit(1);
}
const { enableCompileCache } = await import("node:module");
enableCompileCache(
  process.env.NODE_COMPILE_CACHE ?? new URL("../node_modules/.cache/gokura", import.meta.url).pathname,
);
await import("../src/main.ts");
