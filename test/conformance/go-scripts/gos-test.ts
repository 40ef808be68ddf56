// The go command's own test of scripts, built so that another proxy than its own stands before the scripts, and the proxy and
// the checksum database that it brings along. Both end after the test file.
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { atEnd } from "../../support/at-end.ts";
import { temporary } from "../../support/temporary.ts";

export interface GosTest {
  /** The test, built. `PROXY_OF_SCRIPTS` in its environment is the scripts' GOPROXY. */
  readonly program: string;
  /** Where it is run. */
  readonly directory: string;
  /** The keys of its checksum database. */
  readonly verifierKey: string;
  readonly signerKey: string;
  /** Starts its proxy; the address. */
  startProxy(): Promise<string>;
}

/** Builds the test of the release on the PATH, which takes a minute. */
export function buildGosTest(): GosTest {
  const goroot = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
  const directory = join(goroot, "src/cmd/go");
  const program = compile(goroot);
  const proxy = readFileSync(join(directory, "proxy_test.go"), "utf8");
  const keyIn = (name: string): string => new RegExp(`${name}\\s*= "([^"]+)"`).exec(proxy)![1]!;
  return {
    program,
    directory,
    verifierKey: keyIn("testSumDBVerifierKey"),
    signerKey: keyIn("testSumDBSignerKey"),
    startProxy: () => proxyOfGosTests(program, directory),
  };
}

/** Packages of the go command's test, changed so that a variable names the proxy of the scripts. */
function compile(goroot: string): string {
  const directory = temporary("go-scripts");
  const original = join(goroot, "src/cmd/go/script_test.go");
  const text = readFileSync(original, "utf8");
  const setting = '"GOPROXY=" + proxyURL,';
  expect(text.split(setting)).toHaveLength(2);
  const changed = join(directory, "script_test.go");
  writeFileSync(changed, text.replace(setting, '"GOPROXY=" + os.Getenv("PROXY_OF_SCRIPTS"),'));
  const overlay = join(directory, "overlay.json");
  writeFileSync(overlay, JSON.stringify({ Replace: { [original]: changed } }));
  const program = join(directory, "go.test");
  // go replaces no file in its module cache, where a release lies that came as a module; cmd/go needs none from there.
  const env = { ...process.env, GOMODCACHE: join(directory, "modules") };
  const words = ["test", "-overlay", overlay, "-c", "-o", program, "cmd/go"];
  execFileSync("go", words, { cwd: goroot, env, stdio: "inherit" });
  return program;
}

/** Starts the proxy of go's tests; its address. */
async function proxyOfGosTests(program: string, directory: string): Promise<string> {
  const child = spawn(program, ["-proxy", "127.0.0.1:0"], { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  atEnd(() => void child.kill());
  let said = "";
  for await (const chunk of child.stderr) {
    said += chunk;
    const [, url] = /GOPROXY=(\S+)\n/.exec(said) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`the proxy of go's tests did not start: ${said}`);
}
