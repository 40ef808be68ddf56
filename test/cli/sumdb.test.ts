// gokura sumdb verify, proof, check and audit, on the log of a running server: an honest log passes, and each way of changing
// it behind the server's back is named.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { zipObjectKey } from "../../src/storage/object-keys.ts";
import { generateSignerKey, parseSignerKey } from "../../src/sumdb/note.ts";
import { GO_ORIGIN, signHead } from "../../src/sumdb/tree-head.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";
import { runHere } from "./run-here.ts";

const LIB = "gokura.test/acme/lib";

let server: TestServer;
let environment: Record<string, string>;
const directory = temporary("sumdb");
const sumdb = (...words: string[]) => runHere(["sumdb", ...words], environment);

beforeAll(async () => {
  server = await testServer();
  environment = { DATABASE_URL: server.registry.database.url, GOKURA_DATA_DIR: server.dataDirectory };
  const { createGroup } = await import("../../src/registry/forge/groups.ts");
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) => {
    for (let n = 0; n < 5; n++)
      r.tag(`v1.${n}.0`, r.commit({ "go.mod": `module ${LIB}\n`, "a.go": `package lib // ${n}\n` }));
  });
  for (let n = 0; n < 5; n++) expect((await ask(server.url, `/sumdb/lookup/${LIB}@v1.${n}.0`)).status).toBe(200);
});

/** Tells later whether a file was put in the place of one that is there: one that is written over may be left empty. */
function replacedBy(file: string): () => boolean {
  const before = statSync(file).ino;
  return () => statSync(file).ino !== before;
}

test("an honest log passes, and the next time continues the last", async () => {
  const first = await sumdb("verify", "--zips", "--json");
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(first.stdout)).toMatchObject({ records: 5, since: null, zips: 5, problems: [] });
  const last = join(server.dataDirectory, "sumdb", "verified");
  const isReplaced = replacedBy(last);
  expect(JSON.parse((await sumdb("verify", "--json")).stdout)).toMatchObject({ records: 5, since: 5, zips: 0 });
  expect(isReplaced()).toBe(true);
});

test("a proof is checked by the key alone, and by no other", async () => {
  const { stdout: proof } = await sumdb("proof", `${LIB}@v1.2.0`);
  const file = join(directory, "lib.proof");
  writeFileSync(file, proof);
  const checked = await sumdb("check", file, "--json", "--key", server.verifierKey);
  expect(JSON.parse(checked.stdout)).toMatchObject({ size: 5, record: expect.stringContaining(`${LIB} v1.2.0 h1:`) });
  expect((await sumdb("check", file)).stdout).toContain("of 5");
  const other = parseSignerKey(generateSignerKey(server.verifierKey.split("+")[0]!)).verifierKey;
  expect(await sumdb("check", file, "--key", other)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("not signed by"),
  });
  const lines = proof.split("\n");
  const record = Buffer.from(lines[1]!.slice("extra ".length), "base64").toString();
  const forged: [string, RegExp][] = [
    [
      proof.replace(lines[1]!, `extra ${Buffer.from(record.replace("v1.2.0", "v1.2.9")).toString("base64")}`),
      /does not show record/,
    ],
    [proof.replace(/^index .*$/m, "index 0"), /does not show record/],
    [proof.replace(/^index .*$/m, "index 99"), /does not show record/],
    [proof.replace(`${lines[3]}\n`, ""), /does not show record/],
    [proof.replace("\n5\n", "\n4\n"), /signature/],
    ["hello\n", /no proof of a record/],
  ];
  for (const [text, why] of forged) {
    writeFileSync(file, text);
    expect(await sumdb("check", file)).toMatchObject({ code: 1, stderr: expect.stringMatching(why) });
  }
  expect(await sumdb("proof", `${LIB}@v9.0.0`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is not in the log"),
  });
});

test("an audit from outside continues the last one; with a token it compares records; a fork is told with both notes", async () => {
  const head = join(directory, "head");
  const token = join(directory, "token");
  writeFileSync(token, `${ADMIN_TOKEN}\n`);
  const audit = (...words: string[]) => sumdb("audit", `${server.url}/sumdb/`, "--json", "--head", head, ...words);
  expect(JSON.parse((await audit()).stdout)).toMatchObject({ size: 5, since: null, records: 0 });
  const isReplaced = replacedBy(head);
  expect(JSON.parse((await audit("--token-file", token)).stdout)).toMatchObject({ size: 5, since: 5, records: 5 });
  expect(isReplaced()).toBe(true);
  const key = readFileSync(join(server.dataDirectory, "sumdb/keys"), "utf8").trim();
  writeFileSync(head, await signHead({ size: 3, root: Buffer.alloc(32, 1) }, GO_ORIGIN, [parseSignerKey(key)]));
  const forked = await audit();
  expect(forked.code).toBe(1);
  expect(forked.stderr).toContain("has signed two histories");
  expect(forked.stderr.match(/go\.sum database tree/g)).toHaveLength(2);
  expect(await sumdb("audit", `${server.url}/nothing`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no checksum database"),
  });
});

test("whatever was changed behind the server's back is named", async () => {
  const { pool } = server.registry.database;
  const problems = async (...words: string[]): Promise<string> => {
    const { code, stderr } = await sumdb("verify", ...words);
    expect(code).toBe(1);
    return stderr;
  };
  const tampered = async (table: string, change: string, back: string, ...words: string[]): Promise<string> => {
    const run = async (sql: string): Promise<void> => {
      await pool.query(`alter table ${table} disable trigger user`);
      await pool.query(sql);
      await pool.query(`alter table ${table} enable trigger user`);
    };
    await run(change);
    const said = await problems(...words);
    await run(back);
    return said;
  };
  const zeros = "decode(repeat('00', 32), 'hex')";
  const { rows } = await pool.query("select h1, edge, note from sum_record, sum_tree where sum_record.id = 2");
  const hex = (bytes: Buffer): string => `decode('${bytes.toString("hex")}', 'hex')`;
  const record = await tampered(
    "sum_record",
    `update sum_record set h1 = ${zeros} where id = 2`,
    `update sum_record set h1 = ${hex(rows[0].h1)} where id = 2`,
  );
  for (const why of [
    "history was rewritten",
    "root of the records",
    "other records than the database",
    "stored with other sums",
  ])
    expect(record).toContain(why);
  const note = await tampered(
    "sum_tree",
    "update sum_tree set note = null",
    `update sum_tree set note = ${hex(rows[0].note)}`,
  );
  expect(note).toContain("is not signed");
  const { rows: versions } = await pool.query(
    "select zip_key from module_version where zip_key is not null order by id limit 1",
  );
  const file = join(server.dataDirectory, "blobs", zipObjectKey(versions[0].zip_key));
  const zip = readFileSync(file);
  writeFileSync(file, zip.subarray(0, -1));
  expect(await problems("--zips")).toContain("the zip of");
  writeFileSync(file, zip);
  expect((await sumdb("verify", "--zips")).code).toBe(0);
});
