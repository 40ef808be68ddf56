// Go's own client and an auditor made of golang.org/x/mod/sumdb look at our log while it grows, from several servers at once,
// over a random schedule. SCHEDULE_STEPS=2000 is a long one, CONFORMANCE_SEED repeats one.
import { beforeAll, expect, test } from "vitest";
import { ensureRecord, openChecksumLog } from "../../../src/registry/checksums/checksum-log.ts";
import type { ChecksumLog } from "../../../src/registry/checksums/log-state.ts";
import { loadSigners } from "../../../src/registry/checksums/signing-keys.ts";
import { observed } from "../../registry/checksums/records.ts";
import fc from "../../support/properties.ts";
import { seedOf } from "../../support/seed.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";
import { type Auditor, buildAuditor } from "./auditor.ts";

const STEPS = Number(process.env.SCHEDULE_STEPS ?? 40);

let server: TestServer;
let auditor: Auditor;
let logs: ChecksumLog[];

beforeAll(async () => {
  auditor = buildAuditor();
  server = await testServer();
  const signers = await loadSigners({
    dataDirectory: server.dataDirectory,
    name: undefined,
    keys: undefined,
    defaultName: "x.test",
  });
  logs = await Promise.all([0, 1].map(() => openChecksumLog(server.registry, signers)));
}, 120_000);

const audit = (): Promise<string> => auditor.run("audit", `${server.url}/sumdb`, server.verifierKey, ADMIN_TOKEN);

/** Modules of others, which the anonymous may look up. */
const append = async (from: number, count: number): Promise<void> => {
  await Promise.all(Array.from({ length: count }, (_, n) => ensureRecord(logs[n % 2]!, observed(`m${from + n}`))));
};

const linesOf = (n: number): string[] => {
  const { modulePath, version, known } = observed(`m${n}`);
  return [`${modulePath} ${version} ${known!.h1}`, `${modulePath} ${version}/go.mod ${known!.goModH1}`];
};

test("an auditor in Go replays the log after any schedule of appends and finds it equal to tiles and head", async () => {
  let size = 0;
  for (const count of [1, 254, 1, 1, 300, 30]) {
    await append(size, count);
    size += count;
    expect(await audit()).toMatch(new RegExp(`^${size} records, \\d+ tiles\\n$`));
  }
});

test("Go's client proves every record while others append, and sees one line", async () => {
  const growing = (async () => {
    for (let n = 0; n < 10; n++) await append(10_000 + n * 40, 40);
  })();
  const names = Array.from({ length: 60 }, (_, n) => (n * 37) % 587);
  const asked = names.map((n) => `example.com/m${n}@v1.0.0`);
  const said = await auditor.run("lookup", `${server.url}/sumdb`, server.verifierKey, ...asked);
  await growing;
  expect(said.trim().split("\n")).toEqual(names.flatMap(linesOf));
  expect(await audit()).toMatch(/^987 records/);
});

test(`${STEPS} steps of appends and questions: Go's clients, old and new, have the very lines`, async () => {
  const seed = seedOf("CONFORMANCE_SEED");
  const steps = fc.sample(fc.tuple(fc.nat(99), fc.nat(1 << 20)), { numRuns: STEPS, seed });
  const clients = [0, 1].map(() => auditor.client(`${server.url}/sumdb`, server.verifierKey));
  let size = 587;
  for (const [what, at] of steps) {
    const where = `seed ${seed}, ${size} records, ${what} ${at}`;
    const client = clients[at % 2]!;
    if (what < 40) {
      const count = 1 + (at % 200);
      await append(size, count);
      size += count;
    } else if (what < 85) {
      const { lines, error, head } = await client.ask(`example.com/m${at % size}@v1.0.0`);
      expect([where, error, lines]).toEqual([where, undefined, linesOf(at % size)]);
      // A lookup may be answered with the head that it was answered with first.
      expect(Number(head.split("\n")[1])).toBeLessThanOrEqual(size + 400);
    } else if (what < 92) {
      const { error } = await client.ask(`example.com/never${at}@v1.0.0`);
      expect([where, error]).toEqual([where, expect.stringContaining("404 Not Found")]);
    } else if (what < 98) client.forget();
    else expect([where, await audit()]).toEqual([where, expect.stringMatching(`^${size + 400} records`)]);
  }
  expect(await audit()).toMatch(new RegExp(`^${size + 400} records`));
}, 600_000);

test("what is not there is an error of Go's client, not a silence", async () => {
  const { error } = await auditor.client(`${server.url}/sumdb`, server.verifierKey).ask("example.com/never@v1.0.0");
  expect(error).toContain("404 Not Found");
});
