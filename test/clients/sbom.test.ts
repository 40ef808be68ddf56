// What a version is made of, as bills of materials that their own validators read, and the reports beside them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import licenses from "spdx-license-list/full.js";
import { beforeAll, describe, expect, test } from "vitest";
import { createAdvisory } from "../../src/registry/advisories/own-advisories.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";
import { vulnerabilityFeed } from "../support/vulnerability-feed.ts";
import { pythonWith, required } from "./installed.ts";

const OWN = "gokura.test/acme/lib";
const SECRET = "gokura.test/acme/secret";
/** The first run installs the tools. */
const TIMEOUT_MS = 300_000;
let server: TestServer;
/** Where it listens. What clients are told, GOKURA_URL, is a name: to the tools of SPDX an address of digits is no URL. */
let url = "";
let stranger = "";

const get = (path: string, token = ADMIN_TOKEN): Promise<Answer> =>
  ask(url, `/api/v4/${path}`, { headers: bearer(token) });
const sbom = async (format: string, token = ADMIN_TOKEN): Promise<Answer> =>
  get(`sbom?module=${OWN}&version=v1.0.0&format=${format}`, token);
// biome-ignore lint/suspicious/noExplicitAny: answers have the shape of whatever was asked
async function graphql(query: string, token = ADMIN_TOKEN): Promise<any> {
  const headers = { "content-type": "application/json", ...bearer(token) };
  const { text } = await ask(url, "/api/graphql", { method: "POST", headers, body: JSON.stringify({ query }) });
  return JSON.parse(text);
}

beforeAll(async () => {
  const upstream = await fakeUpstream();
  const { MIT, "GPL-3.0-only": GPL } = licenses;
  await upstream.version("example.com/Mit", "v1.2.0", {
    "go.mod": "module example.com/Mit\n\ngo 1.21\n\nrequire example.com/both v2.0.0+incompatible\n",
    LICENSE: MIT!.licenseText,
  });
  await upstream.version("example.com/both", "v2.0.0+incompatible", {
    "go.mod": "module example.com/both\n",
    LICENSE: MIT!.licenseText,
    COPYING: GPL!.licenseText,
  });
  await upstream.version("example.com/odd", "v0.1.0", { LICENSE: "Ask my grandmother. ".repeat(40) });
  await upstream.version("example.com/none", "v0.1.0");
  const source = await fakeUpstream();
  vulnerabilityFeed(
    source,
    "2026-01-01T00:00:00Z",
    { id: "GO-2026-0001", module: "example.com/Mit", events: [{ introduced: "0" }, { fixed: "1.3.0" }] },
    { id: "GO-2026-0002", module: "example.com/none", events: [{ introduced: "0" }] },
  );
  server = await testServer({
    environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_VULNDB: source.url, GOKURA_URL: "https://go.example.com" },
  });
  const { registry } = server;
  url = `http://127.0.0.1:${server.port}`;
  stranger = await server.token("stranger", "api");
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "acme/secret", visibility: "PRIVATE" });
  await pushRecipe(remoteOf(url, "acme/secret", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${SECRET}\n`, LICENSE: MIT!.licenseText }));
  });
  const goMod = `module ${OWN}\n\ngo 1.16\n\nrequire (
\texample.com/Mit v1.2.0\n\texample.com/odd v0.1.0\n\texample.com/gone v1.0.0\n\t${SECRET} v1.0.0\n\texample.com/here v0.0.0\n)
replace (\n\texample.com/gone => example.com/none v0.1.0\n\texample.com/here => ./here\n)\n`;
  await pushRecipe(remoteOf(url, "acme/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": goMod, "a.go": "package lib\n", LICENSE: MIT!.licenseText }));
  });
  await createAdvisory(registry, OPERATOR, { modulePath: SECRET, summary: "the door is open" });
  for (const name of ["example.com/!mit/@v/v1.2.0", "example.com/both/@v/v2.0.0+incompatible"])
    expect((await get(`packages/go/${name}.zip`)).status).toBe(200);
  for (const name of ["odd", "none"])
    expect((await get(`packages/go/example.com/${name}/@v/v0.1.0.zip`)).status).toBe(200);
  await eventually(
    () => get(`packages/go/${SECRET}/@v/v1.0.0.zip`),
    ({ status }) => status === 200,
    10_000,
  );
  await eventually(
    () => get(`packages/go/${OWN}/@v/v1.0.0.zip`),
    ({ status }) => status === 200,
    10_000,
  );
  await eventually(
    () => ask(url, "/vulndb/index/db.json"),
    ({ status }) => status === 200,
    10_000,
  );
});

interface CycloneDx {
  readonly metadata: { readonly component: Named; readonly properties: readonly { name: string; value: string }[] };
  readonly components: readonly Named[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  readonly vulnerabilities: readonly {
    readonly id: string;
    readonly recommendation?: string;
    readonly affects: readonly { readonly ref: string }[];
  }[];
}
interface Named {
  readonly name: string;
  readonly version?: string;
  readonly purl: string;
  readonly licenses?: readonly { readonly license: { readonly id?: string; readonly name?: string } }[];
  readonly hashes?: readonly unknown[];
}

test("CycloneDX: the build list with licences, sums and vulnerabilities, as its own strict validator has it", async () => {
  const { status, headers, text } = await sbom("cyclonedx");
  expect([status, headers["content-type"]]).toEqual([200, expect.stringContaining("application/vnd.cyclonedx+json")]);
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
  const bom: CycloneDx = JSON.parse(text);
  const licensesOf = ({ licenses = [] }: Named) => licenses.map(({ license }) => license.id ?? license.name);
  expect([bom.metadata.component, ...bom.components].map((one) => [one.purl, licensesOf(one)])).toEqual([
    [`pkg:golang/${OWN}@v1.0.0?type=module`, ["MIT"]],
    ["pkg:golang/example.com/Mit@v1.2.0?type=module", ["MIT"]],
    ["pkg:golang/example.com/both@v2.0.0%2Bincompatible?type=module", ["GPL-3.0", "MIT"]],
    ["pkg:golang/example.com/none@v0.1.0?type=module", []],
    ["pkg:golang/example.com/here?type=module", []],
    ["pkg:golang/example.com/odd@v0.1.0?type=module", ["a licence that is not recognised"]],
    [`pkg:golang/${SECRET}@v1.0.0?type=module`, ["MIT"]],
  ]);
  expect(bom.components[0]!.hashes).toEqual([{ alg: "SHA-256", content: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
  const needed = new Map(bom.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  expect(needed.get("pkg:golang/example.com/Mit@v1.2.0?type=module")).toEqual([
    "pkg:golang/example.com/both@v2.0.0%2Bincompatible?type=module",
  ]);
  expect(bom.vulnerabilities.map(({ id, recommendation, affects }) => [id, recommendation, affects[0]!.ref])).toEqual([
    ["GO-2026-0001", "upgrade to v1.3.0 or later", "pkg:golang/example.com/Mit@v1.2.0?type=module"],
    ["GO-2026-0002", undefined, "pkg:golang/example.com/none@v0.1.0?type=module"],
    ["GOKURA-2026-0001", undefined, `pkg:golang/${SECRET}@v1.0.0?type=module`],
  ]);
  expect(bom.metadata.properties[0]).toEqual({
    name: "gokura:vulnerabilities:checkedAt",
    value: expect.stringContaining("T"),
  });
});

test(
  "SPDX: the same, as the python tools of SPDX have it",
  async (context) => {
    const python = required(await pythonWith(join(import.meta.dirname, "spdx-tools/requirements.txt")), context);
    const { headers, text } = await sbom("spdx");
    expect(headers["content-type"]).toContain("application/spdx+json");
    const file = join(temporary("spdx"), "lib.spdx.json");
    writeFileSync(file, text);
    const validate = () =>
      runProgram(python, ["-m", "spdx_tools.spdx.clitools.pyspdxtools", "--infile", file, "--version", "SPDX-2.3"], {
        env: { PATH: "" },
      });
    const validated = await validate();
    expect(validated).toEqual({ status: 0, output: "" });
    // And one that is not right is told.
    writeFileSync(file, text.replace('"licenseDeclared": "GPL-3.0 AND MIT"', '"licenseDeclared": "GPL-3.0 MIT"'));
    const spoilt = await validate();
    expect([spoilt.status, spoilt.output]).toEqual([1, expect.stringContaining("GPL-3.0 MIT")]);
    const { packages } = JSON.parse(text);
    expect(packages.map((one: { licenseDeclared: string }) => one.licenseDeclared)).toEqual([
      ...["MIT", "MIT", "GPL-3.0 AND MIT", "NONE", "NOASSERTION", "NOASSERTION", "MIT"],
    ]);
  },
  TIMEOUT_MS,
);

describe("what one may not read", () => {
  test("is named in the build list, for the go.mod names it, and nothing else of it is told", async () => {
    const bom: CycloneDx = JSON.parse((await sbom("cyclonedx", stranger)).text);
    const secret = bom.components.find(({ name }) => name === SECRET)!;
    expect([secret.licenses, secret.hashes]).toEqual([undefined, undefined]);
    expect(bom.vulnerabilities.map(({ id }) => id)).toEqual(["GO-2026-0001", "GO-2026-0002"]);
    expect((await get(`sbom?module=${SECRET}&version=v1.0.0`, stranger)).status).toBe(404);
    expect((await get(`sbom?module=${OWN}&version=v9.0.0`)).status).toBe(404);
    expect((await get(`sbom?module=${OWN}&version=main`)).status).toBe(400);
  });
});

describe("reports", () => {
  const ids = (answer: { vulnerabilities: readonly { id: string; module: string }[] }): string[] =>
    answer.vulnerabilities.map(({ id, module }) => `${id} ${module}`);
  const ALL = ["GO-2026-0001 example.com/Mit", "GOKURA-2026-0001 gokura.test/acme/secret"];

  test("of a version, of its build list, of a project, of a go.sum, by REST", async () => {
    const report = async (path: string, token?: string) => ids(JSON.parse((await get(path, token)).text));
    const version = `vulnerability_report?module=${OWN}&version=v1.0.0`;
    expect([await report(version), (await report(`${version}&build_list=true`)).toSorted()]).toEqual([[], ALL]);
    expect((await report("projects/acme%2Flib/vulnerability_report")).toSorted()).toEqual(ALL);
    expect(await report("projects/acme%2Flib/vulnerability_report", stranger)).toEqual(ALL.slice(0, 1));
    expect((await get("projects/acme%2Fsecret/vulnerability_report", stranger)).status).toBe(404);
    const goSum = `example.com/Mit v1.2.0 h1:a=\nexample.com/none v0.1.0/go.mod h1:b=\n${SECRET} v1.0.0 h1:c=\nnonsense\n`;
    const headers = { "content-type": "application/json" };
    const posted = (token: string) =>
      ask(url, "/api/v4/vulnerability_report", {
        ...{ method: "POST", headers: { ...headers, ...bearer(token) }, body: JSON.stringify({ go_sum: goSum }) },
      });
    expect(ids(JSON.parse((await posted(ADMIN_TOKEN)).text))).toEqual(ALL);
    expect(ids(JSON.parse((await posted(stranger)).text))).toEqual(ALL.slice(0, 1));
  });

  test("of a build list and of a project, by GraphQL", async () => {
    const asked = `{
      goModule(path: "${OWN}") {
        latestVersion { vulnerabilities { id } buildList { vulnerabilities { id modulePath version reviewed fixedIn } } }
      }
      project(fullPath: "acme/lib") { vulnerabilities { id modulePath } }
    }`;
    const { data } = await graphql(asked, stranger);
    expect(data.goModule.latestVersion).toEqual({
      vulnerabilities: [],
      buildList: {
        vulnerabilities: [
          { id: "GO-2026-0001", modulePath: "example.com/Mit", version: "v1.2.0", reviewed: true, fixedIn: "v1.3.0" },
        ],
      },
    });
    expect(data.project.vulnerabilities).toEqual([{ id: "GO-2026-0001", modulePath: "example.com/Mit" }]);
    expect((await graphql(asked)).data.project.vulnerabilities).toHaveLength(2);
  });
});
