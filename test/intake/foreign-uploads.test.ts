// Pipelines that publish to Gitea or to Artifactory, with another host name: their very requests, by curl where it is documented
// so, and as Artifactory's client sends them.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { zipOf } from "../support/fake-upstream.ts";
import { type Answer, ask, basic } from "../support/http.ts";
import { type Ended, runProgram } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const P = "gokura.test/acme/Lib";
const READ = "/api/v4/projects/acme%2FLib/packages/go/gokura.test/acme/!lib/@v";

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await testServer();
  token = await server.token("acme");
  await createProject(server.registry, OPERATOR, { fullPath: "acme/Lib", visibility: "PUBLIC" });
});

const moduleZip = (version: string, path = P): Promise<Buffer> =>
  zipOf(`${path}@${version}`, { "go.mod": `module ${path}\n`, "a.go": "package lib\n" });

test("Gitea's line of curl publishes what the zip says that it is, and nothing that is not the group's", async () => {
  const directory = temporary("gitea");
  const upload = async (zip: Buffer, owner = "acme"): Promise<Ended> => {
    const file = join(directory, "file.zip");
    writeFileSync(file, zip);
    const url = `${server.url}/api/packages/${owner}/go/upload`;
    const words = ["-sS", "-w", " %{http_code}", "--user", `acme:${token}`, "--upload-file", file, url];
    return runProgram("curl", words, { env: { PATH: process.env.PATH ?? "" } });
  };
  const zip = await moduleZip("v1.0.0");
  expect((await upload(zip)).output).toMatch(/"go_get":"go get gokura\.test\/acme\/Lib@v1\.0\.0"\} 201$/);
  expect((await upload(zip)).output).toMatch(/ 200$/);
  expect((await ask(server.url, `${READ}/v1.0.0.zip`)).bytes.equals(zip)).toBe(true);
  expect((await upload(await moduleZip("v1.0.0", "golang.org/x/net"))).output).toMatch(/ 404$/);
  expect((await upload(zip, "nobody")).output).toMatch(/ 404$/);
  expect((await upload(Buffer.from("no zip"))).output).toMatch(/ 422$/);
});

test("Artifactory's client sends .zip, .mod and .info, and hears 201 and the sum of each", async () => {
  const put = (repository: string, file: string, body: Buffer | string): Promise<Answer> => {
    const sha256 = createHash("sha256").update(body).digest("hex");
    const headers = {
      ...basic("acme", token),
      "x-checksum-sha256": sha256,
      "x-checksum-md5": "",
      "x-checksum-sha1": "",
    };
    const path = `/artifactory/api/go/${repository}/${P}/@v/${file};build.name=a%20b;go.version=v1.1.0`;
    return ask(server.url, path, { method: "PUT", headers, body });
  };
  expect(JSON.parse((await ask(server.url, "/artifactory/api/system/version")).text).version).toBe("7.0.0");
  const zip = await moduleZip("v1.1.0");
  const info = '{"Version":"v1.1.0","Time":"2026-01-02T03:04:05Z"}';
  expect((await put("acme", "v1.1.0.mod", `module ${P}\n`)).status).toBe(404);
  for (const repository of ["acme", "acme%2FLib"]) {
    const sent = await put(repository, "v1.1.0.zip", zip);
    const sha256 = createHash("sha256").update(zip).digest("hex");
    expect([sent.status, JSON.parse(sent.text).checksums]).toEqual([201, { sha256 }]);
    expect((await put(repository, "v1.1.0.mod", `module ${P}\n`)).status).toBe(201);
    expect((await put(repository, "v1.1.0.info", info)).status).toBe(201);
  }
  expect((await put("acme", "v1.1.0.mod", "module x\n")).status).toBe(409);
  expect((await put("acme", "v1.1.0.info", '{"Version":"v9.0.0"}')).status).toBe(409);
  const headers = { ...basic("acme", token), "x-checksum-sha256": "0".repeat(64) };
  const path = `/api/go/acme/${P}/@v/v1.2.0.zip;go.version=v1.2.0`;
  const damaged = await ask(server.url, path, { method: "PUT", headers, body: await moduleZip("v1.2.0") });
  expect(damaged.status).toBe(422);
  expect((await ask(server.url, `${READ}/v1.2.0.info`)).status).toBe(404);
});
