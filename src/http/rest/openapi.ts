// The OpenAPI 3.1 document of the REST API, made of the same definitions that answer (call.ts), so that it cannot say
// anything else.
import * as z from "zod";
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { PRODUCT_VERSION } from "../../config.ts";
import { REASONS, type Reason } from "../../errors.ts";
import type { Call } from "./call.ts";
import { PAGE_PARAMETERS } from "./pages.ts";
import { pathParameters } from "./route.ts";

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

const Problem = z
  .looseObject({
    message: z.union([z.string(), z.record(z.string(), z.array(z.string()))]).optional(),
    error: z.string().optional(),
    error_description: z.string().optional(),
    scope: z.string().optional(),
    reason: z
      .enum(Object.keys(REASONS) as [Reason, ...Reason[]])
      .meta({ description: "A stable code: docs/errors.md" }),
  })
  .meta({ id: "Problem", description: "What went wrong, in one of GitLab's shapes" });

const WORDS: Record<number, string> = {
  400: "A parameter is missing or does not fit, or the domain says no",
  401: "Credentials are missing, or not good",
  403: "The token's scopes do not open this, or its user may not do it",
  404: "It is not there, or may not be seen",
  405: "The method is not one of the address",
  409: "It exists already",
  410: "It was taken back",
};

/** The document. */
export function describeApi(calls: readonly Call[]): unknown {
  const paths: ZodOpenApiPathsObject = {};
  for (const call of calls) {
    const path = call.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [call.method.toLowerCase()]: operationOf(call) };
  }
  return createDocument({
    openapi: "3.1.1",
    info: {
      title: "Gokura",
      version: PRODUCT_VERSION,
      description: "The REST API of a Go module registry, in the shape of GitLab's. Generated from the code.",
    },
    servers: [{ url: "/api/v4" }],
    tags: [...new Set(calls.map(({ tag }) => tag))].map((name) => ({ name })),
    security: [{ privateToken: [] }, { bearer: [] }, { basic: [] }],
    components: {
      securitySchemes: {
        privateToken: { type: "apiKey", in: "header", name: "PRIVATE-TOKEN" },
        bearer: { type: "http", scheme: "bearer" },
        basic: { type: "http", scheme: "basic", description: "The token is the password" },
      },
    },
    paths,
  });
}

function operationOf(call: Call): ZodOpenApiOperationObject {
  const all = { ...PAGE_PARAMETERS[call.pages], ...call.parameters };
  const inPath = pathParameters(call.path);
  const path = z.object(Object.fromEntries(Object.entries(all).filter(([name]) => inPath.includes(name))));
  const rest = Object.fromEntries(Object.entries(all).filter(([name]) => !inPath.includes(name)));
  const inBody = (call.method === "POST" || call.method === "PUT") && Object.keys(rest).length > 0;
  const body = z.looseObject(rest);
  const statuses = [400, 401, 403, ...call.failures];
  return {
    operationId: operationIdOf(call),
    tags: [call.tag],
    summary: call.summary,
    ...(call.description === undefined ? {} : { description: call.description }),
    ...(call.anonymous ? { security: [{}, { privateToken: [] }, { bearer: [] }, { basic: [] }] } : {}),
    "x-required-scope": call.scope,
    requestParams: {
      ...(inPath.length > 0 ? { path } : {}),
      ...(!inBody && Object.keys(rest).length > 0 ? { query: z.object(rest) } : {}),
    },
    ...(inBody ? { requestBody: { content: { [JSON_TYPE]: { schema: body }, [FORM_TYPE]: { schema: body } } } } : {}),
    responses: {
      [String(call.status)]: successOf(call),
      ...Object.fromEntries(
        statuses.map((status) => [
          String(status),
          { description: WORDS[status]!, content: { [JSON_TYPE]: { schema: Problem } } },
        ]),
      ),
    },
  } as ZodOpenApiOperationObject;
}

const Accepted = z.object({ message: z.literal("202 Accepted") }).meta({ id: "Accepted" });

function successOf(call: Call): object {
  if (call.status === 204) return { description: "Done" };
  if (call.status === 202)
    return { description: "Done, or done in a moment", content: { [JSON_TYPE]: { schema: Accepted } } };
  if (!call.answer) {
    const types = call.mediaTypes ?? ["application/octet-stream"];
    return { description: "The bytes", content: Object.fromEntries(types.map((type) => [type, {}])) };
  }
  const schema = call.pages === "none" ? call.answer : z.array(call.answer);
  return { description: call.summary, content: { [JSON_TYPE]: { schema } } };
}

/** How the document calls a call, such as get_projects_id_members. */
function operationIdOf(call: Call): string {
  return `${call.method.toLowerCase()}${call.path.replace(/[/:]+/g, "_")}`;
}
