// The REST API as a program that was written by hand asks it: one token, one body, JSON at every request, also where there
// is nothing to say. Answers are judged as in rest-document.ts.
import { type RestAnswer, restOf } from "./rest-document.ts";

export type Rest = (method: string, path: string, body?: unknown, token?: string | null) => Promise<RestAnswer>;

/** A client of the API at a server. Paths are below /api/v4; `token` is another one, or null for none. */
export async function restClient(url: string, token: string): Promise<Rest> {
  const rest = await restOf(url);
  const headers = { "content-type": "application/json" };
  return (method, path, body, as = token) => rest(method, path, as ?? undefined, { body, headers });
}
