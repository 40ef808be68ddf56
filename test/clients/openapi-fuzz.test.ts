// The OpenAPI document against the server that serves it, judged by schemathesis, which makes requests out of the document:
// good ones, and bad ones of every kind. No answer may be a defect of ours (5xx), and none may be other than the document
// says: its status, its content type, its body. Whatever the requests delete, they delete on a server of their own.
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createPersonalToken } from "../../src/registry/forge/tokens.ts";
import { createUser } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { MODULE_HOST, type TestServer, testServer } from "../support/server.ts";
import { pythonWith, required } from "./installed.ts";

const HERE = import.meta.dirname;
const SEED = "20261121";
/** For each operation, beside one example for each boundary of the document. `FUZZ_EXAMPLES` asks for more. */
const EXAMPLES = process.env.FUZZ_EXAMPLES ?? "1";
const TIMEOUT_MS = 900_000;
/** Calls that are made by the function that makes those of projects: of hooks and trusted issuers. Others are not left out. */
const TWINS = String.raw`groups/\{id\}/(hooks|trusts)|(?<!\})/hooks`;
const CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/** A server with a little of everything, under the small numbers that come first to a fuzzer's mind. */
async function furnished(): Promise<TestServer> {
  const server = await testServer();
  const pusher = await server.token("1", "api", "write_repository");
  for (const fullPath of ["a", "a/a", "0"]) await createGroup(server.registry, OPERATOR, { fullPath });
  await addMember(server.registry, OPERATOR, { groupPath: "a" }, { username: "1", accessLevel: 40 });
  for (const fullPath of ["1/1", "a/1", "a/a/1"]) {
    await createProject(server.registry, OPERATOR, { fullPath });
    await pushRecipe(remoteOf(server.url, fullPath, pusher), (r) => {
      const commit = r.commit({ "go.mod": `module ${MODULE_HOST}/${fullPath}\n`, "a.go": "package a\n" });
      for (const version of ["v0.1.0", "v1.0.0", "v1.1.0-rc.1"]) r.tag(version, commit);
    });
  }
  return server;
}

/**
 * The token of an administrator whom no request can delete, block or rotate away: the database leaves both rows as they
 * are. Without that the fuzzer soon has no token, and then sees nothing but 401.
 */
async function immortalToken({ registry }: TestServer): Promise<string> {
  const user = await createUser(registry, OPERATOR, { username: "fuzzer", admin: true });
  const scopes = ["api"];
  const { token, secret } = await createPersonalToken(registry, OPERATOR, "fuzzer", { name: "fuzzer", scopes });
  await registry.database.pool.query(`
    CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_OP = 'UPDATE' THEN RETURN OLD; END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON token FOR EACH ROW WHEN (OLD.id = ${token.id}) EXECUTE FUNCTION stay();
    CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON "user" FOR EACH ROW WHEN (OLD.id = ${user.id}) EXECUTE FUNCTION stay()`);
  return secret;
}

test("no answer is a defect, and each is what the document says", { timeout: TIMEOUT_MS }, async (context) => {
  const python = required(await pythonWith(join(HERE, "schemathesis/requirements.txt")), context);
  const server = await furnished();
  const token = await immortalToken(server);
  const fuzz = (...words: string[]) =>
    runProgram(
      python,
      [
        join(dirname(python), "schemathesis"),
        ...["--config-file", join(HERE, "schemathesis/schemathesis.toml")],
        ...["run", `${server.url}/api/v4/openapi.json`, "--header", `PRIVATE-TOKEN: ${token}`],
        ...["--checks", CHECKS, "--phases", "coverage,fuzzing", "--seed", SEED, "--max-examples", EXAMPLES],
        ...["--exclude-path-regex", TWINS],
        ...["--workers", "1", "--no-shrink", "--continue-on-failure", "--generation-database", "none"],
        ...["--request-timeout", "30", "--warnings", "off", "--no-color", "--output-truncate", "false"],
        ...words,
      ],
      { env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", LANG: "C.UTF-8" }, cwd: server.dataDirectory },
    );
  // Deletions come last, when there has been something to look at.
  for (const some of ["--exclude-method", "--include-method"]) {
    const { status, output } = await fuzz(some, "DELETE");
    expect([status, output]).toEqual([0, expect.stringContaining("No issues found")]);
  }
  expect(server.logged.filter((line) => /"level":(50|60)/.test(line))).toEqual([]);
  // That it was more than refusals, and more than good weather.
  const answered = Map.groupBy(server.logged, (line) => /"status":(\d)/.exec(line)?.[1]);
  for (const kind of ["2", "4"]) expect(answered.get(kind)?.length).toBeGreaterThan(200);
});
