// Makes a checkout ready: the pinned Node on the scripts' PATH, the Prisma client and the GraphQL types generated. In a
// production install, which has no generators, it says so if the generated code is not there.
// Runs after every install and before start, test and check; does nothing in 30 ms when all is fresh. Plain
// JavaScript, because it may run on the machine's own, older Node.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";

// What an installed package brings and nobody here uses: the C headers of Node, 67 MB.
rmSync(`node_modules/node-${process.platform}-${process.arch}/include`, { recursive: true, force: true });

const pinned = `node-${process.platform}-${process.arch}/bin/node`;
const link = "node_modules/.bin/node";
if (existsSync(`node_modules/${pinned}`)) {
  const runs = spawnSync(`node_modules/${pinned}`, ["--version"]).status === 0; // not on musl: that binary wants glibc
  if (!runs) rmSync(link, { force: true });
  // npm before 11.6 forgets the link because the other architecture's package, which it skips, names the same one.
  else if (!existsSync(link)) symlinkSync(`../${pinned}`, link);
}
const node = existsSync(link) ? link : process.execPath;

const inputs = ["prisma/schema.prisma", "schema.graphql", "package-lock.json", "scripts/generate-graphql-types.ts"];
const hash = createHash("sha256");
for (const file of inputs) hash.update(readFileSync(file));
const stamp = "src/database/generated/.stamp";
const fresh = hash.digest("hex");
const generated = existsSync(stamp) && readFileSync(stamp, "utf8") === fresh;
if (!generated && !existsSync("node_modules/prisma"))
  console.error(
    "The generated code is missing or old, and the tools that make it are development packages: run npm ci, then npm prune --omit=dev",
  );
else if (!generated) {
  const run = (...args) => {
    // Prisma downloads an engine that generating does not use; any program in its place keeps it off the network.
    const env = {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      CHECKPOINT_DISABLE: "1",
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
    };
    const done = spawnSync(node, args, { env, encoding: "utf8" });
    if (done.status !== 0) {
      console.error(done.stdout, done.stderr, done.error ?? "");
      process.exit(1);
    }
  };
  run("node_modules/prisma/build/index.js", "generate", "--no-hints");
  run("scripts/generate-graphql-types.ts");
  writeFileSync(stamp, fresh);
  console.log("generated: Prisma client, GraphQL types");
}
