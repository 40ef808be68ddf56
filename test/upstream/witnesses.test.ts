// Witnesses of our own log: a real one, that keeps the head it has seen and signs only what continues it, and ones that are away.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "vitest";
import { ensureRecord } from "../../src/registry/checksums/checksum-log.ts";
import { parseCosignerKey, parseWitnesses } from "../../src/sumdb/cosignature.ts";
import { openNote, parseVerifierKey } from "../../src/sumdb/note.ts";
import { parseHead, type TreeHead } from "../../src/sumdb/tree-head.ts";
import { keepWitnessed } from "../../src/upstream/witnesses.ts";
import { atEnd } from "../support/at-end.ts";
import { checkTree } from "../support/check-tree.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

const FIRST = "witness.test/w1";
const LOG = "go.example.test/sumdb";

interface MadeWitness {
  readonly server: FakeUpstream;
  readonly key: string;
  /** The log's key, told when it is known. */
  verifierKey: string;
  seen: TreeHead | undefined;
  isAway: boolean;
}

/** A witness as tlog-witness says, in memory. */
async function makeWitness(name = FIRST): Promise<MadeWitness> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const bytes = Buffer.concat([Buffer.of(4), raw]);
  const keyHash = createHash("sha256").update(`${name}\n`).update(bytes).digest().subarray(0, 4);
  const judge = (body: string): [number, string] => {
    const end = body.indexOf("\n\n");
    const [old = "", ...proof] = body.slice(0, end).split("\n");
    const note = Buffer.from(body.slice(end + 2));
    const { text } = openNote(note, [parseVerifierKey(witness.verifierKey)]);
    const head = parseHead(text, LOG);
    const { seen } = witness;
    if (old !== `old ${seen?.size ?? 0}`) return [409, `${seen?.size ?? 0}\n`];
    const hashes = proof.map((hash) => Buffer.from(hash, "base64"));
    if (seen && seen.size < head.size) checkTree(hashes, head.size, head.root, seen.size, seen.root);
    witness.seen = head;
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(1_700_000_000n);
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime 1700000000\n${text}`), privateKey);
    return [200, `\u2014 ${name} ${Buffer.concat([keyHash, time, signature]).toString("base64")}\n`];
  };
  const server = await fakeUpstream((req, res) => {
    let body = "";
    req.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    req.on("end", () => {
      try {
        const [status, text] = witness.isAway ? ([503, ""] as const) : judge(body);
        res.writeHead(status, { "content-type": status === 409 ? "text/x.tlog.size" : "text/plain" }).end(text);
      } catch {
        res.writeHead(422).end();
      }
    });
  });
  const witness: MadeWitness = {
    ...{ server, verifierKey: "", seen: undefined, isAway: false },
    key: `${name}+${keyHash.toString("hex")}+${bytes.toString("base64")}`,
  };
  return witness;
}

const append = async ({ checksums }: TestServer, n: number): Promise<void> => {
  const sum = `h1:${"A".repeat(43)}=`;
  const known = { h1: sum, goModH1: sum, basis: "PUBLIC", publicId: n } as const;
  await ensureRecord(checksums, { modulePath: `filler.test/m${n}`, version: "v1.0.0", known });
};

test("the checkpoint has the signatures of witnesses, which see one line; one that is away is in nobody's way", async () => {
  const witness = await makeWitness();
  const away = "http://127.0.0.1:1";
  const { key } = witness;
  const server = await testServer({ environment: { GOKURA_SUMDB_NAME: LOG } });
  witness.verifierKey = server.verifierKey;
  const checkpoint = async () => (await ask(server.url, `/sumdb/${LOG}/checkpoint`)).bytes;
  const signedSize = async (): Promise<number> => {
    try {
      return parseHead(openNote(await checkpoint(), [parseCosignerKey(key)]).text, LOG).size;
    } catch {
      return 0;
    }
  };
  const witnessed = keepWitnessed(server.checksums, parseWitnesses(`${key} ${witness.server.url}`));
  atEnd(async () => witnessed.close());
  await witnessed.round();
  expect(await signedSize()).toBe(0); // of an empty log there is nothing to sign
  for (let n = 0; n < 3; n++) await append(server, n);
  await witnessed.round();
  expect(await signedSize()).toBe(3);
  // A lookup's head does not wait for them, and the checkpoint stays the signed one until they have signed the next.
  for (let n = 3; n < 5; n++) await append(server, n);
  expect((await ask(server.url, `/sumdb/${LOG}/latest`)).text).toContain("\n5\n");
  expect(await signedSize()).toBe(3);
  await witnessed.round();
  expect(await signedSize()).toBe(5);
  openNote(await checkpoint(), [parseVerifierKey(server.verifierKey)]);

  // A server that has just started learns from the witness what it knows (409).
  await append(server, 5);
  const again = keepWitnessed(server.checksums, parseWitnesses(`${key} ${witness.server.url}`));
  atEnd(async () => again.close());
  await again.round();
  expect(await signedSize()).toBe(6);

  // Half of them are not enough, and whoever is away is in nobody's way.
  const half = keepWitnessed(server.checksums, parseWitnesses(`${key} ${witness.server.url}, ${key} ${away}`));
  atEnd(async () => half.close());
  await append(server, 6);
  await half.round();
  expect(await signedSize()).toBe(6);
  expect((await ask(server.url, `/sumdb/${LOG}/latest`)).text).toContain("\n7\n");
});

test("the signatures of one head count together, whenever they came", async () => {
  const witnesses = await Promise.all(["a", "b", "c"].map((letter) => makeWitness(`witness.test/${letter}`)));
  const server = await testServer({ environment: { GOKURA_SUMDB_NAME: LOG } });
  for (const witness of witnesses) witness.verifierKey = server.verifierKey;
  const only = (...present: number[]): void => {
    for (const [n, witness] of witnesses.entries()) witness.isAway = !present.includes(n);
  };
  /** Of the three those who have signed what is shown. */
  const signers = async (): Promise<string[]> =>
    (await ask(server.url, `/sumdb/${LOG}/checkpoint`)).text
      .split("\n")
      .flatMap((line) => /^\u2014 witness\.test\/(\w)/.exec(line)?.[1] ?? []);
  await append(server, 0);
  only(0);
  const all = witnesses.map(({ key, server: { url } }) => `${key} ${url}`).join();
  const witnessed = keepWitnessed(server.checksums, parseWitnesses(all));
  atEnd(async () => witnessed.close());
  await witnessed.round();
  expect(await signers()).toEqual([]); // one of three
  only(1);
  await witnessed.round();
  expect(await signers()).toEqual(["a", "b"]);
  only(2);
  await witnessed.round();
  expect(await signers()).toEqual(["a", "b", "c"]);
});

test.each(["witness.test", "https://witness.test", `${"a+0123abcd+key"} https://witness.test`, "a b c"])(
  "%s is no witness",
  (text) => expect(() => parseWitnesses(text)).toThrow(/witness/),
);

test("a witness whose answer has no end is not read to the end", async () => {
  const chunk = Buffer.alloc(64 * 1024, "x");
  let sent = 0;
  const endless = await fakeUpstream((req, res) => {
    req.resume();
    const send = (): void => {
      while (!res.destroyed && sent < 1024 * 1024 * 1024) {
        sent += chunk.length;
        if (!res.write(chunk)) return void res.once("drain", send);
      }
      res.end();
    };
    send();
  });
  const { key } = await makeWitness();
  const server = await testServer({ environment: { GOKURA_SUMDB_NAME: LOG } });
  await append(server, 0);
  const witnessed = keepWitnessed(server.checksums, parseWitnesses(`${key} ${endless.url}`));
  atEnd(async () => witnessed.close());
  await witnessed.round();
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(64 * 1024 * 1024); // what sockets hold
  expect((await ask(server.url, `/sumdb/${LOG}/checkpoint`)).text).not.toContain("witness.test");
});
