// gokura demo: the main job before your eyes, on real parts only. A server with TLS on an embedded PostgreSQL in a
// temporary directory; a user, a token and a private project; a module made and pushed by isomorphic-git; the real go
// command that fetches and runs it with the token from ~/.netrc; the module in a GraphQL answer. It ends with 0 only if all
// of that happened, and leaves nothing behind.
import { execFile } from "node:child_process";
import fs from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import git, { type HttpClient } from "isomorphic-git";
import type { RunningApp } from "../app.ts";
import { readConfig } from "../config.ts";
import { Failure } from "../errors.ts";
import { netrcLines, projectGoProxy } from "../registry/forge/client-settings.ts";
import { createProject, modulePathOf } from "../registry/forge/projects.ts";
import { createPersonalToken } from "../registry/forge/tokens.ts";
import { createUser } from "../registry/forge/users.ts";
import { OPERATOR } from "../registry/principal.ts";
import { createLog } from "../telemetry/log.ts";
import { stopSignal } from "./stop-signal.ts";

const USER = "demo";
const PROJECT = "demo/greeting";
const VERSION = "v1.0.0";
const GO_TIMEOUT_MS = 120_000;

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("push a module, go get it and run it, in a temporary directory; needs go and git")
    .option("--keep", "leave the temporary directory behind")
    .option("--json", "tell the story on standard error, and the outcome as JSON")
    .addHelpText("after", "\nExample: npm run demo")
    .action(demo);
}

async function demo({ keep = false, json = false }: { keep?: boolean; json?: boolean }): Promise<void> {
  if (json) say = console.error;
  // Outside private homes: as root, PostgreSQL runs as another user.
  const directory = await mkdtemp(join(tmpdir(), "gokura-demo-"));
  await fs.promises.chmod(directory, 0o755);
  let app: RunningApp | undefined;
  const stop = stopSignal();
  const interrupted = new Promise<never>((_, reject) => stop.addEventListener("abort", () => reject(stop.reason)));
  interrupted.catch(() => {});
  try {
    step("Starting Gokura on an embedded PostgreSQL, with a self-signed certificate");
    const { startApp } = await import("../app.ts");
    app = await startApp(
      readConfig({
        GOKURA_LISTEN: "127.0.0.1:0",
        GOKURA_TLS: "self-signed",
        GOKURA_DATA_DIR: join(directory, "data"),
        GOKURA_LOG_LEVEL: "error",
      }),
      createLog("error"),
      { stopSignal: stop },
    );
    done(`it is at ${app.url}, the Go proxy is on for everybody`);
    const module = await Promise.race([play(app, directory), interrupted]);
    if (json) console.log(JSON.stringify(module, undefined, 2));
    else finish(app);
  } finally {
    await app?.stop();
    if (keep) say(`\nLeft behind: ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

async function play(app: RunningApp, directory: string): Promise<unknown> {
  const { registry, url } = app;
  const ca = await readFile(app.certificateFile!, "utf8");

  step(`Making the user ${USER}, a token, and the private project ${PROJECT}`);
  await createUser(registry, OPERATOR, { username: USER });
  const { secret } = await createPersonalToken(registry, OPERATOR, USER, {
    name: "demo",
    scopes: ["read_api", "write_repository"],
  });
  const project = await createProject(registry, OPERATOR, { fullPath: PROJECT });
  const modulePath = modulePathOf(registry, project);
  done(`the token is ${secret.slice(0, 9)}…, the module will be ${modulePath}`);

  step(`Writing the module and pushing it with the tag ${VERSION} (isomorphic-git)`);
  await pushModule(join(directory, "greeting"), modulePath, `${url}/${PROJECT}.git`, secret, httpClient(ca));
  done("pushed; its tags are versions within a second");

  step("Without a token the private module does not exist for the world");
  const anonymous = await request(ca, `${projectGoProxy(url, PROJECT)}/${modulePath}/@v/list`);
  if (anonymous.status !== 401)
    throw new Failure("unavailable", `expected 401 without a token, got ${anonymous.status}`);
  done("401 Unauthorized");

  const go = await goCommand(directory, app, modulePath, secret);
  step("go get, with GOPROXY set to the project and the token in ~/.netrc");
  await go("mod", "init", "example.com/hello");
  await go("get", `${modulePath}@latest`);
  done((await go("list", "-m", modulePath)).trim());

  step("go run of a program that imports it");
  const said = (await go("run", ".")).trim();
  if (said !== "Hello from a private module!")
    throw new Failure("unavailable", `the program said ${JSON.stringify(said)}`);
  done(said);

  step("The module as data, in GraphQL");
  const answer = await askGraphql(ca, url, secret, modulePath);
  say(JSON.stringify(answer, undefined, 2).replace(/^/gm, "    "));
  return answer;
}

async function pushModule(
  dir: string,
  modulePath: string,
  remote: string,
  token: string,
  client: HttpClient,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "go.mod"), `module ${modulePath}\n\ngo 1.21\n`);
  await writeFile(
    join(dir, "greeting.go"),
    '// Package greeting greets.\npackage greeting\n\nfunc Hello() string { return "Hello from a private module!" }\n',
  );
  const author = { name: "Demo", email: "demo@example.com" };
  await git.init({ fs, dir, defaultBranch: "main" });
  for (const filepath of ["go.mod", "greeting.go"]) await git.add({ fs, dir, filepath });
  await git.commit({ fs, dir, message: "A greeting", author });
  await git.annotatedTag({ fs, dir, ref: VERSION, message: VERSION, tagger: author });
  const onAuth = () => ({ username: USER, password: token });
  for (const ref of ["main", VERSION]) {
    const pushed = await git.push({ fs, http: client, dir, url: remote, ref, onAuth });
    if (!pushed.ok) throw new Failure("unavailable", `pushing ${ref} failed: ${pushed.error}`);
  }
}

/** Runs the go command as a user would, with nothing of this machine's own settings. */
async function goCommand(
  directory: string,
  app: RunningApp,
  modulePath: string,
  token: string,
): Promise<(...words: string[]) => Promise<string>> {
  const home = join(directory, "home");
  const cwd = join(directory, "hello");
  await mkdir(home);
  await mkdir(cwd);
  await writeFile(join(home, ".netrc"), `${netrcLines(app.url, token).join("\n")}\n`, { mode: 0o600 });
  await writeFile(
    join(cwd, "main.go"),
    `package main\n\nimport (\n\t"fmt"\n\n\t"${modulePath}"\n)\n\nfunc main() { fmt.Println(greeting.Hello()) }\n`,
  );
  const settings = {
    GOPROXY: projectGoProxy(app.url, PROJECT),
    GOSUMDB: app.checksums.signers[0]!.verifierKey,
    SSL_CERT_FILE: app.certificateFile!,
  };
  for (const [name, value] of Object.entries(settings)) say(`    ${name}=${value}`);
  const env = {
    ...settings,
    PATH: process.env.PATH ?? "",
    HOME: home,
    GOPATH: join(home, "go"),
    GOCACHE: join(home, "cache"),
    GOFLAGS: "-modcacherw",
    GOTOOLCHAIN: "local",
    GOENV: "off",
  };
  return async (...words) => {
    say(`    $ go ${words.join(" ")}`);
    try {
      const { stdout } = await promisify(execFile)("go", words, { cwd, env, timeout: GO_TIMEOUT_MS });
      return stdout;
    } catch (cause) {
      const { code, stderr } = cause as { code?: string; stderr?: string };
      if (code === "ENOENT")
        throw new Failure("unavailable", "there is no go command on this machine: install Go (go.dev/doc/install)", {
          cause,
        });
      throw new Failure("unavailable", `go ${words.join(" ")} failed:\n${stderr ?? String(cause)}`, { cause });
    }
  };
}

async function askGraphql(ca: string, url: string, token: string, path: string): Promise<unknown> {
  const query = `query ($path: String!) {
    goModule(path: $path) { path project { fullPath visibility } latestVersion { version time h1 goModH1 zipSize } }
  }`;
  const deadline = Date.now() + 5_000;
  for (;;) {
    const { status, body } = await request(ca, `${url}/api/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables: { path } }),
    });
    const answer = JSON.parse(body) as { data?: { goModule?: { latestVersion?: { version?: string } } } };
    if (status === 200 && answer.data?.goModule?.latestVersion?.version === VERSION) return answer.data.goModule;
    if (Date.now() > deadline) throw new Failure("unavailable", `GraphQL answered ${status}: ${body}`);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

interface Ask {
  readonly method?: string | undefined;
  readonly headers?: Record<string, string> | undefined;
  readonly body?: string | Buffer | undefined;
}

/** One HTTPS request that trusts our own certificate; Node's fetch cannot be told to. */
function request(ca: string, url: string, ask: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = "GET", headers = {} } = ask;
    const outgoing = https.request(url, { method, headers, ca, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers as Record<string, string>,
          body: Buffer.concat(chunks).toString("latin1"),
        }),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(ask.body);
  });
}

/** isomorphic-git's way to speak HTTP, over the same. */
function httpClient(ca: string): HttpClient {
  return {
    async request({ url, method, headers, body }) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body ?? []) chunks.push(chunk);
      const answer = await request(ca, url, { method, headers, body: Buffer.concat(chunks) });
      return {
        url,
        statusCode: answer.status,
        statusMessage: String(answer.status),
        headers: answer.headers,
        body: [new Uint8Array(Buffer.from(answer.body, "latin1"))][Symbol.iterator]() as never,
      };
    },
  };
}

let say = console.log;
let steps = 0;

function step(what: string): void {
  say(`\n${++steps}. ${what}`);
}

function done(what: string): void {
  say(`   ok: ${what}`);
}

function finish(app: RunningApp): void {
  console.log(`
All of it happened. Next:
  npm start                      run it for yourself on ./data (this demo was at ${app.url})
  npx gokura --help              users, tokens, projects, flags
  npx gokura client-config --help   settings for go, git and ~/.netrc
  README.md, docs/               the rest`);
}
