// The checker of C2SP's static logs (tessera's fsck, from the Go registry) reads our log as it reads any other: checkpoint,
// tiles of hashes, bundles of entries. With `npm run conformance` alone, for it has to be fetched and built.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { ensureRecord } from "../../../src/registry/checksums/checksum-log.ts";
import { generateSignerKey, parseSignerKey } from "../../../src/sumdb/note.ts";
import { observed } from "../../registry/checksums/records.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";
import { temporary } from "../../support/temporary.ts";

const run = promisify(execFile);
const FSCK = "github.com/transparency-dev/tessera/cmd/fsck@v1.0.4";
/** It does not always end by itself. */
const TIME_LIMIT_MS = 60_000;

describe.skipIf(process.env.CONFORMANCE === undefined)("tessera's fsck", () => {
  const directory = temporary("fsck");
  let server: TestServer;

  beforeAll(async () => {
    const env = { ...process.env, GOBIN: directory, GOTOOLCHAIN: "auto", GOFLAGS: "-mod=mod", GOWORK: "off" };
    await run("go", ["install", FSCK], { cwd: directory, env });
    server = await testServer();
  }, 600_000);

  /** What it says; it ends with 0 whatever it finds. */
  const fsck = async (verifierKey: string): Promise<string> => {
    const key = join(directory, "key");
    writeFileSync(key, verifierKey);
    const words = [
      "-ui=false",
      "-N=4",
      "-storage_url",
      `${server.url}/sumdb/`,
      "-public_key",
      key,
      "-bearer_token",
      ADMIN_TOKEN,
    ];
    const { stdout, stderr } = await run(join(directory, "fsck"), words, { timeout: TIME_LIMIT_MS }).catch((e) => e);
    return `${stdout}${stderr}`;
  };

  test("finds every size of the log whole", { timeout: 600_000 }, async () => {
    for (const size of [1, 255, 256, 257, 700, 65_537]) {
      for (let at = server.checksums.state.tree.size; at < size; at += 1_000)
        await Promise.all(
          Array.from({ length: Math.min(1_000, size - at) }, (_, n) =>
            ensureRecord(server.checksums, observed(`m${at + n}`)),
          ),
        );
      expect([size, await fsck(server.verifierKey)]).toEqual([size, expect.stringContaining("Successfully fsck'd")]);
    }
  });

  test("and nothing under another key", { timeout: 120_000 }, async () => {
    const other = parseSignerKey(generateSignerKey(server.verifierKey.split("+")[0]!)).verifierKey;
    expect(await fsck(other)).toContain("note has no verifiable signatures");
  });
});
