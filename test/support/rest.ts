// Asks the REST API as a program does that was written by hand: one request, and what came of it as JSON.
import type { IncomingHttpHeaders } from "node:http";
import { ask, bearer } from "./http.ts";

export interface RestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests compare it with what is due
  readonly json: any;
}

export type Rest = (method: string, path: string, body?: unknown, token?: string | null) => Promise<RestAnswer>;

/** A client of the API at a server. Paths are below /api/v4; `token` is another one, or null for none. */
export function restClient(url: string, token: string): Rest {
  return async (method, path, body, as = token) => {
    const headers = { "content-type": "application/json", ...(as === null ? {} : bearer(as)) };
    const text = body === undefined ? "" : JSON.stringify(body);
    const answer = await ask(url, `/api/v4${path}`, { method, headers, body: text });
    const json = answer.text === "" ? undefined : JSON.parse(answer.text);
    return { status: answer.status, headers: answer.headers, json };
  };
}
