// The pipelines of docs/go-clients.md, as they stand there: the shell lines of each are taken out of the page and run by a real
// shell, with the variables that the CI system sets, against a server and an issuer of ID tokens over https, with the real
// go command and a checksum database. Only the address of the server and the key of its log are put in.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject, findProject } from "../../src/registry/forge/projects.ts";
import { createGroupDeployToken } from "../../src/registry/forge/tokens.ts";
import { createTrust } from "../../src/registry/forge/trusts.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { atEnd } from "../support/at-end.ts";
import { GO_BUILD_CACHE, goCommand } from "../support/go.ts";
import { ask, bearer } from "../support/http.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { type Ended, git, pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const PAGE = readFileSync("docs/go-clients.md", "utf8");
const HOST = "go.example.com";
const LIB = `${HOST}/acme/lib`;
const DEP = `${HOST}/acme/dep`;

let issuer: Issuer;
let server: TestServer;
/** A checkout of acme/lib, whose test needs acme/dep; with go.sum, as its authors committed it. */
let checkout: string;
/** Whoever gives a job of GitHub's its ID token. */
let actions: string;

/** The code of one language under a heading of the page. */
function recipe(heading: string, language: string): string {
  const section = PAGE.split(`\n### ${heading}\n`)[1]!.split(/\n##+ /)[0]!;
  return section.split(`\n\`\`\`${language}\n`)[1]!.split("\n```")[0]!;
}

/** What of a recipe names our server: its address, its lines of netrc (go looks for host and port, curl for the host), its key. */
function here(text: string): string {
  const { host, hostname } = new URL(server.url);
  return text
    .replace(
      /'machine go\.example\.com (.*?)\\n' ("\$.*?) > /g,
      `'machine ${host} $1\\nmachine ${hostname} $1\\n' $2 $2 > `,
    )
    .replaceAll(`https://${HOST}`, server.url)
    .replace(/go\.example\.com\/sumdb\+\S+?(?=['\s]|$)/gm, server.verifierKey);
}

/** `NAME: value` and `NAME = 'value'` lines, of variables in capitals. */
function variablesIn(text: string): Record<string, string> {
  const found = [...text.matchAll(/^ *(?:ENV )?(GO[A-Z]+)(?:: | = '|=)([^'\n]+)'?$/gm)];
  return Object.fromEntries(found.map(([, name, value]) => [name!, value!]));
}

/** Lines of a `run: |` block of a step, or of the `script:` list of a job. */
function linesOf(yaml: string, name: string): string {
  const step = yaml.split(new RegExp(`^(?: *- name: ${name}|${name}:)\n`, "m"))[1]!;
  const block = /^( *)run: \|\n((?:\1 +.*\n|\n)*)/m.exec(`${step}\n`);
  if (block && step.indexOf("run: |") < (step.indexOf("- name") + 1 || Infinity))
    return block[2]!.replaceAll(new RegExp(`^${block[1]} {2}`, "gm"), "");
  const list = /^( *)script:\n((?:\1 +- .*\n)*)/m.exec(`${step}\n`)!;
  return list[2]!.replaceAll(/^ *- /gm, "");
}

interface Job {
  readonly home: string;
  /** Runs lines as CI systems do: a shell that ends at the first failure. */
  run(lines: string, more?: Record<string, string>): Promise<Ended>;
}

function job(variables: Record<string, string>): Job {
  const home = temporary("ci");
  const work = join(home, "work");
  cpSync(checkout, work, { recursive: true });
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: home, GOPATH: join(home, "go"), GOCACHE: GO_BUILD_CACHE },
    ...{ GOENV: "off", GOFLAGS: "-modcacherw", GOTOOLCHAIN: "local", GOTELEMETRY: "off" },
    ...{ SSL_CERT_FILE: server.certificateFile, CURL_CA_BUNDLE: server.certificateFile },
    ...{ GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    ...variables,
  };
  return {
    home,
    run: (lines, more = {}) => runProgram("sh", ["-ec", lines], { cwd: work, env: { ...env, ...more } }),
  };
}

const passes = { status: 0, output: expect.not.stringMatching(/unverified|warning/i) };
/** Whether a job has got what its module needs. */
const hasDep = (home: string): boolean => existsSync(join(home, "go/pkg/mod/go.example.com/acme/dep@v1.0.0/dep.go"));
const versions = async (): Promise<string[]> => {
  const { text } = await ask(server.url, `/api/v4/packages/go/${LIB}/@v/list`, {
    headers: bearer(ADMIN_TOKEN),
    ca: server.ca,
  });
  return text
    .trim()
    .split("\n")
    .filter((line) => line !== "");
};

beforeAll(async () => {
  issuer = await startIssuer();
  server = await testServer({
    tls: true,
    environment: {
      GOKURA_MODULE_HOST: HOST,
      GOKURA_UPSTREAM_CA_FILE: issuer.caFile,
      GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8,::1/128",
    },
  });
  const { registry } = server;
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  for (const fullPath of ["acme/lib", "acme/dep"]) await createProject(registry, OPERATOR, { fullPath });
  const tls = { GIT_SSL_CAINFO: server.certificateFile };
  const remote = (fullPath: string) => remoteOf(server.url, fullPath, ADMIN_TOKEN);
  await pushRecipe(
    remote("acme/dep"),
    (r) =>
      r.tag("v1.0.0", r.commit({ "go.mod": `module ${DEP}\n\ngo 1.21\n`, "dep.go": "package dep\n\nconst One = 1\n" })),
    tls,
  );
  const files = {
    "go.mod": `module ${LIB}\n\ngo 1.21\n\nrequire ${DEP} v1.0.0\n`,
    // Nothing of the standard library, which would be compiled first.
    "lib.go": `package lib\n\nimport "${DEP}"\n\nconst One = dep.One\n`,
  };
  const go = goCommand(
    {
      GOPROXY: `${server.url}/api/v4/packages/go`,
      SSL_CERT_FILE: server.certificateFile,
      GONOSUMDB: "",
      GOSUMDB: server.verifierKey,
    },
    [`machine ${new URL(server.url).host} login root password ${ADMIN_TOKEN}`],
  );
  for (const [name, text] of Object.entries(files)) writeFileSync(join(go.cwd, name), text);
  await go.must("mod", "tidy");
  const bare = await pushRecipe(
    remote("acme/scratch"),
    (r) => {
      const commit = r.commit({ ...files, "go.sum": readFileSync(join(go.cwd, "go.sum"), "utf8") });
      for (const tag of ["v1.0.0", "v1.1.0"]) r.tag(tag, commit);
    },
    tls,
  );
  checkout = join(temporary("checkout"), "lib");
  await git(["clone", "--quiet", bare.directory, checkout]);

  const gives = http.createServer(async (request, response) => {
    const { searchParams } = new URL(request.url!, "http://x");
    const known = request.headers.authorization === "Bearer of-the-runner" && searchParams.has("api-version");
    const claims = {
      sub: "repo:acme/lib:ref:refs/tags/v1.0.0",
      repository: "acme/lib",
      repository_owner: "acme",
      ref: "refs/tags/v1.0.0",
    };
    const token = await issuer.token({ ...claims, aud: searchParams.get("audience") ?? "" });
    response.writeHead(known ? 200 : 401).end(JSON.stringify({ count: token.length, value: token }));
  });
  await new Promise<void>((done) => gives.listen(0, "127.0.0.1", done));
  atEnd(async () => void gives.close());
  actions = `http://127.0.0.1:${(gives.address() as AddressInfo).port}/token?api-version=2.0`;
});

/** The trusts of a recipe, with our issuer in the place of the real one. */
async function trustAs(heading: string): Promise<void> {
  const lines = recipe(heading, "sh").replaceAll("\\\n", " ").split("\n");
  for (const line of lines) {
    const word = (name: string): string | undefined => new RegExp(`--${name} '?([^\\s']+)`).exec(line)?.[1];
    const claims = [...line.matchAll(/--claim '?([^\s'=]+)=([^\s']+)/g)].map(([, name, pattern]) => [name!, pattern!]);
    const project = await findProject(server.registry, word("project") ?? "acme/dep");
    const group = await server.registry.prisma.group.findFirstOrThrow({ where: { fullPath: "acme" } });
    await createTrust(server.registry, OPERATOR, word("group") ? { group } : { project: project! }, {
      ...{
        issuer: issuer.url,
        audience: server.url,
        claims: Object.fromEntries(claims),
        scopes: word("scope")!.split(","),
      },
    });
  }
}

describe("with ID tokens", () => {
  test("GitHub Actions", async () => {
    await trustAs("GitHub Actions");
    const yaml = here(recipe("GitHub Actions", "yaml"));
    const { home, run } = job({
      ...variablesIn(yaml),
      ...{ ACTIONS_ID_TOKEN_REQUEST_URL: actions, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-runner" },
      ...{ GITHUB_REF: "refs/tags/v1.0.0", GITHUB_REF_NAME: "v1.0.0" },
    });
    expect(await run(linesOf(yaml, "Credentials"))).toEqual({
      status: 0,
      output: expect.stringContaining("::add-mask::eyJ"),
    });
    expect(await run(linesOf(yaml, "Build"))).toEqual(passes);
    expect(await run(linesOf(yaml, "Publish"))).toEqual({
      status: 0,
      output: expect.stringContaining('"version":"v1.0.0"'),
    });
    expect([await versions(), hasDep(home)]).toEqual([["v1.0.0"], true]);
    rmSync(join(home, ".netrc"));
    rmSync(join(home, "go"), { recursive: true });
    expect((await run(linesOf(yaml, "Build"))).output).toContain("401 Unauthorized");
  });

  test("GitLab CI", async () => {
    await trustAs("GitLab CI");
    const yaml = here(recipe("GitLab CI", "yaml"));
    const audience = /aud: (\S+)/.exec(yaml)![1]!;
    const claims = {
      sub: "project_path:acme/lib",
      aud: audience,
      project_path: "acme/lib",
      ref_type: "tag",
      ref_protected: "true",
    };
    const { home, run } = job({
      ...variablesIn(yaml),
      ...{ CI_COMMIT_TAG: "v1.1.0", CI_COMMIT_SHA: "HEAD", GOKURA_ID_TOKEN: await issuer.token(claims) },
    });
    expect(await run(linesOf(yaml, "build"))).toEqual(passes);
    expect(await run(linesOf(yaml, "publish"))).toEqual({
      status: 0,
      output: expect.stringContaining('"version":"v1.1.0"'),
    });
    expect([(await versions()).at(-1), hasDep(home)]).toEqual(["v1.1.0", true]);
    const branch = await issuer.token({ ...claims, ref_type: "branch" });
    const refused = await run(linesOf(yaml, "publish"), { GOKURA_ID_TOKEN: branch, CI_COMMIT_TAG: "v1.2.0" });
    expect([refused.status === 0, refused.output]).toEqual([
      false,
      expect.stringContaining("have the issuer trusted with write_package_registry"),
    ]);
  });
});

describe("with a deploy token", () => {
  let deploy: { readonly GOKURA_USER: string; readonly GOKURA_TOKEN: string };
  beforeAll(async () => {
    const input = { name: "jenkins", scopes: ["read_package_registry"] };
    const { token, secret } = await createGroupDeployToken(server.registry, OPERATOR, "acme", input);
    deploy = { GOKURA_USER: token.username!, GOKURA_TOKEN: secret };
  });

  test("Jenkins", async () => {
    const groovy = here(recipe("Jenkins", "groovy").replaceAll("\\\\", "\\"));
    const shell = /sh '''\n(.*?)'''/s.exec(groovy)![1]!;
    const { home, run } = job({ ...variablesIn(groovy), ...deploy });
    expect(groovy).toContain(`NETRC = "\${env.WORKSPACE_TMP}/netrc"`);
    expect(await run(shell, { NETRC: join(home, "netrc") })).toEqual(passes);
    expect([hasDep(home), existsSync(join(home, "netrc"))]).toEqual([true, false]);
  });

  test("Docker: the secret is mounted for the step alone", async () => {
    const dockerfile = here(recipe("Docker", "dockerfile"));
    const [, target, command] = /^RUN --mount=type=secret,id=netrc,target=(\S+) (.*)$/m.exec(dockerfile)!;
    const { home, run } = job(variablesIn(dockerfile));
    const mounted = target!.replace("/root", home);
    const netrc = `machine ${new URL(server.url).host} login ${deploy.GOKURA_USER} password ${deploy.GOKURA_TOKEN}\n`;
    writeFileSync(join(home, "secret"), netrc);
    copyFileSync(join(home, "secret"), mounted);
    const build = command!.replace("/app", join(home, "app"));
    expect(await run(build)).toEqual(passes);
    expect(hasDep(home)).toBe(true);
    rmSync(mounted);
    mkdirSync(join(home, "elsewhere"));
    expect((await run(build, { GOMODCACHE: join(home, "elsewhere") })).output).toContain("401 Unauthorized");
  });
});
