// A call of the REST API, defined once: call() and listCall(). The definition drives the route (route.ts), who gets in and
// with which scope, how parameters are read and refused (read-parameters.ts), the TypeScript types of what the handler gets
// and gives, pages (pages.ts), and the OpenAPI document (openapi.ts). To add calls, write a file that exports a list of
// them, and name it in rest-api.ts:
//
//   export const versionCalls = [
//     call({
//       method: "GET", path: "/version", tag: "Server", summary: "Version of the server",
//       scope: "user read", parameters: {}, status: 200, answer: z.object({ version: z.string() }),
//       failures: [], handle: async () => ({ version: "1" }),
//     }),
//   ];
//
// Parameters whose names stand in the path (`/users/:id`) are read from there, all others from the query and the body. A
// handler throws Failures (problem.ts makes GitLab's answers of them) and asks the functions of the registry, which decide
// about access. 202 answers {"message":"202 Accepted"}, 204 nothing; their handlers give nothing.
import type { Context } from "koa";
import type * as z from "zod";
import type { HostedModules } from "../../git/indexing/hosted-modules.ts";
import type { ModuleArchives } from "../../git/indexing/module-archives.ts";
import type { Remotes } from "../../mirrors/remotes.ts";
import type { ScopedDoor } from "../../registry/access/acts.ts";
import type { ChecksumLog } from "../../registry/checksums/log-state.ts";
import type { NumberedPage, NumberedPageRequest } from "../../registry/lists/numbered-page.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

type Shape = Readonly<Record<string, z.ZodType>>;
type Parsed<P extends Shape> = z.output<z.ZodObject<P>>;

/** What the handlers work on. */
export interface RestParts {
  readonly registry: Registry;
  readonly hosted: HostedModules;
  readonly archives: ModuleArchives;
  readonly checksums: ChecksumLog;
  readonly remotes: Remotes;
  /** The address that the client of a request uses, without a slash at the end. */
  addressOf(ctx: Context): string;
}

/** What a handler gets. */
export interface CallRequest<Parameters = Readonly<Record<string, unknown>>> {
  readonly parts: RestParts;
  readonly registry: Registry;
  readonly principal: Principal;
  readonly parameters: Parameters;
  /** The address that the client uses, such as https://go.example.com: what web addresses and links begin with. */
  readonly base: string;
  /** For headers and streams; a handler that sets ctx.body itself gives nothing. */
  readonly ctx: Context;
}

interface Definition<P extends Shape> {
  readonly method: Method;
  /** Below /api/v4, such as /users/:id. */
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  /** More words for the document. */
  readonly description?: string;
  /** What a token needs; "none": any good token will do. */
  readonly scope: Extract<ScopedDoor, "api read" | "api write" | "user read"> | "none";
  /** Whether those without credentials are asked in: the handler sees to what they may have. */
  readonly anonymous?: true;
  readonly parameters: P;
  /** Parameters of which "" and null mean "take it away", and not "not given"; they arrive as "". */
  readonly clearable?: readonly (keyof P & string)[];
  /** Of these parameters at least one must be given. */
  readonly oneOf?: readonly (keyof P & string)[];
  /** For the document: what else may be answered, beside 400, 401 and 403. */
  readonly failures: readonly (404 | 405 | 409 | 410)[];
  /** For the document: the media types of bytes, if not application/octet-stream. */
  readonly mediaTypes?: readonly string[];
}

interface CallDefinition<P extends Shape, A extends z.ZodType | undefined> extends Definition<P> {
  readonly status: 200 | 201 | 202 | 204;
  readonly answer?: A;
  handle(asked: CallRequest<Parsed<P>>): Promise<A extends z.ZodType ? z.input<A> : void>;
}

interface ListDefinition<P extends Shape, A extends z.ZodType> extends Omit<Definition<P>, "method"> {
  /** One row. */
  readonly row: A;
  /**
   * Whether pages by position can be asked for (pagination=keyset). The parameters then have order_by, one of whose words is
   * id, and sort; rows have an id; and `read` minds numbered.idAfter and numbered.idBefore.
   */
  readonly keyset?: true;
  read(asked: CallRequest<Parsed<P>>, numbered: NumberedPageRequest): Promise<NumberedPage<z.input<A>>>;
}

/** A call as the kernel knows it. */
export interface Call extends Definition<Shape> {
  readonly status: 200 | 201 | 202 | 204;
  readonly answer: z.ZodType | undefined;
  readonly pages: "none" | "numbered" | "keyset";
  handle(asked: CallRequest): Promise<unknown>;
  read(asked: CallRequest, numbered: NumberedPageRequest): Promise<NumberedPage<unknown>>;
}

const neither = (): never => {
  throw new Error("a call either answers one thing or a list");
};

/** A call that answers one thing, or everything at once. */
export function call<P extends Shape, A extends z.ZodType | undefined = undefined>(
  definition: CallDefinition<P, A>,
): Call {
  const handle = definition.handle as unknown as Call["handle"];
  return { ...definition, answer: definition.answer, pages: "none", handle, read: neither };
}

/** A call that answers a list in pages: 200. */
export function listCall<P extends Shape, A extends z.ZodType>(definition: ListDefinition<P, A>): Call {
  const { row, keyset, read, ...rest } = definition;
  return {
    ...rest,
    method: "GET",
    status: 200,
    answer: row,
    pages: keyset ? "keyset" : "numbered",
    handle: neither,
    read: read as unknown as Call["read"],
  };
}
