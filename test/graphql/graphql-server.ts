// A GraphQL endpoint on a port of its own, as the HTTP server mounts it, and people who talk to it over real HTTP.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Koa from "koa";
import pg from "pg";
import { isFailure } from "../../src/errors.ts";
import { openModuleArchives } from "../../src/git/indexing/module-archives.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { createGraphqlEndpoint, type GraphqlOptions } from "../../src/graphql/endpoint/endpoint.ts";
import { errorOf } from "../../src/graphql/failure-error.ts";
import { credentialsOf } from "../../src/http/protocol/credentials.ts";
import { openRemotes } from "../../src/mirrors/remotes.ts";
import { authenticate } from "../../src/registry/access/authentication.ts";
import { openChecksumLog } from "../../src/registry/checksums/checksum-log.ts";
import { loadSigners } from "../../src/registry/checksums/signing-keys.ts";
import { type CurrentRef, nobodysPush, recordRefs } from "../../src/registry/forge/recorded-refs.ts";
import { createPersonalToken } from "../../src/registry/forge/tokens.ts";
import { createUser, type NewUser } from "../../src/registry/forge/users.ts";
import type { WaitingTag } from "../../src/registry/forge/waiting-tags.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { type NewVersion, publish } from "../../src/registry/versions/publish.ts";
import type { Refusal } from "../../src/registry/versions/rejected-tags.ts";
import { atEnd, empty } from "../support/at-end.ts";

const loadTestSigners = ({ dataDirectory }: Registry) =>
  loadSigners({ dataDirectory, name: undefined, defaultName: "go.example.com/sumdb", keys: undefined });

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly reason?: string };
}

// biome-ignore lint/suspicious/noExplicitAny: answers have the shape of whatever was asked
export type Data = any;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Data;
  readonly errors: readonly GraphqlError[] | undefined;
}

/** Somebody who asks. */
export interface Asker {
  (query: string, variables?: Record<string, unknown>): Promise<Answer>;
  /** As above, but only the data; fails the test if there are errors. */
  data(query: string, variables?: Record<string, unknown>): Promise<Data>;
}

export interface GraphqlServer {
  readonly url: string;
  /** Whoever has this token; nobody without one. */
  as(token?: string): Asker;
  /** All documents that were sent. */
  readonly sent: readonly string[];
}

export const PUBLIC_URL = "https://go.example.com";
const ADDRESSES = {
  modulePages: "https://pkg.example.com/{path}@{version}",
  hasWorld: true,
  gosumdb: undefined,
};

/** Serves a registry until the end of the test file. */
export async function serveGraphql(
  registry: Registry,
  options: Partial<Omit<GraphqlOptions, "registry">> = {},
): Promise<GraphqlServer> {
  const repositories = new Repositories();
  const endpoint = createGraphqlEndpoint({
    remotes: openRemotes({ allowPrivateNetworks: [], upstreamCaFile: undefined }),
    registry,
    url: () => PUBLIC_URL,
    production: true,
    ...ADDRESSES,
    archives: openModuleArchives(registry, repositories),
    checksums: await openChecksumLog(registry, await loadTestSigners(registry)),
    ...options,
  });
  await endpoint.start();
  const app = new Koa();
  app.silent = true;
  app.use(async (ctx, next) => {
    try {
      ctx.state.principal = await authenticate(registry, credentialsOf(ctx.headers));
    } catch (error) {
      // As the whole server says it (http/protocol/problem.ts).
      if (!isFailure(error, "unauthenticated")) throw error;
      ctx.status = 401;
      ctx.body = { errors: [errorOf(error)] };
      return;
    }
    await endpoint.middleware(ctx, next);
  });
  const server: Server = createServer(app.callback());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await endpoint.stop();
    await repositories.close();
    empty(served);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/graphql`;
  const sent: string[] = [];
  const served: GraphqlServer = { url, sent, as: (token) => asker(url, token, sent) };
  return served;
}

/** Whoever has a token, at any GraphQL endpoint; what is asked is remembered in `sent`. */
export function asker(url: string, token: string | undefined, sent: string[]): Asker {
  const ask = async (query: string, variables: Record<string, unknown> = {}): Promise<Answer> => {
    sent.push(query);
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: Data; errors?: GraphqlError[] };
    return { status: response.status, headers: response.headers, data, errors };
  };
  return Object.assign(ask, {
    async data(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
      const answer = await ask(query, variables);
      if (answer.errors) throw new Error(`${query}\n${JSON.stringify(answer.errors, undefined, 2)}`);
      return answer.data;
    },
  });
}

/** Makes a user; returns a token for it. */
export async function signUp(registry: Registry, user: NewUser, scopes: readonly string[] = ["api"]): Promise<string> {
  await createUser(registry, OPERATOR, user);
  const { secret } = await createPersonalToken(registry, OPERATOR, user.username, { name: "test", scopes });
  return secret;
}

/** A version with everything made up but what is given. */
export function version(
  modulePath: string,
  name: string,
  given: Partial<NewVersion> & { text?: string } = {},
): NewVersion {
  const { text, ...rest } = given;
  return {
    modulePath,
    version: name,
    time: new Date("2024-05-06T07:08:09Z"),
    commit: "0123456789abcdef0123456789abcdef01234567",
    ref: `refs/tags/${name}`,
    directory: "",
    goMod: Buffer.from(text ?? `module ${modulePath}\n\ngo 1.24\n`),
    legacy: false,
    ...rest,
  };
}

/** Publishes versions as a push would, without git. */
export async function publishVersions(
  registry: Registry,
  projectId: number,
  versions: readonly NewVersion[],
  refusals: readonly Refusal[] = [],
): Promise<number[]> {
  const names = new Set([...versions.map((v) => v.version), ...refusals.map((r) => r.tag)]);
  const oid = "1".repeat(40);
  const tags: WaitingTag[] = [...names].map((tag) => ({
    tag,
    oid,
    peeled: oid,
    updatedAt: new Date(),
    rowVersion: "",
  }));
  return publish(registry, projectId, { versions, refusals, tags });
}

/**
 * How many statements the database was sent meanwhile, but for those of a connection that opens (src/database/client.ts) and
 * what is written down from time to time (src/registry/numbers/traffic.ts, token-use.ts).
 */
export async function countStatements(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  // biome-ignore lint/suspicious/noExplicitAny: pg's many overloads
  const prototype = pg.Client.prototype as any;
  const { query } = prototype;
  prototype.query = function counted(...args: unknown[]) {
    if (!/^\s*(SET |WITH folded |UPDATE token )/.test(String(args[0]))) count++;
    return query.apply(this, args);
  };
  try {
    await work();
  } finally {
    prototype.query = query;
  }
  return count;
}

/** Records refs as a push would that left exactly these. */
export async function recordExactly(registry: Registry, projectId: number, refs: readonly CurrentRef[]): Promise<void> {
  const peel = async (oids: readonly string[]) => ({
    peeled: new Map(oids.map((oid) => [oid, oid])),
    unreadable: new Set<string>(),
  });
  await recordRefs(
    registry,
    { ...nobodysPush(projectId), pusherOf: () => OPERATOR },
    { refs: async () => refs, head: async () => undefined, peel, keep: async () => {} },
  );
}
