// One line, GOSUMDB with the key of our own log, verifies all that go fetches: private and public modules and toolchains, while
// others publish, and with nobody to ask. The public modules and their database are an upstream's of this test. Twenty modules;
// `npm run conformance` makes two hundred.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { h1OfGoMod } from "../../src/gomod/dir-hash.ts";
import { ensureRecord } from "../../src/registry/checksums/checksum-log.ts";
import { observed } from "../registry/checksums/records.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type GoCommand, goCommand } from "../support/go.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";
import { type MadeDatabase, makeDatabase } from "../support/sum-database.ts";
import { h1OfZip } from "../support/zip-sum.ts";

const MODULES = process.env.CONFORMANCE === undefined ? 20 : 200;
const ENDPOINT = "/api/v4/packages/go";
const TOOLCHAIN = "golang.org/toolchain";

let upstream: FakeUpstream;
let database: MadeDatabase;
let server: TestServer;
let token: string;
/** The program's modules, each with its version: the first half is hosted and private, the second public. */
const modules = Array.from({ length: MODULES }, (_, n) =>
  n < MODULES / 2 ? `gokura.test/alice/many/m${n}` : `public.test/m${n}`,
);

/** A version upstream whose record is in the database. */
async function publish(modulePath: string, version: string, files: Record<string, string>): Promise<void> {
  const { mod, zip } = await upstream.version(modulePath, version, files);
  database.add(modulePath, version, { h1: await h1OfZip(`${modulePath}@${version}`, zip), goModH1: h1OfGoMod(mod) });
}

beforeAll(async () => {
  upstream = await fakeUpstream();
  database = makeDatabase("sum.example.test/db");
  database.grow(300);
  const own = await fakeUpstream((req, res) => void (database.handle(req, res) || res.writeHead(404).end()));
  server = await testServer({
    tls: true,
    environment: {
      ...{ GOKURA_UPSTREAM: upstream.url, GOKURA_UPSTREAM_VERIFY: "require" },
      GOKURA_SUMDB: `${database.verifierKey} ${own.url}`,
    },
  });
  token = await server.token("alice");
  for (const path of modules.slice(MODULES / 2)) await publish(path, "v1.0.0", { "a.go": "package x\n" });
  await pushRecipe(
    remoteOf(server.url, "alice/many", token),
    (r) => {
      const files = modules.slice(0, MODULES / 2).flatMap((path, n) => [
        [`m${n}/go.mod`, `module ${path}\n\ngo 1.21\n`],
        [`m${n}/a.go`, "package x\n"],
      ]);
      const commit = r.commit(Object.fromEntries(files));
      for (let n = 0; n < MODULES / 2; n++) r.tag(`m${n}/v1.0.0`, commit);
    },
    { GIT_SSL_CAINFO: server.certificateFile },
  );
}, 300_000);

function go(at: TestServer, env: Record<string, string> = {}): GoCommand {
  const netrc = [`machine ${new URL(at.url).host} login alice password ${token}`];
  return goCommand(
    {
      ...{ GOPROXY: at.url + ENDPOINT, GOSUMDB: server.verifierKey, GONOSUMDB: "", SSL_CERT_FILE: at.certificateFile },
      ...env,
    },
    netrc,
  );
}

/** A program of all modules, of which nothing is known but what it requires. */
function program({ cwd }: GoCommand): void {
  const requires = modules.map((path) => `\t${path} v1.0.0\n`).join("");
  writeFileSync(join(cwd, "go.mod"), `module example.com/work\n\ngo 1.21\n\nrequire (\n${requires})\n`);
  const imports = modules.map((path) => `\t_ "${path}"\n`).join("");
  writeFileSync(join(cwd, "main.go"), `package main\n\nimport (\n${imports})\n\nfunc main() {}\n`);
}

/** The lines of go.sum that the log has for the program. */
async function logged(): Promise<string[]> {
  const { rows } = await server.registry.database.pool.query<{ path: string; h1: string; mod: string }>(
    `SELECT path, encode(h1, 'base64') AS h1, encode(go_mod_h1, 'base64') AS mod FROM sum_record
      WHERE path = ANY($1) AND version = 'v1.0.0'`,
    [modules],
  );
  return rows.flatMap(({ path, h1, mod }) => [`${path} v1.0.0 h1:${h1}`, `${path} v1.0.0/go.mod h1:${mod}`]).sort();
}

test(`go mod tidy of ${MODULES} modules, private and public, while others publish`, { timeout: 600_000 }, async () => {
  const command = go(server);
  program(command);
  let isOver = false;
  let published = 0;
  const publishing = (async () => {
    for (; !isOver; published++) {
      database.grow(7);
      await ensureRecord(server.checksums, observed(`meanwhile${published}`));
    }
  })();
  const pushing = pushRecipe(
    remoteOf(server.url, "alice/meanwhile", token),
    (r) => {
      for (let n = 0; n < 20; n++)
        r.tag(
          `v1.${n}.0`,
          r.commit({ "go.mod": "module gokura.test/alice/meanwhile\n", "a.go": `package x // ${n}\n` }),
        );
    },
    { GIT_SSL_CAINFO: server.certificateFile },
  );
  try {
    await command.must("mod", "tidy");
  } finally {
    isOver = true;
    await Promise.all([publishing, pushing]);
  }
  expect(published).toBeGreaterThan(10);
  const lines = readFileSync(join(command.cwd, "go.sum"), "utf8").trimEnd().split("\n").sort();
  expect(lines).toHaveLength(2 * MODULES);
  expect(lines).toEqual(await logged());
  await command.must("mod", "verify");
});

test("a toolchain is switched to by our log, and one with other bytes is not", async () => {
  const platform = `${await go(server).must("env", "GOOS")}-${await go(server).must("env", "GOARCH")}`.replace(
    /\s/g,
    "",
  );
  const files = (says: string) => ({
    "bin/go": `#!/bin/sh\necho ${says}\n`,
    "bin/gofmt": "",
    "lib/none": "",
    "pkg/tool/none": "",
    VERSION: "go1.99\n",
  });
  const [good, bad] = [`v0.0.1-go1.99.0.${platform}`, `v0.0.1-go1.99.1.${platform}`];
  await publish(TOOLCHAIN, good, files("honest"));
  expect(await go(server, { GOTOOLCHAIN: "go1.99.0" }).must("version")).toContain("\nhonest\n");
  await publish(TOOLCHAIN, bad, files("honest"));
  await upstream.version(TOOLCHAIN, bad, files("lies"));
  const { status, output } = await go(server, { GOTOOLCHAIN: "go1.99.1" }).run("version");
  expect([status, output]).toEqual([1, expect.stringContaining("SECURITY ERROR")]);
  expect(output).not.toContain("lies");
});

test("with nobody to ask, fresh caches verify all of it again", { timeout: 300_000 }, async () => {
  const offline = await testServer({
    tls: true,
    environment: {
      GOKURA_UPSTREAM: "off",
      DATABASE_URL: server.registry.database.url,
      GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory),
      GOKURA_SUMDB_KEY: readFileSync(join(server.dataDirectory, "sumdb/keys"), "utf8").trim(),
    },
  });
  upstream.down(true);
  const command = go(offline);
  program(command);
  await command.must("mod", "tidy");
  const lines = readFileSync(join(command.cwd, "go.sum"), "utf8").trimEnd().split("\n").sort();
  expect(lines).toEqual(await logged());
  expect(await go(offline, { GOTOOLCHAIN: "go1.99.0" }).must("version")).toContain("\nhonest\n");
});
