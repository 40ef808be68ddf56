// What an administrator sets, through the whole server: credentials that reach their upstream and nothing else, a
// certificate of one's own, and how long what changes is believed.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ensureSelfSigned } from "../../src/http/self-signed-certificate.ts";
import { eventually } from "../support/eventually.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const get = (server: TestServer, path: string, headers: Record<string, string> = {}) =>
  ask(server.url, `/api/v4/packages/go/${path}`, { headers });

// Side by side: the last one waits until it is forgotten that something was not there.
test.concurrent("credentials go to their upstream alone, over TLS that is trusted by its own certificate, and into no log", async () => {
  const directory = join(temporary("tls"), "tls");
  mkdirSync(directory, { recursive: true });
  const tls = await ensureSelfSigned(directory, ["127.0.0.1"]);
  const caFile = join(directory, "ca.pem");
  writeFileSync(caFile, tls.cert);
  const seen: (string | undefined)[] = [];
  const elsewhere: (string | undefined)[] = [];
  const other = await fakeUpstream(
    (req, res) => {
      elsewhere.push(req.headers.authorization);
      res.end("module example.com/moved\n");
    },
    { tls },
  );
  const upstream = await fakeUpstream(
    (req, res) => {
      seen.push(req.headers.authorization);
      if (req.url?.includes("moved")) res.writeHead(302, { location: `${other.url}/moved` }).end();
      else if (req.url?.includes("failing")) res.writeHead(500, { "content-type": "text/plain" }).end("no\n");
      else if (req.url?.includes("breaking")) res.destroy();
      else if (req.url?.includes("missing")) res.writeHead(404, { "content-type": "text/plain" }).end("none\n");
      else res.end('{"Version":"v1.0.1"}');
    },
    { tls },
  );
  const list = upstream.url.replace("https://", "https://reader:hush-hush-secret@");
  const server = await testServer({
    environment: {
      GOKURA_UPSTREAM: list,
      GOKURA_UPSTREAM_CA_FILE: caFile,
      GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
      GOKURA_LOG_LEVEL: "trace",
    },
  });
  const answers: string[] = [];
  for (const name of ["moved", "failing", "breaking", "missing", "wrong"])
    for (const file of ["mod", "info", "zip"]) {
      const { status, headers, text } = await get(server, `example.com/${name}/@v/v1.0.0.${file}`, bearer(ADMIN_TOKEN));
      answers.push(`${status} ${JSON.stringify(headers)} ${text}`);
    }
  expect(answers[0]).toMatch(/^200 /);
  const expected = `Basic ${Buffer.from("reader:hush-hush-secret").toString("base64")}`;
  expect(new Set(seen)).toEqual(new Set([expected]));
  expect(elsewhere.length).toBeGreaterThan(0);
  expect(new Set(elsewhere)).toEqual(new Set([undefined]));
  const events = await server.registry.prisma.auditEvent.findMany();
  const told = [...answers, ...server.logged, JSON.stringify(events.map(({ detail, subject }) => [detail, subject]))];
  expect(told.join("\n")).toContain(new URL(upstream.url).host);
  for (const secret of ["hush-hush-secret", expected.slice("Basic ".length), ADMIN_TOKEN])
    expect(told.filter((text) => text.includes(secret))).toEqual([]);
});

test.concurrent("a list is as fresh as GOKURA_UPSTREAM_TTL says", async () => {
  const upstream = await fakeUpstream();
  const lists = async (ttl: string): Promise<string[]> => {
    const server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_UPSTREAM_TTL: ttl } });
    const path = `example.com/ttl${ttl}`;
    const texts: string[] = [];
    for (const version of ["v1.0.0", "v1.1.0", "v1.2.0"]) {
      await upstream.version(path, version);
      texts.push((await get(server, `${path}/@v/list`)).text);
    }
    return texts;
  };
  expect(await lists("3600")).toEqual(["v1.0.0\n", "v1.0.0\n", "v1.0.0\n"]);
  expect(await lists("0")).toEqual(["v1.0.0\n", "v1.0.0\nv1.1.0\n", "v1.0.0\nv1.1.0\nv1.2.0\n"]);
});

test.concurrent("what was not there is there within seconds of its publication", async () => {
  const upstream = await fakeUpstream();
  const server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  const rests = ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"];
  const statuses = async () =>
    Promise.all(rests.map(async (rest) => (await get(server, `example.com/soon/${rest}`)).status));
  expect(await statuses()).toEqual([404, 404, 404, 404, 404]);
  await upstream.version("example.com/soon", "v1.0.0");
  expect(await eventually(statuses, (all) => all.every((one) => one === 200), 15_000)).toEqual([
    200, 200, 200, 200, 200,
  ]);
});
