// Calls of the REST API as a client makes them. Every answer is judged by the document that the server itself serves: the
// body must be exactly what /api/v4/openapi.json says of this call and status, and the status must be one that it names.
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { expect } from "vitest";
import { type Answer, ask } from "./http.ts";

export interface RestAnswer extends Answer {
  // biome-ignore lint/suspicious/noExplicitAny: what it is, the test says
  readonly json: any;
}

export interface RestRequest {
  /** Sent as JSON; text is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export type Rest = (method: string, path: string, token?: string, request?: RestRequest) => Promise<RestAnswer>;

interface Document {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, { readonly content?: object }> }>>;
}

/** Returns a function that makes a call below /api/v4; `path` goes out as it is, without a token if none is given. */
export async function restOf(url: string): Promise<Rest> {
  const document: Document = JSON.parse((await ask(url, "/api/v4/openapi.json")).text);
  const judge = judgeOf(document);
  return async (method, path, token, { body, headers = {} } = {}) => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const answer = await ask(url, `/api/v4${path}`, {
      method,
      headers: {
        ...(text === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { "private-token": token }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
    const json = answer.text === "" ? undefined : JSON.parse(answer.text);
    if (json !== undefined) expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    if (answer.status === 204) expect(answer.text).toBe("");
    judge(method, path, answer.status, json);
    return { ...answer, json };
  };
}

function judgeOf(document: Document): (method: string, path: string, status: number, json: unknown) => void {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, "api");
  const compiled = new Map<string, ValidateFunction>();
  const templates = Object.keys(document.paths).map((path) => ({
    path,
    shape: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
  }));
  // A word before a parameter, as the server has it.
  templates.sort((a, b) => a.path.split("{").length - b.path.split("{").length);
  return (method, path, status, json) => {
    if (method === "HEAD" || status === 413 || status === 405) return;
    const tidy = path
      .replace(/\?.*/, "")
      .replace(/\/{2,}/g, "/")
      .replace(/(?<=.)\/$/, "");
    const verb = method.toLowerCase();
    const found = templates.find((one) => one.shape.test(tidy) && document.paths[one.path]![verb]);
    if (!found) return expect(json).toEqual({ error: "404 Not Found", reason: "no_such_address" });
    const responses = document.paths[found.path]![verb]!.responses;
    expect(Object.keys(responses), `${method} ${found.path}`).toContain(String(status));
    if (!responses[String(status)]!.content) return;
    const place = ["paths", found.path, verb, "responses", String(status), "content", "application/json", "schema"];
    const pointer = place.map((word) => encodeURIComponent(word.replace(/~/g, "~0").replace(/\//g, "~1"))).join("/");
    if (!compiled.has(pointer)) compiled.set(pointer, ajv.compile({ $ref: `api#/${pointer}` }));
    const validate = compiled.get(pointer)!;
    expect(validate(json) ? [] : validate.errors, `${method} ${path} ${status} ${JSON.stringify(json)}`).toEqual([]);
  };
}
