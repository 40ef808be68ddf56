// The same failure has the same reason on every door, and in the log; and whoever holds a credential that is not good is told
// by every door what is wrong with it.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createDeployToken, createPersonalToken, revokeToken } from "../../src/registry/forge/tokens.ts";
import { createUser, setUserBlocked } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, ask, basic } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await testServer();
  const { registry } = server;
  await createGroup(registry, OPERATOR, { fullPath: "team", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "team/lib", visibility: "PUBLIC" });
  await createUser(registry, OPERATOR, { username: "alice" });
});

/** What a door says: the reason as programs read it, and the sentence. */
interface Told {
  readonly status: number;
  readonly reason: unknown;
  readonly sentence: string;
}

const DOORS: Record<string, (headers: Record<string, string>) => Promise<Told>> = {
  "Go endpoint": async (headers) =>
    told(await ask(server.url, "/api/v4/projects/team%2Flib/packages/go/gokura.test/team/lib/@v/list", { headers })),
  "index feed": async (headers) => told(await ask(server.url, "/index", { headers })),
  git: async (headers) => told(await ask(server.url, "/team/lib.git/info/refs?service=git-upload-pack", { headers })),
  "go-get": async (headers) => told(await ask(server.url, "/team/lib?go-get=1", { headers })),
  REST: async (headers) => {
    const { status, text } = await ask(server.url, "/api/v4/projects/team%2Flib", { headers });
    const { reason, error_description } = JSON.parse(text);
    return { status, reason, sentence: error_description };
  },
  GraphQL: async (headers) => {
    const query = JSON.stringify({ query: "{ currentUser { username } }" });
    const { status, text } = await ask(server.url, "/api/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: query,
    });
    const [error] = JSON.parse(text).errors;
    return { status, reason: error.extensions.reason, sentence: error.message };
  },
};

function told({ status, headers, text }: Answer): Told {
  return { status, reason: headers["gokura-reason"], sentence: text };
}

describe("whoever holds a credential is told by every door what is wrong with it", () => {
  const today = new Date(`${new Date().toISOString().slice(0, 10)}T00:00:00Z`);
  const deploy = { name: "ci", username: "ci-of-lib", scopes: ["read_repository", "read_package_registry"] };

  test.each<[string, () => Promise<Record<string, string>>, string, RegExp]>([
    [
      "nothing that can be read",
      async () => ({ authorization: "Digest x" }),
      "credentials_unreadable",
      /cannot be read/,
    ],
    ["an unknown token", async () => basic("x", "nonsense"), "token_unknown", /not known here/],
    [
      "a token that was revoked",
      async () => {
        const made = await createPersonalToken(server.registry, OPERATOR, "alice", { name: "t", scopes: ["api"] });
        await revokeToken(server.registry, OPERATOR, made.token.id);
        return basic("x", made.secret);
      },
      "token_revoked",
      /was revoked/,
    ],
    [
      "a token that expires today",
      async () => {
        const wanted = { name: "t", scopes: ["api"], expiresAt: today };
        return basic("x", (await createPersonalToken(server.registry, OPERATOR, "alice", wanted)).secret);
      },
      "token_expired",
      /expired at \d{4}-\d\d-\d\d 00:00 UTC .*until the end of the day before/,
    ],
    [
      "a deploy token with the login of another",
      async () => basic("root", (await createDeployToken(server.registry, OPERATOR, "team/lib", deploy)).secret),
      "deploy_token_username_wrong",
      /"root" does not go with this deploy token, whose name is ci-of-lib/,
    ],
    [
      "a blocked user",
      async () => {
        await createUser(server.registry, OPERATOR, { username: "mallory" });
        const made = await createPersonalToken(server.registry, OPERATOR, "mallory", { name: "t", scopes: ["api"] });
        await setUserBlocked(server.registry, OPERATOR, "mallory", true);
        return basic("x", made.secret);
      },
      "user_blocked",
      /is blocked/,
    ],
  ])("%s", async (_, credentials, reason, sentence) => {
    const headers = await credentials();
    for (const [door, knock] of Object.entries(DOORS)) {
      // The go command reads a page for go-get whatever its status, and nothing of a 401.
      const status = door === "go-get" ? 404 : 401;
      expect([door, await knock(headers)]).toEqual([
        door,
        { status, reason, sentence: expect.stringMatching(sentence) },
      ]);
    }
  });
});

test("a reason stands in the line of the request in the log", async () => {
  const lineOf = (path: string, reason: string) => (lines: readonly string[]) =>
    lines.some((line) => {
      const { msg, path: of, reason: why } = JSON.parse(line);
      return msg === "request" && of === path && why === reason;
    });
  const logged = async (path: string, reason: string) =>
    expect(lineOf(path, reason)(await eventually(async () => server.logged, lineOf(path, reason)))).toBe(true);
  await ask(server.url, "/api/v4/projects/team%2Fnone", { headers: basic("x", await server.token("alice")) });
  await logged("/api/v4/projects/team%2Fnone", "not_found");
  await ask(server.url, "/api/v4/projects/team%2Flib/nothing");
  await logged("/api/v4/projects/team%2Flib/nothing", "no_such_address");
  const body = JSON.stringify({ query: "{ goModules(first: 500) { nodes { path } } }" });
  await ask(server.url, "/api/graphql", { method: "POST", headers: { "content-type": "application/json" }, body });
  await logged("/api/graphql", "invalid_page");
});

test("what Apollo refuses by itself has a reason too", async () => {
  const reasonOf = async (body: object, headers: Record<string, string> = { "content-type": "application/json" }) => {
    const answer = await ask(server.url, "/api/graphql", { method: "POST", headers, body: JSON.stringify(body) });
    return JSON.parse(answer.text).errors[0].extensions.reason;
  };
  expect(await reasonOf({ query: "{ nonsense" })).toBe("query_unreadable");
  expect(await reasonOf({ query: "{ nonsense }" })).toBe("query_invalid");
  expect(await reasonOf({ query: "query A { __typename }", operationName: "B" })).toBe("query_invalid");
  expect(await reasonOf({ query: "{ __typename }" }, { "content-type": "text/plain" })).toBe("cross_site_request");
  const extensions = { persistedQuery: { version: 1, sha256Hash: "0".repeat(64) } };
  expect(await reasonOf({ extensions })).toBe("persisted_query_unknown");
});

test("a 401 over http tells the go command's user why a line of ~/.netrc is of no use there", async () => {
  await createProject(server.registry, OPERATOR, { fullPath: "team/hidden", visibility: "PRIVATE" });
  const { status, text } = await ask(server.url, "/api/v4/packages/go/gokura.test/team/hidden/@v/list");
  expect([status, text]).toEqual([401, expect.stringContaining("the go command sends no credentials over http\n")]);
});
