// The go command's own tests of modules (cmd/go/testdata/script), with Gokura between the go command and the proxy that these
// tests bring along: what they say about go must hold through us too. It takes a minute or two of both cores and compiles the
// go command's test, so it is no part of `npm test`: `npm run conformance -- --go 1.27 test/conformance/go-scripts`. Go's tests
// bound the time of what they run: on a machine that is busy with other work one of them may end with "WaitDelay expired".
//
// The proxy of go's tests has more below its address than modules (`$GOPROXY/404`, `$GOPROXY/sumdb-wrong`), which no proxy
// passes on. The scripts that ask for that are named here, each with what it asks for; every other one has to pass.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { atEnd } from "../../support/at-end.ts";
import { testServer } from "../../support/server.ts";
import { temporary } from "../../support/temporary.ts";

const SCRIPTS = "^(mod|gotoolchain)_";
const TIMEOUT_MS = 900_000;

/** What scripts ask of the proxy of go's tests that is no module. */
const OF_GOS_PROXY_ALONE: Readonly<Record<string, string>> = {
  mod_download_too_many_redirects: "$GOPROXY/redirect/11",
  mod_gonoproxy: "$GOPROXY/sumdb-wrong",
  mod_install_pkg_version: "an address that ends in /mod",
  mod_list_update_nolatest: "$GOPROXY/invalid",
  mod_proxy_invalid: "$GOPROXY/invalid",
  mod_proxy_list: "$GOPROXY/404, /410, /403",
  mod_sum_absent: "$GOPROXY/sumdb-redirect",
  mod_sumdb: "$GOPROXY/sumdb-wrong",
  mod_sumdb_cache: "$GOPROXY/sumdb-503",
  mod_sumdb_proxy: "$GOPROXY/sumdb-direct",
};

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
  execFileSync("go", ["test", "-overlay", overlay, "-c", "-o", program, "cmd/go"], { cwd: goroot, stdio: "inherit" });
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

test.skipIf(process.env.CONFORMANCE === undefined)(
  "go's own scripts pass through us",
  { timeout: TIMEOUT_MS },
  async () => {
    const goroot = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
    const directory = join(goroot, "src/cmd/go");
    const program = compile(goroot);
    const [, key] = /testSumDBVerifierKey = "([^"]+)"/.exec(readFileSync(join(directory, "proxy_test.go"), "utf8"))!;
    const server = await testServer({
      environment: {
        GOKURA_UPSTREAM: await proxyOfGosTests(program, directory),
        GOKURA_UPSTREAM_TTL: "0",
        GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
        GOKURA_SUMDB: key!,
        GOKURA_UPSTREAM_VERIFY: "allow",
        // Its zip is not the one that the database of go's tests knows; no script has the two compared.
        GOKURA_UPSTREAM_NOSUMDB: "example.com/dotname",
      },
    });
    const scripts = spawn(
      program,
      ["-test.v", "-test.short", "-test.parallel", "2", "-test.run", `^TestScript$/${SCRIPTS}`],
      {
        cwd: directory,
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, PROXY_OF_SCRIPTS: `${server.url}/api/v4/packages/go` },
      },
    );
    let said = "";
    scripts.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await once(scripts, "close");
    const ended = (how: string): string[] =>
      [...said.matchAll(new RegExp(`^ +--- ${how}: TestScript/(\\S+)`, "gm"))].map(([, name]) => name!).sort();
    const failed = ended("FAIL");
    console.log(
      `${ended("PASS").length} of go's scripts passed, ${ended("SKIP").length} were skipped, failed: ${failed}`,
    );
    if (failed.some((name) => !(name in OF_GOS_PROXY_ALONE))) console.log(said);
    expect(failed.filter((name) => !(name in OF_GOS_PROXY_ALONE))).toEqual([]);
    expect(ended("PASS").length).toBeGreaterThan(200);
  },
);
