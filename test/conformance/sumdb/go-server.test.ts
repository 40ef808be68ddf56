// Our client of checksum databases beside Go's, both in front of Go's server (golang.org/x/mod/sumdb), over a random schedule:
// the log grows, names are asked, and somebody on the way lies. Honest answers are the same to both, and so is the head that
// they believe; of a lie neither takes anything. SCHEDULE_STEPS=2000 is a long schedule, CONFORMANCE_SEED repeats one.
import { beforeAll, expect, test } from "vitest";
import { isFailure } from "../../../src/errors.ts";
import type { ModulePath } from "../../../src/gomod/module-path.ts";
import { decideMisbehaviour, readTrust } from "../../../src/registry/checksums/trusted-heads.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { openDiskBlobs } from "../../../src/storage/disk-blobs.ts";
import { parseSumDatabases } from "../../../src/sumdb/database-name.ts";
import { generateSignerKey, parseSignerKey, parseVerifierKey, signNote } from "../../../src/sumdb/note.ts";
import { tileAt } from "../../../src/sumdb/tile-path.ts";
import { openGoHead } from "../../../src/sumdb/tree-head.ts";
import { createDatabaseSource } from "../../../src/upstream/database-source.ts";
import { openHttp } from "../../../src/upstream/guarded-http.ts";
import { hostsNamedIn, parseUpstreams } from "../../../src/upstream/policy.ts";
import { openProvedDatabase, type ProvedDatabase } from "../../../src/upstream/proved-database.ts";
import { createUpstreamClient } from "../../../src/upstream/upstream-client.ts";
import { fakeUpstream } from "../../support/fake-upstream.ts";
import { sumsOf } from "../../support/memory-log.ts";
import fc from "../../support/properties.ts";
import { testRegistry } from "../../support/registry.ts";
import { seedOf } from "../../support/seed.ts";
import { temporary } from "../../support/temporary.ts";
import { type Auditor, buildAuditor, type GoClient } from "./auditor.ts";

const STEPS = Number(process.env.SCHEDULE_STEPS ?? 60);
const NAME = "sum.example.test/db";
const signerKey = generateSignerKey(NAME);
const signer = parseSignerKey(signerKey);
const verifier = parseVerifierKey(signer.verifierKey);

/** Bends what the server says to a path on its way; undefined: 404. */
type Bend = (path: string, bytes: Buffer) => Buffer | Promise<Buffer> | undefined;

let registry: Registry;
let auditor: Auditor;
/** The honest log, and another with the same key and other records. */
let honest: string;
let fork: string;
/** The way that both clients go. */
let url: string;
let bend: Bend | undefined;
/** Who was told something bent since the last question. */
const bent = new Set<string>();

const fetched = async (base: string, path: string): Promise<Buffer | undefined> => {
  const answer = await fetch(base + path);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return answer.ok ? bytes : undefined;
};
const grow = async (base: string, from: number, count: number): Promise<void> => {
  const { ok } = await fetch(`${base}/append?from=${from}&count=${count}`, { method: "POST" });
  expect(ok).toBe(true);
};

beforeAll(async () => {
  registry = await testRegistry();
  auditor = buildAuditor();
  [honest, fork] = await Promise.all([auditor.serve(signerKey), auditor.serve(signerKey)]);
  const way = await fakeUpstream(async (req, res) => {
    const [, who = "", path = ""] = /^\/(\w+)(\/.*)$/.exec(decodeURIComponent(req.url!)) ?? [];
    const said = await fetched(honest, path);
    const told = said && bend ? await bend(path, said) : said;
    if (said && !told?.equals(said)) bent.add(who);
    res.writeHead(told ? 200 : 404, { "content-type": "text/plain" }).end(told ?? "not found\n");
  });
  url = way.url;
}, 120_000);

/** A client of ours with nothing in memory and nothing stored but what all servers believe. */
async function ours(): Promise<ProvedDatabase> {
  const [database] = parseSumDatabases(`${signer.verifierKey} ${url}/ours`);
  const http = openHttp({ allowNetworks: [], trustedHosts: hostsNamedIn([], url) });
  const source = createDatabaseSource(createUpstreamClient(parseUpstreams("direct"), http, registry.log));
  return openProvedDatabase({ ...registry, blobs: await openDiskBlobs(temporary("tiles")) }, database!, source);
}

const believed = async (): Promise<string> =>
  (await readTrust(registry, signer.verifierKey)).head?.note.toString() ?? "";

const linesOf = (name: string): string[] => {
  const [path, version] = name.split("@") as [string, string];
  const { h1, goModH1 } = sumsOf(name);
  return [`${path} ${version} ${h1}`, `${path} ${version}/go.mod ${goModH1}`];
};

/** What our client makes of a name: lines of go.sum, or why not. */
async function asked(client: ProvedDatabase, name: string): Promise<string[] | string> {
  const [path, version] = name.split("@") as [ModulePath, string];
  try {
    const found = await client.lookup(path, version);
    if (found.kind !== "proved") return "absent";
    return [`${path} ${version} ${found.h1}`, `${path} ${version}/go.mod ${found.goModH1}`];
  } catch (error) {
    if (!isFailure(error, "unavailable")) throw error;
    return error.reason;
  }
}

const isTile = (path: string): boolean => path.startsWith("/tile/");
const isLookup = (path: string): boolean => path.startsWith("/lookup/");
const flipped = (bytes: Buffer, at: number): Buffer => {
  const other = Buffer.from(bytes);
  other[at % bytes.length]! ^= 1 << (at % 7);
  return other;
};
const noted = (bytes: Buffer): { record: string; note: Buffer } => {
  const text = bytes.toString();
  const at = text.indexOf("\n\n") + 2;
  return { record: text.slice(0, at), note: Buffer.from(text.slice(at)) };
};
const otherKey = parseSignerKey(generateSignerKey(NAME));

/** Lies, each by a number that says where. */
const LIES: Record<string, (at: number) => Bend> = {
  "a bit of a lookup": (at) => (path, bytes) => (isLookup(path) ? flipped(bytes, at) : bytes),
  "a bit of every tile": (at) => (path, bytes) => (isTile(path) ? flipped(bytes, at) : bytes),
  "a bit of the tiles of a level": (at) => (path, bytes) =>
    path.startsWith(`/tile/8/${at % 2}/`) ? flipped(bytes, at) : bytes,
  "tiles cut short": (at) => (path, bytes) => (isTile(path) ? bytes.subarray(0, at % bytes.length) : bytes),
  "tiles with more behind": () => (path, bytes) => (isTile(path) ? Buffer.concat([bytes, bytes]) : bytes),
  "no tiles": () => (path, bytes) => (isTile(path) ? undefined : bytes),
  "the place beside": () => (path, bytes) =>
    isLookup(path) ? Buffer.from(bytes.toString().replace(/^\d+/, (id) => String(Number(id) + 1))) : bytes,
  "a place far beyond": () => (path, bytes) =>
    isLookup(path) ? Buffer.from(bytes.toString().replace(/^\d+/, "123456789")) : bytes,
  "another module's record": () => (path, bytes) =>
    isLookup(path) ? fetched(honest, "/lookup/example.com/m0@v1.0.0").then((other) => other!) : bytes,
  "other sums": () => (path, bytes) =>
    isLookup(path) ? Buffer.from(bytes.toString().replace(/h1:.{8}/, "h1:AAAAAAAA")) : bytes,
  "a note of another key": () => async (path, bytes) => {
    if (!isLookup(path)) return bytes;
    const { record, note } = noted(bytes);
    return Buffer.from(record + (await signNote(note.toString().split("\n\n")[0] + "\n", [otherKey])).toString());
  },
  "a bad signature before the good one": () => async (path, bytes) => {
    if (!isLookup(path)) return bytes;
    const bad = (await signNote("other\n", [signer])).toString().split("\n\n")[1]!;
    return Buffer.from(bytes.toString().replace("\u2014", `${bad}\u2014`));
  },
  "a hundred signatures": () => async (path, bytes) => {
    if (!isLookup(path)) return bytes;
    return Buffer.from(bytes.toString() + "— nobody.test AAAAAAAA\n".repeat(101));
  },
  "lines with returns": () => (path, bytes) =>
    isLookup(path) ? Buffer.from(bytes.toString().replaceAll("\n", "\r\n")) : bytes,
  "a page": () => () => Buffer.from("<html>sign in</html>\n"),
  "another history": () => (path, bytes) =>
    path.startsWith("/latest") ? bytes : fetched(fork, path).then((other) => other ?? Buffer.of()),
};

test(`${STEPS} steps of growth, questions and lies: our client and Go's say the same`, async () => {
  const seed = seedOf("CONFORMANCE_SEED");
  const random = fc.sample(fc.tuple(fc.nat(99), fc.nat(1 << 20), fc.constantFrom(...Object.keys(LIES))), {
    numRuns: STEPS,
    seed,
  });
  const go: GoClient = auditor.client(`${url}/go`, signer.verifierKey);
  // Two servers of ours, one database.
  let servers = [await ours(), await ours()];
  let size = 0;
  let lies = 0;
  const growBy = async (count: number): Promise<void> => {
    await grow(honest, size, count);
    size += count;
  };
  /** Nobody lies: both have the truth, and believe the same head. */
  const same = async (where: string, client: ProvedDatabase, name: string): Promise<void> => {
    const [one, other] = [await asked(client, name), await go.ask(name)];
    expect([where, one, other.lines]).toEqual([where, linesOf(name), linesOf(name)]);
    expect([where, await believed()]).toEqual([where, other.head]);
  };
  await growBy(3);
  // Who has never seen a head believes the first.
  await same("at first", servers[0]!, "example.com/m0@v1.0.0");
  // The other history has another record in its first place.
  await fetched(fork, "/lookup/example.com/other@v1.0.0");
  await grow(fork, 0, 2_000);

  for (const [what, at, lie] of random) {
    const where = `seed ${seed}, ${size} records, ${what} ${at} ${lie}`;
    const name = `example.com/m${at % size}@v1.0.0`;
    if (what < 25) await growBy(1 + (at % 300));
    else if (what < 60) await same(where, servers[at % 2]!, name);
    else if (what < 65) {
      const absent = `absent.test/m${at}@v1.0.0`;
      const [one, other] = [await asked(servers[at % 2]!, absent), await go.ask(absent)];
      expect([where, one, other.error]).toEqual([where, "absent", expect.stringContaining("404 Not Found")]);
    } else if (what < 72) {
      const head = await servers[at % 2]!.heldHead();
      const held = openGoHead(head!, [verifier]).size;
      const number = (at >> 3) % Math.ceil(held / 256);
      const tile = tileAt(0, number, Math.min(256, held - number * 256));
      const [one, other] = [await servers[at % 2]!.tile(tile), await fetched(honest, `/${tile.path}`)];
      expect([where, one?.equals(other!)]).toEqual([where, true]);
    } else {
      // Nothing but the head is remembered, so that everything is asked for.
      servers = [await ours(), await ours()];
      go.forget();
      bend = LIES[lie]!(at);
      bent.clear();
      const [one, other] = [await asked(servers[0]!, name), await go.ask(name)];
      bend = undefined;
      const lied = [bent.has("ours"), bent.has("go")];
      const taken = [Array.isArray(one), other.lines !== undefined];
      // Who was told a lie took nothing; who was not, the truth. One may need a tile that the other does not.
      expect(taken, JSON.stringify([where, one, other])).toEqual(lied.map((was) => !was));
      lies += lied.filter(Boolean).length;
      await decideMisbehaviour(registry, OPERATOR, NAME, { newHead: false }).catch(() => {});
      servers = [await ours(), await ours()];
      go.forget();
      await same(where, servers[0]!, name);
    }
  }
  expect(lies).toBeGreaterThan(STEPS / 10);
}, 600_000);
