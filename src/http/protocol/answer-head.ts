// The head of an answer as Node writes it, for answers that are written to the socket as they are (repeated-requests.ts):
// status line and headers are the same each time and are kept; the date and what is said of the connection follow.
import { STATUS_CODES, validateHeaderName, validateHeaderValue } from "node:http";

/** Status line and headers (name, value, name, value…). Throws for what is no header. */
export function answerHead(status: number, headers: readonly string[]): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (let at = 0; at < headers.length; at += 2) {
    const [name, value] = [headers[at]!, headers[at + 1]!];
    validateHeaderName(name);
    validateHeaderValue(name, value);
    head += `${name}: ${value}\r\n`;
  }
  return head;
}

let end = "";
let endsAt = 0;

/** The rest of a head, now: the date, and for how many milliseconds the connection is kept. */
export function currentEnd(keepAliveMs: number): string {
  const now = Date.now();
  if (now >= endsAt) {
    endsAt = now - (now % 1000) + 1000;
    const date = new Date(now).toUTCString();
    end = `Date: ${date}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n\r\n`;
  }
  return end;
}
