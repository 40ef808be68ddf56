// The go command's own tests of modules (cmd/go/testdata/script), with Gokura between the go command and the proxy that these
// tests bring along: what they say about go must hold through us too. It takes a minute or two of both cores and compiles the
// go command's test, so it is no part of `npm test`: `npm run conformance -- --go 1.27 test/conformance/go-scripts`. Go's tests
// bound the time of what they run: one that ends with "WaitDelay expired" on a busy machine is run again, alone.
//
// The proxy of go's tests has more below its address than modules (`$GOPROXY/404`, `$GOPROXY/sumdb-wrong`), which no proxy
// passes on. The scripts that ask for that are named here, each with why, and must stop just there; every other one has to pass. Those about
// checksum databases pass in checksum-database.test.ts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { testServer } from "../../support/server.ts";
import { buildGosTest } from "./gos-test.ts";

const SCRIPTS = "^(mod|gotoolchain)_";
const TIMEOUT_MS = 3_600_000;

/**
 * What scripts ask of the proxy of go's tests that is no module, and what must stand where they stop: that, and nothing else.
 * Not every release has all of them.
 */
const OF_GOS_PROXY_ALONE: Readonly<Record<string, RegExp>> = {
  // Eleven redirects in a row, of which go follows ten.
  mod_download_too_many_redirects: /redirect\/11/,
  // A second proxy below the first, which the script tells apart by GONOPROXY.
  mod_gonoproxy: /sumdb-wrong/,
  // An address that is the proxy's with /mod behind it.
  mod_install_pkg_version: /\/mod\b/,
  // Answers 200 to everything with what is no list.
  mod_list_update_nolatest: /invalid/,
  mod_proxy_invalid: /invalid/,
  // Proxies that answer everything with this status.
  mod_proxy_list: /\/4(?:04|10|03)\b/,
  // Checksum databases below the proxy that redirect, lie, or are away.
  mod_sum_absent: /sumdb-redirect/,
  mod_sumdb: /sumdb-wrong/,
  mod_sumdb_cache: /sumdb-503/,
  mod_sumdb_proxy: /sumdb-direct/,
  mod_download_toolchain_gosum: /sumdb-wrong/,
  gotoolchain_switch_gosum: /sumdb-wrong/,
};

/** What go's tests say of a program that was not done in time: of the machine, and not of us. */
const TOO_SLOW = /WaitDelay expired|test timed out|signal: killed/;

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
    const run = async (pattern: string, atOnce: number): Promise<string> => {
      const words = [
        "-test.v",
        "-test.short",
        "-test.parallel",
        String(atOnce),
        "-test.run",
        `^TestScript$/${pattern}`,
      ];
      const scripts = spawn(program, words, {
        cwd: directory,
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, PROXY_OF_SCRIPTS: `${server.url}/api/v4/packages/go` },
      });
      let said = "";
      scripts.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      await once(scripts, "close");
      return said;
    };
    const first = outcomesIn(await run(SCRIPTS, 2));
    const slow = [...first].filter(([, { how, said }]) => how === "FAIL" && TOO_SLOW.test(said)).map(([name]) => name);
    // Alone they are not slow, or it is not the machine.
    const again = slow.length === 0 ? new Map() : outcomesIn(await run(`^(${slow.join("|")})$`, 1));
    const outcomes = new Map([...first, ...again]);
    const ended = (how: string): string[] => [...outcomes].filter(([, one]) => one.how === how).map(([name]) => name);
    const unexplained = ended("FAIL").filter((name) => !OF_GOS_PROXY_ALONE[name]?.test(outcomes.get(name)!.said));
    console.log(
      `${ended("PASS").length} of go's scripts passed, ${ended("SKIP").length} were skipped, tried again: ${slow}, failed: ${ended("FAIL")}`,
    );
    for (const name of unexplained) console.log(`${name}: ${outcomes.get(name)!.said}`);
    expect(unexplained).toEqual([]);
    const expected = Object.keys(OF_GOS_PROXY_ALONE).filter((name) => outcomes.has(name));
    expect(ended("FAIL").sort()).toEqual(expected.sort());
    expect(ended("PASS").length).toBeGreaterThan(200);
  },
);

interface Outcome {
  readonly how: "PASS" | "SKIP" | "FAIL";
  readonly said: string;
}

/** How each script ended, by its name, and what was said of it: scripts that run at once take turns in saying it. */
function outcomesIn(output: string): Map<string, Outcome> {
  const said = new Map<string, string>();
  const outcomes = new Map<string, Outcome>();
  let of = "";
  for (const line of output.split("\n")) {
    const [, turn] = /^=== \w+ +TestScript\/(\S+)/.exec(line) ?? [];
    const [, how, ended] = /^ *--- (PASS|SKIP|FAIL): TestScript\/(\S+)/.exec(line) ?? [];
    of = turn ?? ended ?? of;
    said.set(of, `${said.get(of) ?? ""}${line}\n`);
    if (ended !== undefined) outcomes.set(ended, { how: how as Outcome["how"], said: "" });
  }
  return new Map([...outcomes].map(([name, { how }]) => [name, { how, said: said.get(name)! }]));
}
