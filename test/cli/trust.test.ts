// gokura trust: issuers are trusted, listed, and no more; and check says why an ID token is taken or not, claim by claim.
import { beforeAll, expect, test } from "vitest";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { type Cli, cliOnDatabase } from "./cli.ts";

let cli: Cli;
let issuer: Issuer;

beforeAll(async () => {
  issuer = await startIssuer();
  cli = await cliOnDatabase({
    GOKURA_URL: "https://go.example.com",
    GOKURA_UPSTREAM_CA_FILE: issuer.caFile,
    GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8,::1/128",
  });
  await cli("group", "create", "acme");
  await cli("project", "create", "acme/lib");
});

const JOB = { sub: "job", aud: "https://go.example.com", repository: "acme/lib", ref: "refs/heads/main" };

test("add, list, remove", async () => {
  const words = ["trust", "add", "--project", "acme/lib", "--issuer", "github", "--scope", "read_api,write_repository"];
  const made = await cli.json(...words, "--claim", "repository=acme/lib", "--claim", "ref=refs/tags/v*=1");
  expect(made).toMatchObject({
    of: "acme/lib",
    issuer: "https://token.actions.githubusercontent.com",
    audience: "https://go.example.com",
    scopes: ["read_api", "write_repository"],
  });
  expect((made.claims as string[]).sort()).toEqual(["ref=refs/tags/v*=1", "repository=acme/lib"]);
  expect(await cli.json("trust", "list", "--project", "acme/lib")).toEqual([made]);
  expect(await cli.json("trust", "list", "--group", "acme")).toEqual([]);
  expect(await cli.json("trust", "remove", String(made.id))).toMatchObject({ id: made.id });
  expect(await cli.json("trust", "list")).toEqual([]);
  for (const wrong of ["repository", "=x", "repository="]) expect((await cli(...words, "--claim", wrong)).code).toBe(2);
  expect((await cli(...words, "--claim", "ref=*")).code).toBe(1);
});

test("check", async () => {
  const check = async (token: string) => {
    const { code, stdout } = await cli("trust", "check", token);
    return { code, lines: stdout.trimEnd().split("\n").slice(2) };
  };
  const token = await issuer.token(JOB);
  expect(await check(token)).toEqual({
    code: 1,
    lines: ["nothing here trusts this issuer; the URL must be the very same (gokura trust list)", "it is not taken"],
  });
  const add = (where: readonly string[], ...claims: string[]) =>
    cli.json(
      "trust",
      "add",
      ...where,
      "--issuer",
      issuer.url,
      "--scope",
      "read_api",
      ...claims.flatMap((c) => ["--claim", c]),
    );
  const strict = await add(["--project", "acme/lib"], "ref=refs/tags/v*", "environment=release");
  expect(await check(token)).toEqual({
    code: 1,
    lines: [
      "its signature and its times are right",
      `trust ${strict.id} of acme/lib: ref is refs/heads/main, and must be refs/tags/v*`,
      `trust ${strict.id} of acme/lib: environment is not in the token, and must be release`,
      "it is not taken",
    ],
  });
  const wide = await add(["--group", "acme"], "repository=acme/*");
  expect((await check(token)).code).toBe(0);
  expect((await check(token)).lines).toContain(`trust ${wide.id} of acme: fits, and gives read_api`);
  const late = await check(await issuer.token(JOB, { expiresIn: -60 }));
  expect([late.code, late.lines[0]]).toEqual([1, expect.stringContaining("(id_token_expired)")]);
  const other = await check(await issuer.token({ ...JOB, aud: "https://elsewhere.example.com" }));
  expect(other.lines).toContain(
    `trust ${wide.id} of acme: aud is https://elsewhere.example.com, and must be https://go.example.com`,
  );
  expect((await cli("trust", "check", "gkpt_nothing")).stderr).toContain("cannot be read");
  const { code, stdout } = await cli("trust", "check", token, "--json");
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { taken: true, claims: { sub: "job" } }]);
});
