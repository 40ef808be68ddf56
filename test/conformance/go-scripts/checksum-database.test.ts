// The go command's own scripts about checksum databases (GOROOT/src/cmd/go/testdata/script/mod_sumdb*.txt), run by its own
// test, with its own test proxy and database behind us: whatever the scripts fetch and verify passes through Gokura. Once the
// database is the proxy's, which is passed on; once it is our own log, under the name and the key that the scripts expect.
//
// To build that test takes a minute, so it runs with `npm run conformance` alone, of the release that is on the PATH.
import { execFile } from "node:child_process";
import http from "node:http";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { fakeUpstream } from "../../support/fake-upstream.ts";
import { type TestServer, testServer } from "../../support/server.ts";
import { buildGosTest, type GosTest } from "./gos-test.ts";

const run = promisify(execFile);
const ENDPOINT = "/api/v4/packages/go";
/** That of the scripts. */
const NAME = "localhost.localdev/sumdb";
const SCRIPTS = ["mod_sumdb", "mod_sumdb_cache", "mod_sumdb_proxy"];

/** Sends a request on, and its answer back. */
function forward(to: string, req: http.IncomingMessage, res: http.ServerResponse): void {
  const { host: _, ...headers } = req.headers;
  req.pipe(
    http.request(to, { method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(res);
    }),
  );
}

describe.skipIf(process.env.CONFORMANCE === undefined)("go's own scripts pass through us", () => {
  let gos: GosTest;
  /** Go's test proxy. */
  let proxy: string;

  beforeAll(async () => {
    gos = buildGosTest();
    proxy = await gos.startProxy();
  }, 600_000);

  /** The scripts' view of a server: its endpoint, and what their own proxy has for them besides. */
  const frontOf = async (server: TestServer): Promise<string> => {
    const front = await fakeUpstream((req, res) => {
      const path = req.url!.replace(/^\/mod\//, "");
      const [, status, rest = path] = /^sumdb-(\d+)\/(.*)$/.exec(path) ?? [];
      if (status && rest.startsWith("sumdb/")) return res.writeHead(Number(status)).end();
      // A database whose every sum is wrong is not one that we would pass on.
      if (rest.startsWith("sumdb-wrong/")) return forward(`${proxy}/${rest}`, req, res);
      return forward(`${server.url}${ENDPOINT}/${rest.replace(/^sumdb-direct\//, `sumdb/${NAME}/`)}`, req, res);
    });
    return `${front.url}/mod`;
  };

  const scripts = async (server: TestServer): Promise<string> => {
    const env = { ...process.env, PROXY_OF_SCRIPTS: await frontOf(server) };
    const { program, directory } = gos;
    const words = ["-test.v", `-test.run=^TestScript$/^(${SCRIPTS.join("|")})$`];
    const { stdout } = await run(program, words, { cwd: directory, env, maxBuffer: 1 << 28 }).catch((error) => error);
    return stdout;
  };
  const passes = async (server: TestServer): Promise<void> => {
    const output = await scripts(server);
    for (const script of SCRIPTS) expect(output).toContain(`--- PASS: TestScript/${script} `);
  };

  test("with its database passed on", { timeout: 300_000 }, async () => {
    const server = await testServer({
      environment: {
        ...{ GOKURA_UPSTREAM: proxy, GOKURA_UPSTREAM_VERIFY: "require" },
        GOKURA_SUMDB: `${gos.verifierKey} ${proxy}/sumdb-direct`,
      },
    });
    await passes(server);
    const { rows } = await server.registry.database.pool.query(
      "SELECT path FROM proved_sum WHERE path = 'rsc.io/fortune' AND version = 'v1.0.0'",
    );
    expect(rows).toHaveLength(1);
  });

  test("with our own log in its place", { timeout: 300_000 }, async () => {
    const server = await testServer({
      environment: {
        ...{ GOKURA_UPSTREAM: proxy, GOKURA_UPSTREAM_VERIFY: "require", GOKURA_UPSTREAM_NOSUMDB: "*" },
        ...{ GOKURA_SUMDB_NAME: NAME, GOKURA_SUMDB_KEY: gos.signerKey },
      },
    });
    await passes(server);
    const { rows } = await server.registry.database.pool.query(
      "SELECT basis FROM sum_record WHERE path = 'rsc.io/fortune' AND version = 'v1.0.0'",
    );
    expect(rows).toEqual([{ basis: "OBSERVED" }]);
  });
});
