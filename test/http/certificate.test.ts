// What a server says of its certificate, and to who speaks http to a port of TLS.
import { writeFileSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { expect, test } from "vitest";
import { stateOfCertificate } from "../../src/http/certificate.ts";
import { selfSigned } from "../../src/http/self-signed-certificate.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const DAY_MS = 24 * 3600 * 1000;

async function serving(days: number): Promise<TestServer & { ca: string }> {
  const { cert, key } = selfSigned(["localhost"], days);
  const directory = temporary("certificate");
  const [certFile, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  const environment = { GOKURA_TLS_CERT_FILE: certFile, GOKURA_TLS_KEY_FILE: keyFile };
  return { ...(await testServer({ environment })), ca: cert };
}

test("readiness and metrics say when it expires", async () => {
  const server = await serving(3);
  const url = server.url.replace("127.0.0.1", "localhost");
  const ready = await ask(url, "/-/readiness", { ca: server.ca });
  expect(ready.status).toBe(200);
  const { certificate, certificateExpires } = JSON.parse(ready.text);
  expect(certificate).toBe("ok");
  expect(Math.abs(Date.parse(certificateExpires) - Date.now() - 3 * DAY_MS)).toBeLessThan(60_000);
  const metrics = (await ask(url, "/-/metrics", { ca: server.ca })).text;
  const seconds = Number(/^gokura_tls_certificate_expires_timestamp_seconds (\d+)$/m.exec(metrics)?.[1]);
  expect(seconds).toBe(Date.parse(certificateExpires) / 1000);
});

test("one that has expired: the server starts, and says what is wrong", async () => {
  const server = await serving(-1);
  const warnings = server.logged.map((line) => JSON.parse(line)).filter(({ level }) => level === "warn");
  expect(warnings.map(({ msg }) => msg)).toEqual([
    expect.stringMatching(/^the TLS certificate expired at \S+: clients refuse it; renew it and start again$/),
  ]);
  const text = await new Promise<string>((resolve, reject) => {
    const options = { port: server.port, path: "/-/readiness", rejectUnauthorized: false, agent: false };
    https.get(options, (answer) => answer.setEncoding("utf8").on("data", resolve)).on("error", reject);
  });
  expect(JSON.parse(text)).toMatchObject({ status: "ok", certificate: expect.stringContaining("expired") });
});

test("soon is two weeks, or the last quarter of a short life", () => {
  const { cert } = selfSigned(["localhost"], 90);
  const after = (days: number): string | undefined => stateOfCertificate(cert, Date.now() + days * DAY_MS).warning;
  expect(after(75)).toBeUndefined();
  expect(after(77)).toMatch(/^the TLS certificate expires at /);
  expect(after(91)).toMatch(/expired/);
  expect(after(-2)).toMatch(/good only from/);
  const { cert: short } = selfSigned(["localhost"], 6);
  expect(stateOfCertificate(short, Date.now() + 4 * DAY_MS).warning).toBeUndefined();
  expect(stateOfCertificate(short, Date.now() + 5 * DAY_MS).warning).toMatch(/expires at/);
});

test("what cannot be read over TLS is answered, as Node answers it without", async () => {
  const { port, ca } = await testServer({ tls: true });
  const said = (bytes: string): Promise<string> =>
    new Promise((resolve) => {
      let text = "";
      const client = tls.connect({ port, host: "127.0.0.1", ca }, () => client.write(bytes));
      client.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      client.on("error", () => {}).on("close", () => resolve(text.split("\r\n")[0]!));
    });
  expect(await said("not http\r\n\r\n")).toBe("HTTP/1.1 400 Bad Request");
  const large = `GET /-/health HTTP/1.1\r\nHost: x\r\nCookie: ${"a".repeat(70_000)}\r\n\r\n`;
  expect(await said(large)).toBe("HTTP/1.1 431 Request Header Fields Too Large");
  const both = "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  expect(await said(both)).toBe("HTTP/1.1 400 Bad Request");
});

test("plain http on the TLS port gets a sentence with the right address; noise is hung up on", async () => {
  const server = await testServer({ tls: true });
  const said = (bytes: string): Promise<string> =>
    new Promise((resolve) => {
      let text = "";
      const client = net.connect(server.port, "127.0.0.1", () => client.write(bytes));
      client.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      client.on("error", () => {}).on("close", () => resolve(text));
    });
  expect(await said("GET /api/v4/packages/go/example.com/@v/list HTTP/1.1\r\nHost: localhost\r\n\r\n")).toMatch(
    new RegExp(
      `^HTTP/1\\.1 400 Bad Request\r\n[^]*\r\n\r\nthis port speaks https, and was asked in http: use ${server.url}\n$`,
    ),
  );
  expect(await said("\x01\x02\x03 nothing that one knows\r\n\r\n")).not.toContain("HTTP/1.1");
  const fine = await ask(server.url, "/-/health", { ca: server.ca });
  expect(fine.status).toBe(200);
});
