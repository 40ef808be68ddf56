// Who published a version, by which token, from which commit: signed, by every door, and checked by the key alone.
import { createPublicKey, verify } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { type ProvenanceStatement, verifiedStatement } from "../../src/registry/provenance/provenance.ts";
import { runHere } from "../cli/run-here.ts";
import { eventually } from "../support/eventually.ts";
import { zipOf } from "../support/fake-upstream.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const PATH = "gokura.test/acme/lib";
let server: TestServer;
let commit = "";
const secret = { maintainer: "", stranger: "" };

const asked = (version: string, token: string): Promise<Answer> =>
  ask(server.url, `/api/v4/provenance?module=${PATH}&version=${version}`, { headers: bearer(token) });
const statement = async (version: string, token = ADMIN_TOKEN): Promise<ProvenanceStatement> =>
  verifiedStatement(JSON.parse((await asked(version, token)).text), [server.verifierKey]);

beforeAll(async () => {
  server = await testServer();
  const { registry } = server;
  for (const name of ["maintainer", "stranger"] as const) secret[name] = await server.token(name);
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "maintainer", accessLevel: 40 });
  await pushRecipe(remoteOf(server.url, "acme/lib", secret.maintainer), (r) => {
    const made = r.commit({ "go.mod": `module ${PATH}\n` });
    r.tag("v1.0.0", made);
  });
  const published = await server.registry.prisma.moduleVersion.findFirstOrThrow({ where: { version: "v1.0.0" } });
  commit = published.commit ?? "";
  const body = await zipOf(`${PATH}@v1.1.0`, { "go.mod": `module ${PATH}\n` });
  const put = { method: "PUT", headers: bearer(ADMIN_TOKEN), body };
  expect((await ask(server.url, `/api/v4/projects/acme%2Flib/packages/go/${PATH}/@v/v1.1.0.zip`, put)).status).toBe(
    201,
  );
  await eventually(
    () => ask(server.url, `/api/v4/packages/go/${PATH}/@v/v1.0.0.zip`, { headers: bearer(ADMIN_TOKEN) }),
    ({ status }) => status === 200,
    10_000,
  );
});

test("of a tag: who pushed it, by which token, from which commit, about just this zip", async () => {
  const { subject, predicateType, predicate } = await statement("v1.0.0");
  const { rows } = await server.registry.database.pool.query<{ h1: string; zip_key: string; token: number }>(
    `SELECT v.h1, v.zip_key, t.id AS token FROM module_version v, token t JOIN "user" u ON u.id = t.user_id
      WHERE v.version = 'v1.0.0' AND u.username = 'maintainer'`,
  );
  const { h1, zip_key: sha256, token } = rows[0]!;
  const dirHash = Buffer.from(h1.slice(3), "base64").toString("hex");
  expect([subject, predicateType]).toEqual([
    [{ name: `${PATH}@v1.0.0`, digest: { sha256, dirHash } }],
    "https://slsa.dev/provenance/v1",
  ]);
  const { externalParameters, internalParameters, resolvedDependencies } = predicate.buildDefinition;
  expect(externalParameters).toMatchObject({ ref: "refs/tags/v1.0.0", directory: "", h1 });
  expect(internalParameters).toEqual({
    ...{ publishedBy: "maintainer", tokenId: token, publishedAt: expect.stringContaining("T") },
  });
  expect(resolvedDependencies).toEqual([{ uri: `git+${server.url}/acme/lib.git`, digest: { gitCommit: commit } }]);
});

test("of each tag of a push of many, and of who brought the commit, not of whoever moved the tag", async () => {
  const tags = Array.from({ length: 40 }, (_, patch) => `v0.2.${patch}`);
  await pushRecipe(remoteOf(server.url, "acme/lib", secret.maintainer), (r) => {
    const made = r.commit({ "go.mod": `module ${PATH}\n`, "many.go": "package lib\n" });
    for (const tag of tags) r.tag(tag, made);
  });
  const published = async (version: string) => {
    await ask(server.url, `/api/v4/packages/go/${PATH}/@v/${version}.zip`, { headers: bearer(ADMIN_TOKEN) });
    return (await statement(version)).predicate.buildDefinition.internalParameters.publishedBy;
  };
  const told = [];
  for (const tag of [tags[0]!, tags[20]!, tags[39]!]) told.push(await published(tag));
  await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) => {
    r.tag("v0.2.0", r.commit({ "go.mod": `module ${PATH}\n`, "moved.go": "package lib\n" }));
  });
  expect([...told, await published(tags[0]!)]).toEqual(Array.from({ length: 4 }, () => "maintainer"));
});

test("of an upload: who sent it, and no commit", async () => {
  const { predicate } = await statement("v1.1.0");
  expect(predicate.buildDefinition.resolvedDependencies).toEqual([]);
  expect(predicate.buildDefinition.buildType).toMatch(/\/upload\/v1$/);
  expect(predicate.buildDefinition.internalParameters).toMatchObject({
    publishedBy: "root",
    tokenId: expect.any(Number),
  });
});

test("who published it is told to those alone who may know the members", async () => {
  expect((await statement("v1.0.0", secret.stranger)).predicate.buildDefinition.internalParameters).toEqual({});
  expect((await asked("v9.0.0", secret.stranger)).status).toBe(404);
});

test("GraphQL has the same; of a key that is another's, and of other bytes, nothing is believed", async () => {
  const query = `{ goModule(path: "${PATH}") { versions { nodes { version provenance } } } }`;
  const headers = { "content-type": "application/json", ...bearer(ADMIN_TOKEN) };
  const { text } = await ask(server.url, "/api/graphql", { method: "POST", headers, body: JSON.stringify({ query }) });
  const [, { provenance }] = JSON.parse(text).data.goModule.versions.nodes;
  const envelope = JSON.parse(provenance);
  expect(verifiedStatement(envelope, [server.verifierKey])).toEqual(await statement("v1.0.0"));
  const other = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
  expect(() => verifiedStatement(envelope, [other])).toThrow("none of its signatures");
  const forged = Buffer.from(Buffer.from(envelope.payload, "base64").toString().replace("maintainer", "somebodyxx"));
  expect(() => verifiedStatement({ ...envelope, payload: forged.toString("base64") }, [server.verifierKey])).toThrow(
    "none of its signatures",
  );
  for (const nonsense of [null, 1, {}, { ...envelope, signatures: [null, 7, {}] }, { ...envelope, payload: 3 }])
    expect(() => verifiedStatement(nonsense, [server.verifierKey])).toThrow(/no DSSE envelope|none of its signatures/);
});

test("the signature is Ed25519 over what DSSE says, by the key that GOSUMDB holds", async () => {
  const { payload, payloadType, signatures } = JSON.parse((await asked("v1.0.0", ADMIN_TOKEN)).text);
  const bytes = Buffer.from(payload, "base64");
  const encoded = `DSSEv1 28 application/vnd.in-toto+json ${bytes.length} ${bytes.toString("utf8")}`;
  const key = Buffer.from(server.verifierKey.split("+").slice(2).join("+"), "base64").subarray(1);
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key]);
  const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
  expect([payloadType.length, signatures.length]).toEqual([28, 1]);
  expect(verify(null, Buffer.from(encoded), publicKey, Buffer.from(signatures[0].sig, "base64"))).toBe(true);
});

test("the command verifies a statement by a key, and that it is about a zip", async () => {
  const directory = temporary("statement");
  const file = join(directory, "lib.intoto.json");
  writeFileSync(file, (await asked("v1.0.0", ADMIN_TOKEN)).text);
  const zip = join(directory, "lib.zip");
  writeFileSync(
    zip,
    (await ask(server.url, `/api/v4/packages/go/${PATH}/@v/v1.0.0.zip`, { headers: bearer(ADMIN_TOKEN) })).bytes,
  );
  const verifying = (...words: string[]) =>
    runHere(["provenance", "verify", file, "--key", server.verifierKey, ...words], {});
  const good = await verifying("--zip", zip, "--json");
  expect([good.code, JSON.parse(good.stdout)]).toMatchObject([
    0,
    { about: `${PATH}@v1.0.0`, commit, publishedBy: "maintainer" },
  ]);
  expect(await verifying("--zip", file)).toMatchObject({ code: 1, stderr: expect.stringContaining("is another zip") });
});
