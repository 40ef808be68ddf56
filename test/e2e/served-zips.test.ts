// The zips that are served, in the eyes of golang.org/x/mod: CheckZip finds nothing wrong, and HashZip gives our h1.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { buildOracle, type Oracle } from "../conformance/x-mod/oracle.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const P = "gokura.test/acme/zips";

let server: TestServer;
let oracle: Oracle;

beforeAll(async () => {
  server = await testServer();
  oracle = buildOracle();
  const token = await server.token("acme");
  await createProject(server.registry, OPERATOR, { fullPath: "acme/zips", visibility: "PUBLIC" });
  await pushRecipe(remoteOf(server.url, "acme/zips", token), (r) => {
    const plain = r.commit({
      "go.mod": `module ${P}\n`,
      "a.go": "package zips\n",
      "ünïcode.txt": "x\n",
      LICENSE: "MIT\n",
    });
    r.tag("v1.0.0", plain);
    const odd = r.commit({
      ".gitattributes": "*.crlf text eol=crlf\nexported.txt export-ignore\n",
      "lines.crlf": "a\nb\n",
      "exported.txt": "kept all the same\n",
      "link.go": { symlink: "a.go" },
      "run.sh": { executable: "#!/bin/sh\n" },
      "empty.txt": "",
      "big.bin": Buffer.alloc(3_000_000, 7),
      "vendor/x/x.go": "package x\n",
      "sub/go.mod": `module ${P}/sub\n`,
      "sub/s.go": "package s\n",
    });
    r.tag("v1.1.0", odd);
    r.tag("sub/v0.1.0", odd);
    r.tag("v2.0.0", r.commit({ "v2/go.mod": `module ${P}/v2\n`, "v2/b.go": "package zips\n" }));
  });
});

afterAll(() => oracle?.remove());

test.each([
  [P, "v1.0.0"],
  [P, "v1.1.0"],
  [`${P}/sub`, "v0.1.0"],
  [`${P}/v2`, "v2.0.0"],
])("%s %s", async (path, version) => {
  const answer = await ask(server.url, `/api/v4/projects/acme%2Fzips/packages/go/${path}/@v/${version}.zip`);
  expect(answer.status).toBe(200);
  const file = join(temporary("zip"), "module.zip");
  writeFileSync(file, answer.bytes);
  const row = await server.registry.prisma.moduleVersion.findFirst({ where: { version, module: { path } } });
  expect(row?.h1).toMatch(/^h1:/);
  // Checked by CheckZip (and unpacked by Unzip) before it is hashed: a fault would be {error} instead.
  expect(oracle.ask([{ op: "checkZip", args: [path, version, file] }])).toEqual([
    expect.objectContaining({ h1: row?.h1 }),
  ]);
});
