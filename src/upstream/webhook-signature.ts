// How what we tell others is signed. Source: Standard Webhooks, spec/standard-webhooks.md, "Signature scheme".
import { createHmac } from "node:crypto";

/** The signature of a message by Standard Webhooks, version 1: HMAC-SHA256 over its id, time and body. */
export function signatureOf(key: Buffer, messageId: string, timestamp: string, body: Buffer): string {
  const mac = createHmac("sha256", key).update(`${messageId}.${timestamp}.`).update(body).digest("base64");
  return `v1,${mac}`;
}
