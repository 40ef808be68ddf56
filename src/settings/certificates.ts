// Settings that name certificates: those that the server shows, and those that it trusts when it asks others. Files are
// read at once, so that a mistake stops the start and not the first connection.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Whether the server speaks TLS itself, and with which certificate; the files are PEM. */
export type TlsConfig =
  | { readonly kind: "off" }
  | { readonly kind: "self-signed" }
  | { readonly kind: "files"; readonly certFile: string; readonly keyFile: string };

/** GOKURA_TLS and the two files that go with it; adds to the mistakes what does not go together or cannot be read. */
export function tlsOf(
  mode: string | undefined,
  cert: string | undefined,
  key: string | undefined,
  mistakes: string[],
): TlsConfig {
  if ((cert === undefined) !== (key === undefined))
    mistakes.push("GOKURA_TLS_CERT_FILE and GOKURA_TLS_KEY_FILE go together: set both or none");
  if (mode !== undefined && mode !== "off" && mode !== "self-signed")
    mistakes.push(`GOKURA_TLS: "${mode}" is neither off nor self-signed`);
  if (cert !== undefined && key !== undefined) {
    if (mode === "self-signed") mistakes.push("GOKURA_TLS=self-signed and GOKURA_TLS_CERT_FILE exclude each other");
    checkCertificate(cert, key, mistakes);
    return { kind: "files", certFile: cert, keyFile: key };
  }
  return mode === "self-signed" ? { kind: "self-signed" } : { kind: "off" };
}

/** Adds to the mistakes if the two files cannot be read, or are no certificate and its key. */
function checkCertificate(certFile: string, keyFile: string, mistakes: string[]): void {
  const read = (name: string, file: string): Buffer | undefined => {
    try {
      return readFileSync(file);
    } catch (error) {
      mistakes.push(`${name}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const cert = read("GOKURA_TLS_CERT_FILE", certFile);
  const key = read("GOKURA_TLS_KEY_FILE", keyFile);
  if (!cert || !key) return;
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    mistakes.push(`GOKURA_TLS_CERT_FILE and GOKURA_TLS_KEY_FILE cannot be used: ${(error as Error).message}`);
  }
}

/** A file of PEM certificates -> its absolute path. Throws why it cannot be used. */
export function parseCaFile(file: string): string {
  const path = resolve(file);
  try {
    for (const pem of readFileSync(path, "utf8").match(PEM_CERTIFICATE) ?? [""]) new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${file} cannot be used as PEM certificates: ${(error as Error).message}`);
  }
  return path;
}
