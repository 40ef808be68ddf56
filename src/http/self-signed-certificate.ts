// A TLS certificate of our own (RFC 5280), for trying Gokura out and for networks without a certificate authority: the go
// command sends credentials over https only, even to localhost. Written out in DER because Node can read certificates but
// not make them. It is its own authority (CA:TRUE), so that a client can trust it by itself: go by SSL_CERT_FILE, git by
// GIT_SSL_CAINFO, curl by --cacert.

import { createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { bytesOfAddress } from "../network/ip-address.ts";
import { makeDirectory, writeDurably } from "../storage/durable-files.ts";

const VALID_DAYS = 730;
const RENEW_DAYS = 30;
const DAY_MS = 24 * 3600 * 1000;

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Where the certificate is, for clients that are to trust it. */
  readonly file: string;
}

/** The certificate kept in a directory, made anew when it is missing, nearly over, or not for all of these names. */
export async function ensureSelfSigned(directory: string, names: readonly string[]): Promise<Certificate> {
  const file = join(directory, "cert.pem");
  const keyFile = join(directory, "key.pem");
  const kept = await Promise.all([readFile(file, "utf8"), readFile(keyFile, "utf8")]).catch(() => undefined);
  if (kept && serves(kept[0], kept[1], names)) return { cert: kept[0], key: kept[1], file };
  const made = selfSigned(names, VALID_DAYS);
  await makeDirectory(directory, 0o700);
  await writeDurably(keyFile, made.key, { mode: 0o600 });
  await writeDurably(file, made.cert);
  return { ...made, file };
}

function serves(cert: string, key: string, names: readonly string[]): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const fresh = certificate.validToDate.getTime() - Date.now() > RENEW_DAYS * DAY_MS;
    const fits = names.every(
      (name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined,
    );
    return fresh && fits && certificate.publicKey.equals(createPublicKey(key));
  } catch {
    return false;
  }
}

/** A certificate and its key, PEM, for DNS names and addresses. */
export function selfSigned(names: readonly string[], days: number): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaSha256 = sequence(oid("2a8648ce3d040302"));
  const name = sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(names[0] ?? "gokura")))));
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40; // positive, and never shortened
  const now = Date.now();
  const alternatives = names.map((one) => (isIP(one) ? der(0x87, bytesOfAddress(one)) : der(0x82, Buffer.from(one))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaSha256,
    name,
    sequence(time(new Date(now - DAY_MS)), time(new Date(now + days * DAY_MS))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      sequence(
        extension("551d13", true, sequence(der(0x01, Buffer.from([0xff])))), // basicConstraints: CA
        extension("551d0f", true, der(0x03, Buffer.from([2, 0x84]))), // keyUsage: digitalSignature, keyCertSign
        extension("551d25", false, sequence(oid("2b06010505070301"))), // extendedKeyUsage: serverAuth
        extension("551d11", false, sequence(...alternatives)), // subjectAltName
      ),
    ),
  );
  const whole = sequence(body, ecdsaSha256, der(0x03, Buffer.from([0]), sign("sha256", body, privateKey)));
  return {
    cert: new X509Certificate(whole).toString(),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

function length(n: number): Buffer {
  if (n < 128) return Buffer.from([n]);
  return n < 256 ? Buffer.from([0x81, n]) : Buffer.from([0x82, n >> 8, n & 255]);
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), length(body.length), body]);
}

function sequence(...parts: Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

/** UTCTime, right until 2049. */
function time(date: Date): Buffer {
  return der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replace(/[-:T]|\..*/g, "")
        .slice(2)}Z`,
    ),
  );
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));
}
