// Requests that another server of ours has passed on (passing-on.ts) say whose they are: the client's address, and our own as
// the client wrote it. Anybody could say that, so it is signed, with the key that the leader put into its lease: whoever can
// read that has the database anyway. A signature is good for a minute, and for one method and address.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Holds the time, the client's address, our address and the signature. */
export const PASSED_ON_HEADER = "gokura-passed-on";
const GOOD_FOR_MS = 60_000;

/** What the server that passes a request on says of it. */
export interface PassedOn {
  /** The address of the client. */
  readonly from: string;
  /** Ours, as the client wrote it, without a slash at the end. */
  readonly url: string;
}

/** The header for a request: its method and what stands in its first line. */
export function signPassedOn(key: Buffer, method: string, target: string, said: PassedOn, now = Date.now()): string {
  const text = Buffer.from(JSON.stringify([now, said.from, said.url])).toString("base64url");
  return `${text}.${signatureOf(key, method, target, text)}`;
}

/** Whether a request says that it was passed on, truly or not. */
export function saysPassedOn({ headers }: IncomingMessage): boolean {
  return headers[PASSED_ON_HEADER] !== undefined;
}

/** What is said of a request that was passed on to the holder of a key; undefined if it was not. */
export function passedOn(key: Buffer | undefined, req: IncomingMessage, now = Date.now()): PassedOn | undefined {
  const header = req.headers[PASSED_ON_HEADER];
  if (key === undefined || typeof header !== "string") return undefined;
  const [text = "", signature = ""] = header.split(".");
  const target = (req as { originalUrl?: string }).originalUrl ?? req.url ?? "";
  const right = Buffer.from(signatureOf(key, req.method ?? "", target, text));
  const given = Buffer.from(signature);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  const [time, from, url] = JSON.parse(Buffer.from(text, "base64url").toString()) as [number, string, string];
  return Math.abs(now - time) <= GOOD_FOR_MS ? { from, url } : undefined;
}

function signatureOf(key: Buffer, method: string, target: string, text: string): string {
  return createHmac("sha256", key).update(`${method} ${target}\n${text}`).digest("base64url");
}
