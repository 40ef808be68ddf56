// Loads every file of the server once, so that Node's compile cache holds all of them before anybody waits for one. Commands
// and doors are loaded when they are asked for, so no single command would do. For images, whose file system is read-only
// when they run; elsewhere the cache fills by itself.
import { readdirSync } from "node:fs";
import { enableCompileCache } from "node:module";

enableCompileCache(new URL("../node_modules/.cache/gokura", import.meta.url).pathname);
const source = new URL("../src/", import.meta.url);
for (const name of readdirSync(source, { recursive: true }))
  if (name.endsWith(".ts") && name !== "main.ts") await import(new URL(name, source).href); // main.ts would run a command
await Promise.all(["pg-boss", "@prisma/adapter-pg"].map((name) => import(name)));
const { licenseMatcher } = await import(new URL("registry/modules/known-licenses.ts", source).href);
await licenseMatcher(); // what it makes ready is kept beside the cache (registry/modules/kept-licenses.ts)
