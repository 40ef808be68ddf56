// Trouble of an upstream: what concerns one path stays with that path, and only what concerns the connection counts for the
// host.
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Failure } from "../../src/errors.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { parseGoPath } from "../../src/gomod/proxy-path.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createDirect } from "../../src/upstream/direct.ts";
import { openGitMirrors } from "../../src/upstream/git-mirror.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { hostsNamedIn, parseUpstreams } from "../../src/upstream/policy.ts";
import { createUpstreamClient } from "../../src/upstream/upstream-client.ts";
import { createUpstreamHealth, FAILURES_UNTIL_DOWN } from "../../src/upstream/upstream-health.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const log = createLog("silent");

let upstream: FakeUpstream;
let server: TestServer;
const get = (path: string) => ask(server.url, `/api/v4/packages/go/${path}`);

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
});

describe("what concerns one path", () => {
  test("leaves every other module of that host alone: 5xx, refused redirects, bodies that break off, other encodings", async () => {
    const misbehave: ((res: import("node:http").ServerResponse) => void)[] = [
      (res) => res.writeHead(502).end(),
      (res) => res.writeHead(503).end(),
      (res) => res.writeHead(504).end(),
      (res) => res.writeHead(302, { location: "http://10.255.255.1/x" }).end(),
      (res) => res.writeHead(200, { "content-encoding": "br" }).end("x"),
      (res) => res.writeHead(200, { "content-length": 100 }).write("{", () => res.destroy()),
    ];
    const before = upstream.asked.length;
    for (let n = 0; n < 24; n++) {
      const at = `example.com/ill${n}/@v/v1.0.0.info`;
      upstream.on(at, (_, res) => misbehave[n % misbehave.length]!(res));
      expect([n, (await get(at)).status]).toEqual([n, 503]);
    }
    expect(upstream.asked.length - before).toBe(24);
    await upstream.version("example.com/well", "v1.0.0");
    expect((await get("example.com/well/@v/v1.0.0.info")).status).toBe(200);
  });

  test("is remembered for it for seconds, and no longer", async () => {
    for (const file of ["info", "mod", "zip"]) {
      const at = `example.com/single/@v/v1.0.0.${file}`;
      upstream.on(at, (_, res) => res.writeHead(503, { "content-type": "text/plain" }).end("come back\n"));
      for (let round = 0; round < 3; round++) {
        const answer = await get(at);
        expect([file, answer.status, answer.text]).toEqual([file, 503, expect.stringContaining("answered 503")]);
      }
      expect(upstream.count(at)).toBe(1);
    }
    await upstream.version("example.com/single", "v1.0.0");
    const info = () => get("example.com/single/@v/v1.0.0.info");
    expect((await eventually(info, ({ status }) => status === 200, 10_000)).status).toBe(200);
  });
});

describe("what concerns a host", () => {
  const clientOf = (url: string, clock: () => number) => {
    const list = parseUpstreams(url);
    const http = openHttp({ allowNetworks: [], trustedHosts: hostsNamedIn(list) });
    return createUpstreamClient(list, http, log, { health: createUpstreamHealth(log, clock) });
  };

  test("one that cannot be connected to is tried again within a second, by a single request", async () => {
    let clock = 1_000_000;
    let well = false;
    const plain = await fakeUpstream((_, res) => void (well ? res.end("x") : res.destroy()));
    const client = clientOf(plain.url, () => clock);
    const outcome = async (): Promise<boolean> =>
      await client.fetchBytes(parseGoPath("example.com/m/@v/list"), { maxBytes: 100 }).then(
        () => true,
        () => false,
      );
    for (let n = 0; n < FAILURES_UNTIL_DOWN + 5; n++) expect(await outcome()).toBe(false);
    expect(plain.asked).toHaveLength(FAILURES_UNTIL_DOWN);
    clock += 1_000;
    expect(await Promise.all([outcome(), outcome(), outcome()])).toEqual([false, false, false]);
    expect(plain.asked).toHaveLength(FAILURES_UNTIL_DOWN + 1);
    well = true;
    clock += 1_000;
    expect(await outcome()).toBe(true);
    expect(await Promise.all([outcome(), outcome()])).toEqual([true, true]);
  });

  test("a redirect to a host that is away says nothing against the one that sent there", async () => {
    const plain = await fakeUpstream((req, res) => {
      if (req.url?.includes("moved")) res.writeHead(302, { location: "http://127.0.0.1:1/x" }).end();
      else res.end("x");
    });
    const client = clientOf(`${plain.url}`, Date.now);
    for (let n = 0; n < 10; n++)
      await client.fetchBytes(parseGoPath(`example.com/moved${n}/@v/list`), { maxBytes: 100 }).catch(() => {});
    expect(plain.asked).toHaveLength(10);
    expect((await client.fetchBytes(parseGoPath("example.com/m/@v/list"), { maxBytes: 100 })).kind).toBe("found");
  });
});

describe("a Go proxy where a go-import tag leads", () => {
  test.each([
    [404, "absent"],
    [410, "absent"],
    [403, "forbidden"],
    [401, "unavailable"],
    [500, "unavailable"],
    [503, "unavailable"],
  ])("its %i is %s", async (status, outcome) => {
    const plain = await fakeUpstream((_, res) =>
      res.writeHead(status, { "content-type": "text/plain" }).end("so it is\n"),
    );
    const http = openHttp({ allowNetworks: ["127.0.0.0/8"], trustedHosts: new Set() });
    const repositories = new Repositories();
    const mirrors = await openGitMirrors({ directory: join(temporary("mirrors"), "mirrors"), repositories, http });
    const find = async () => ({ vcs: "mod", root: "example.com/m", url: plain.url }) as const;
    const direct = createDirect({ http, mirrors, find });
    const answered = await direct(parseGoPath("example.com/m/@v/v1.0.0.info"), { maxBytes: 100 }).then(
      (answer) => (answer.kind === "absent" ? `absent ${answer.status}: ${answer.text}` : "found"),
      (error: Failure) => `${error.kind}: ${error.message}`,
    );
    expect(answered).toMatch(
      new RegExp(outcome === "absent" ? `^absent ${status}: so it is` : `^${outcome}: .*so it is`),
    );
    expect(plain.asked).toEqual(["example.com/m/@v/v1.0.0.info"]);
    http.close();
    await repositories.close();
  });
});
