// npm run conformance -- --go 1.24: the end-to-end tests with another release of go than the one on the PATH, and what takes
// too long for every day: go's own scripts, and long forms of tests (CONFORMANCE is set for those). Releases are
// modules too (Go Toolchains, "Downloading toolchains"), so they come from the registry that `go env GOPROXY` names, checked
// by a checksum database, into the module cache. Not a part of CI: four releases take four times as long, and 250 MB each.
// What differs between them is in docs/go-clients.md.
import { execFileSync, spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";

const TESTS = [
  "test/e2e",
  "test/conformance/direct",
  "test/conformance/go-clients",
  "test/conformance/go-scripts",
  "test/conformance/sumdb",
  "test/conformance/x-mod",
];

const { values, positionals } = parseArgs({
  options: { go: { type: "string", multiple: true }, help: { type: "boolean", default: false } },
  allowPositionals: true,
});
if (values.help || values.go === undefined) {
  console.log(`usage: npm run conformance -- --go VERSION [--go VERSION]… [TEST]…
  --go VERSION  a release such as 1.24.13, or 1.24 for the newest of it; several run one after the other
  TEST          files or folders of tests; ${TESTS.join(" ")} if none is given
Examples: npm run conformance -- --go 1.24 --go 1.27 test/e2e/go-command.test.ts
          npm run conformance -- --go 1.27 test/conformance/go-scripts    # go's own scripts, through us`);
  process.exit(values.help ? 0 : 2);
}

/** Runs the go command of a release, or the one on the PATH, away from any module of ours. */
const go = (toolchain: string, ...words: string[]): string =>
  execFileSync("go", words, {
    cwd: "/",
    env: { ...process.env, GOTOOLCHAIN: toolchain },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();

/** Where a release lies; the go command downloads it if it is not there. */
function rootOf(release: string): string {
  const version = go("local", "list", "-m", "-f", "{{.Version}}", `go@${release}`);
  return go(`go${version}`, "env", "GOROOT");
}

for (const release of values.go) {
  const path = `${join(rootOf(release), "bin")}${delimiter}${process.env.PATH ?? ""}`;
  const env = { ...process.env, PATH: path, GOTOOLCHAIN: "local", CONFORMANCE: "on" };
  console.log(`\n== ${execFileSync("go", ["version"], { env, encoding: "utf8" }).trim()} ==`);
  const tests = positionals.length > 0 ? positionals : TESTS;
  const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
  const { status } = spawnSync(process.execPath, [vitest, "run", ...tests], { env, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
