// The go command's own tests of modules (cmd/go/testdata/script), with Gokura between the go command and the proxy that these
// tests bring along: what they say about go must hold through us too. It takes a minute or two of both cores and compiles the
// go command's test, so it is no part of `npm test`: `npm run conformance -- --go 1.27 test/conformance/go-scripts`. Go's tests
// bound the time of what they run: on a machine that is busy with other work one of them may end with "WaitDelay expired".
//
// The proxy of go's tests has more below its address than modules (`$GOPROXY/404`, `$GOPROXY/sumdb-wrong`), which no proxy
// passes on. The scripts that ask for that are named here, each with what it asks for; every other one has to pass. Those about
// checksum databases pass in checksum-database.test.ts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { testServer } from "../../support/server.ts";
import { buildGosTest } from "./gos-test.ts";

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

test.skipIf(process.env.CONFORMANCE === undefined)(
  "go's own scripts pass through us",
  { timeout: TIMEOUT_MS },
  async () => {
    const { program, directory, verifierKey, startProxy } = buildGosTest();
    const server = await testServer({
      environment: {
        GOKURA_UPSTREAM: await startProxy(),
        GOKURA_UPSTREAM_TTL: "0",
        GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
        GOKURA_SUMDB: verifierKey,
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
