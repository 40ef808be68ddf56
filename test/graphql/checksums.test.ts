// The checksum log for programs, by REST and by GraphQL: what both say is the same, proved, and to nobody who may not hear it.
import { beforeAll, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { checkProof } from "../../src/sumdb/log-proof.ts";
import { parseVerifierKey } from "../../src/sumdb/note.ts";
import { leafHash } from "../../src/sumdb/tree-hash.ts";
import { eventually } from "../support/eventually.ts";
import { bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type Rest, restClient } from "../support/rest.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { leftOut } from "./schema-parts.ts";

const LIB = "gokura.test/alice/lib";
const OPEN = "gokura.test/alice/open";
let app: TestServer;
/** The GraphQL documents that were sent. */
const server = { sent: [] as string[] };
let rest: Rest;
let token: string;

beforeAll(async () => {
  app = await testServer();
  token = await app.token("alice");
  rest = await restClient(app.url, token);
  await createProject(app.registry, OPERATOR, { fullPath: "alice/open", visibility: "PUBLIC" });
  for (const [path, name] of [
    ["alice/lib", LIB],
    ["alice/open", OPEN],
  ] as const)
    await pushRecipe(remoteOf(app.url, path, token), (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": `module ${name}\n`, "a.go": "package x\n" }));
    });
  const logged = async () =>
    (await app.registry.database.pool.query("SELECT count(*)::int AS n FROM sum_record")).rows[0].n;
  expect(await eventually(logged, (n) => n === 2, 20_000)).toBe(2);
});

const graphql = async (query: string, as: string): Promise<{ data: Record<string, never>; errors?: unknown }> => {
  server.sent.push(query);
  const answer = await fetch(`${app.url}/api/graphql`, {
    ...{
      method: "POST",
      headers: { "content-type": "application/json", ...bearer(as) },
      body: JSON.stringify({ query }),
    },
  });
  return (await answer.json()) as { data: Record<string, never> };
};

test("the record of a version comes with a proof that the key alone checks, by REST and GraphQL the same", async () => {
  const { json: packages } = await rest("GET", "/projects/alice%2Flib/packages");
  const [{ id: packageId }] = packages as [{ id: number }];
  const { status, json: body } = await rest("GET", `/projects/alice%2Flib/packages/${packageId}/checksum_record`);
  expect(status).toBe(200);
  const record = body as { id: number; tree_size: number; proof: string };
  const proved = checkProof(record.proof, parseVerifierKey(app.verifierKey));
  expect([proved.id, proved.head.size, proved.text]).toEqual([
    record.id,
    record.tree_size,
    expect.stringContaining(`${LIB} v1.0.0 h1:`),
  ]);
  const { data, errors } = await graphql(
    `{ checksumDatabase { name verifierKey size head }
      goModule(path: "${LIB}") { latestVersion { checksumRecord { id treeSize proof } } } }`,
    token,
  );
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    checksumDatabase: {
      name: app.verifierKey.split("+")[0],
      verifierKey: app.verifierKey,
      size: "2",
      head: expect.stringContaining("go.sum database tree\n2\n"),
    },
    goModule: { latestVersion: { checksumRecord: { id: String(record.id), treeSize: "2", proof: record.proof } } },
  });
  const database = (await rest("GET", "/checksum_database", undefined, null)).json;
  expect(database).toMatchObject({ verifier_key: app.verifierKey, size: 2 });
});

test("a stranger gets no record of what is hidden, and of the feed the hashes that the tiles have", async () => {
  const stranger = await app.token("mallory");
  const { json: packages } = await rest("GET", "/projects/alice%2Flib/packages");
  const [{ id: packageId }] = packages as [{ id: number }];
  expect(
    (await rest("GET", `/projects/alice%2Flib/packages/${packageId}/checksum_record`, undefined, stranger)).status,
  ).toBe(404);
  expect(
    (await graphql(`{ goModule(path: "${LIB}") { latestVersion { provenance checksumRecord { proof } } } }`, stranger))
      .data,
  ).toEqual({
    goModule: null,
  });
  const tile = Buffer.from(await (await fetch(`${app.url}/sumdb/tile/8/0/000.p/2`)).arrayBuffer());
  const feed = async (as: string | null) =>
    (await rest("GET", "/checksum_database/records?since=0", undefined, as)).json as Record<string, unknown>[];
  const all = await feed(ADMIN_TOKEN);
  expect(all.map(({ module }) => module).toSorted()).toEqual([LIB, OPEN]);
  for (const [as, seen] of [
    [stranger, [OPEN]],
    [null, [OPEN]],
    [token, [LIB, OPEN]],
  ] as const) {
    const rows = await feed(as);
    expect(rows.map(({ id, leaf_hash }) => [id, leaf_hash])).toEqual([
      [0, tile.subarray(0, 32).toString("base64")],
      [1, tile.subarray(32).toString("base64")],
    ]);
    expect(rows.flatMap(({ module }) => module ?? []).toSorted()).toEqual([...seen]);
    expect(JSON.stringify(rows)).not.toMatch(seen.length === 1 ? /alice\/lib/ : /nobody/);
  }
  const { module, version, h1, go_mod_h1 } = all[0]!;
  const text = `${module} ${version} ${h1}\n${module} ${version}/go.mod ${go_mod_h1}\n`;
  expect(leafHash(text).toString("base64")).toBe(all[0]!.leaf_hash);
  expect((await rest("GET", "/checksum_database/records?since=2")).json).toEqual([]);
});

test("nothing of this part was left out", () => expect(leftOut("checksums", server.sent)).toEqual([]));
