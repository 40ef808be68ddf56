// Go's own client and an auditor made of golang.org/x/mod/sumdb look at our log while it grows, from several servers at once.
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { ensureRecord, openChecksumLog } from "../../../src/registry/checksums/checksum-log.ts";
import type { ChecksumLog } from "../../../src/registry/checksums/log-state.ts";
import { loadSigners } from "../../../src/registry/checksums/signing-keys.ts";
import { observed } from "../../registry/checksums/records.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";
import { temporary } from "../../support/temporary.ts";

const run = promisify(execFile);
const program = join(temporary("auditor"), "auditor");

let server: TestServer;
let logs: ChecksumLog[];

beforeAll(async () => {
  execFileSync("go", ["build", "-o", program, "."], {
    cwd: import.meta.dirname,
    env: { ...process.env, GOTOOLCHAIN: "local", GOTELEMETRY: "off", GOWORK: "off", GOFLAGS: "" },
  });
  server = await testServer();
  const signers = await loadSigners({
    dataDirectory: server.dataDirectory,
    name: undefined,
    keys: undefined,
    defaultName: "x.test",
  });
  logs = await Promise.all([0, 1].map(() => openChecksumLog(server.registry, signers)));
}, 120_000);

const auditor = (...words: string[]) =>
  run(program, [words[0]!, `${server.url}/sumdb`, server.verifierKey, ...words.slice(1)]).then(({ stdout }) => stdout);

/** Modules of others, which the anonymous may look up. */
const append = async (from: number, count: number): Promise<void> => {
  await Promise.all(Array.from({ length: count }, (_, n) => ensureRecord(logs[n % 2]!, observed(`m${from + n}`))));
};

test("an auditor in Go replays the log after any schedule of appends and finds it equal to tiles and head", async () => {
  let size = 0;
  for (const count of [1, 254, 1, 1, 300, 30]) {
    await append(size, count);
    size += count;
    expect(await auditor("audit", ADMIN_TOKEN)).toMatch(new RegExp(`^${size} records, \\d+ tiles\\n$`));
  }
});

test("Go's client proves every record while others append, and sees one line", async () => {
  const growing = (async () => {
    for (let n = 0; n < 10; n++) await append(10_000 + n * 40, 40);
  })();
  const names = Array.from({ length: 60 }, (_, n) => `example.com/m${(n * 37) % 587}@v1.0.0`);
  const lines = (await auditor("lookup", ...names)).trim().split("\n");
  await growing;
  const wanted = names.flatMap((name) => {
    const [path, version] = name.split("@") as [string, string];
    const { h1, goModH1 } = observed(path.slice("example.com/".length)).known!;
    return [`${path} ${version} ${h1}`, `${path} ${version}/go.mod ${goModH1}`];
  });
  expect(lines).toEqual(wanted);
  expect(await auditor("audit", ADMIN_TOKEN)).toMatch(/^987 records/);
});

test("what is not there is an error of Go's client, not a silence", async () => {
  await expect(auditor("lookup", "example.com/never@v1.0.0")).rejects.toThrow(/404 Not Found/);
});
