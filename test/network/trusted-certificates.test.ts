// A bucket, and whatever else is asked with an authority of the house, beside one of NODE_EXTRA_CA_CERTS: both count. Node reads
// that variable at its start, so a process of its own asks.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { selfSigned } from "../../src/http/self-signed-certificate.ts";
import { temporary } from "../support/temporary.ts";

const directory = temporary("trusted");
// OpenSSL looks for an issuer by its name, which is the first of these.
const [one, other] = [selfSigned(["one.test", "127.0.0.1"], 2), selfSigned(["other.test", "127.0.0.1"], 2)];
const [oneFile, otherFile] = [join(directory, "one.pem"), join(directory, "other.pem")];
const server = createServer(one, (_, res) => res.writeHead(404).end());
let endpoint: string;

beforeAll(async () => {
  writeFileSync(oneFile, one.cert);
  writeFileSync(otherFile, other.cert);
  await once(server.listen(0, "127.0.0.1"), "listening");
  endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test.each([
  ["the file that is set", () => oneFile, () => otherFile],
  ["NODE_EXTRA_CA_CERTS beside that file", () => otherFile, () => oneFile],
])("a bucket is trusted by %s", async (_, caFile, extra) => {
  const place = {
    ...{ endpoint, bucket: "bucket", prefix: "", region: "us-east-1", pathStyle: true, caFile: caFile() },
    ...{ accessKeyId: "key", secretAccessKey: "secret", partBytes: 5 << 20 },
  };
  const program = `const { openBucket } = await import(${JSON.stringify(resolve("src/storage/s3/bucket.ts"))});
    const bucket = openBucket(${JSON.stringify(place)});
    console.log(await bucket.head("object"));
    bucket.close();`;
  const asked = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: extra() },
  });
  expect((await asked).stdout).toBe("undefined\n");
});
