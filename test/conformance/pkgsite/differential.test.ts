// pkg.go.dev's API as its own program answers it, `pkgsite -proxy` of golang.org/x/pkgsite, and as /-/pkgsite does, field by field:
// pkgsite reads the same private module from our own Go endpoint, with a token. GOKURA_PKGSITE="golang.org/x/time@v0.15.0 …"
// compares these modules too, fetched through us from what `go env GOPROXY` names first, with all of their packages.
//
// Not compared is what pkgsite cannot know without its database: versions, importers, searches, vulnerabilities, which version
// is the latest, where the repository is, and licences.
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import spdx from "spdx-license-list/full.js";
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { goProgram, required } from "../../clients/installed.ts";
import { atEnd } from "../../support/at-end.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";
import { SOURCES } from "./sources.ts";

const PKGSITE = "golang.org/x/pkgsite/cmd/pkgsite";
const LIB = "gokura.test/vault/lib";
const MODULES = (process.env.GOKURA_PKGSITE ?? "").split(/\s+/).filter((word) => word !== "");

let program: Awaited<ReturnType<typeof goProgram>>;
let server: TestServer;
let theirs = "";

beforeAll(async () => {
  program = await goProgram(join(import.meta.dirname, "../../clients/pkgsite"), PKGSITE);
  if (!("program" in program)) return;
  const [upstream = "off"] = execFileSync("go", ["env", "GOPROXY"], { encoding: "utf8" }).trim().split(/[,|]/);
  server = await testServer(MODULES.length > 0 ? { environment: { GOKURA_UPSTREAM: upstream } } : {});
  await createGroup(server.registry, OPERATOR, { fullPath: "vault" });
  await createProject(server.registry, OPERATOR, { fullPath: "vault/lib" });
  await pushRecipe(remoteOf(server.url, "vault/lib", ADMIN_TOKEN), (r) =>
    r.tag("v1.2.3", r.commit({ "go.mod": `module ${LIB}\n\ngo 1.23\n`, LICENSE: spdx.MIT!.licenseText, ...SOURCES })),
  );
  theirs = await startPkgsite(program.program);
}, 300_000);

/** Starts it, reading from our Go endpoint, until the end of the file. */
async function startPkgsite(path: string): Promise<string> {
  const port = await freePort();
  const proxy = `${server.url.replace("://", `://pkgsite:${ADMIN_TOKEN}@`)}/api/v4/packages/go`;
  // K_SERVICE is the key of its page tokens.
  const env = { PATH: process.env.PATH, HOME: server.dataDirectory, GOPROXY: proxy, K_SERVICE: "gokura", GOFLAGS: "" };
  const child = spawn(path, ["-proxy", "-http", `127.0.0.1:${port}`], { cwd: "/", env, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  atEnd(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(
    () => ask(url, "/v1/nothing").catch(() => undefined),
    (answer) => answer?.status === 400,
    120_000,
  );
  return url;
}

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function both(path: string): Promise<{ readonly ours: Answered; readonly theirs: Answered }> {
  const read = async (url: string, at: string, headers: Record<string, string>): Promise<Answered> => {
    const { status, text } = await ask(url, at, { headers });
    return { status, body: comparable(JSON.parse(text), path.includes("examples=")) };
  };
  const [ours, go] = await Promise.all([
    read(server.url, `/-/pkgsite/v1/${path}`, bearer(ADMIN_TOKEN)),
    read(theirs, `/v1/${path}`, {}),
  ]);
  return { ours, theirs: go };
}

/**
 * What both can know, and in an order that both have. Of what is not there we say why. Examples: there comments are missing in
 * the code, with an empty line where they were, and in HTML it is not escaped.
 */
function comparable(body: Record<string, unknown>, withExamples: boolean): Record<string, unknown> {
  const { isLatest, repoUrl, packages, licenses, imports, docs, fixes, ...others } = body;
  const rest = {
    ...others,
    ...(docs === undefined ? {} : { docs: withExamples ? withoutComments(String(docs)) : docs }),
    ...(body.code === 404 ? {} : { fixes }),
  };
  const symbols = body.symbols as { nextPageToken?: string } | undefined;
  const list = packages as { items: { path: string }[] | null } | undefined;
  return {
    ...rest,
    ...(list
      ? { packages: { ...list, items: list.items?.toSorted((a, b) => (a.path < b.path ? -1 : 1)) ?? null } }
      : {}),
    ...(symbols?.nextPageToken === undefined ? {} : { symbols: { ...symbols, nextPageToken: "some" } }),
  };
}

function withoutComments(docs: string): string {
  const plain = docs.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&#34;", '"').replaceAll("&#39;", "'");
  return plain
    .replaceAll("&amp;", "&")
    .split("\n")
    .map((line) => line.replace(/(?:^|\s)\/\/.*$/, "").trim())
    .filter((line) => line !== "")
    .join("\n");
}

/** Asks both for all of these. Fails with everything that differs. */
async function compare(...paths: string[]): Promise<void> {
  const [ours, go]: [Record<string, unknown>, Record<string, unknown>] = [{}, {}];
  for (const path of paths) {
    const answers = await both(path);
    if (JSON.stringify(answers.ours) === JSON.stringify(answers.theirs)) continue;
    [ours[path], go[path]] = [answers.ours, answers.theirs];
  }
  expect(ours).toEqual(go);
}

const skipped = (context: Parameters<typeof required>[1]): void => void required(program, context);

test("packages, in every format, with imports and licences", async (context) => {
  skipped(context);
  const paths: string[] = [];
  for (const directory of ["", "/sub", "/systems", "/cmd/tool", "/internal/hidden", "/nothing", "/cmd", "/none"])
    for (const query of [
      "?",
      "?doc=text&",
      "?doc=md&",
      "?doc=html&",
      "?doc=text&examples=t&",
      "?doc=md&examples=1&",
      "?doc=html&examples=T&",
    ])
      for (const version of ["", "v1.2.3"]) paths.push(`package/${LIB}${directory}${query}version=${version}`);
  await compare(...paths);
  for (const query of ["goos=windows", "goos=js&goarch=wasm", "goos=plan9", "goos=linux&doc=text"])
    await compare(`package/${LIB}/systems?${query}`, `symbols/${LIB}/systems?${query}`);
  const { ours, theirs: go } = await rawBoth(`package/${LIB}?imports=true`);
  expect(ours.imports).toEqual(go.imports);
});

async function rawBoth(path: string) {
  const ours = await ask(server.url, `/-/pkgsite/v1/${path}`, { headers: bearer(ADMIN_TOKEN) });
  const go = await ask(theirs, `/v1/${path}`);
  return { ours: JSON.parse(ours.text), theirs: JSON.parse(go.text) };
}

test("modules, their packages and symbols, whole and in pages", async (context) => {
  skipped(context);
  await compare(
    ...[
      `module/${LIB}`,
      `module/${LIB}?version=v1.2.3&readme=true`,
      `module/${LIB}?version=v9.9.9`,
      `module/${LIB}/sub`,
    ],
    ...[`packages/${LIB}`, `packages/${LIB}?version=v1.2.3&limit=100`, `packages/${LIB}/sub`, `packages/${LIB}/none`],
    ...[
      `symbols/${LIB}`,
      `symbols/${LIB}/sub`,
      `symbols/${LIB}?limit=3`,
      `symbols/${LIB}/cmd/tool`,
      `symbols/${LIB}/nothing`,
    ],
    ...["module/gokura.test/vault/none", "package/gokura.test/vault/none/at/all", "package/none"],
  );
  const { ours, theirs: go } = await rawBoth(`symbols/${LIB}?limit=4`);
  const next = (token: string): string => `symbols/${LIB}?limit=4&token=${token}`;
  const second = await ask(server.url, `/-/pkgsite/v1/${next(ours.symbols.nextPageToken)}`, {
    headers: bearer(ADMIN_TOKEN),
  });
  const other = await ask(theirs, `/v1/${next(go.symbols.nextPageToken)}`);
  expect(JSON.parse(second.text).symbols.items).toEqual(JSON.parse(other.text).symbols.items);
});

test("mistakes, and filters, right and wrong", async (context) => {
  skipped(context);
  const filters =
    `kind == "Function" && hasPrefix(name, "New")|contains(synopsis, "int")|matches(name, "^[A-M].*r$")|name < "M"
    |parent == "" \u007C\u007C false|!(kind != "Type")|len|rate|name + 1|1 + name|name == 1|"a" + name|'a'|1.5|name(1)|a.b|name[0]
    |contains(name)|contains(name, 1)|contains(nil, nil)|matches(name, "(")|-name|!name|1 / 0 == 1|7 % 4 == 3 && -7 / 2 == -3
    |+1 == 1|1 & 1|9223372036854775807 + 1 < 0|9223372036854775808|0x10|true|nil|nil == nil|contains == contains|true == 1
    |"\\x41" < name|name == \`Max\`|((1 + 2) * 3 == 9)|1 < 2 == true|false|"only text"`
      .split(/\n\s*\||\|/)
      .map((one) => one.trim().replace("\u007C\u007C", "||"));
  await compare(
    ...filters.map((filter) => `symbols/${LIB}?filter=${encodeURIComponent(filter)}`),
    ...["", "nothing", "nothing/at/all", "search", "search?limit=x&q=", "symbols/", "package/", "module/"],
    ...[`package/${LIB}?examples=true`, `package/${LIB}?doc=pdf`, `package/${LIB}?examples=maybe&doc=md`],
    ...[
      `symbols/${LIB}?limit=`,
      `symbols/${LIB}?limit=1x`,
      `symbols/${LIB}?limit=-5`,
      `symbols/${LIB}?limit=99999999999999999999`,
    ],
    ...[
      `package/${LIB}/sub?module=${LIB}`,
      `package/${LIB}/sub?module=gokura.test/none`,
      `packages/${LIB}?filter=name`,
    ],
  );
});

test.runIf(MODULES.length > 0)("modules of others", { timeout: 1_800_000 }, async (context) => {
  skipped(context);
  let compared = 0;
  const differences: string[] = [];
  for (const name of MODULES) {
    const [path, version] = name.split("@") as [string, string];
    // A version is stored when somebody fetched it.
    for (const end of ["info", "mod", "zip"])
      await ask(server.url, `/api/v4/packages/go/${path}/@v/${version}.${end}`, { headers: bearer(ADMIN_TOKEN) });
    const list = (await both(`packages/${path}?version=${version}&limit=1000`)).theirs.body.packages as {
      items: { path: string }[];
    };
    const paths = [`module/${path}?version=${version}`, `packages/${path}?version=${version}&limit=1000`];
    for (const one of list.items)
      for (const query of ["doc=text", "doc=html", "doc=md&examples=true"])
        paths.push(`package/${one.path}?module=${path}&version=${version}&${query}`);
    for (const one of list.items) paths.push(`symbols/${one.path}?module=${path}&version=${version}&limit=1000`);
    for (const one of paths) {
      const { ours, theirs: go } = await both(one);
      compared++;
      const found = [...new Set([...Object.keys(ours.body), ...Object.keys(go.body)])].filter(
        (key) => withoutEmptyLines(ours.body[key]) !== withoutEmptyLines(go.body[key]),
      );
      for (const key of found) differences.push(`${one}: ${key}\n${firstDifference(ours.body[key], go.body[key])}`);
    }
  }
  console.log(`${compared} answers compared, ${differences.length} differences\n${differences.join("\n")}`);
  expect(differences).toEqual([]);
});

/** go/printer leaves an empty line behind a comment at the end of a declaration or of a struct. */
function withoutEmptyLines(value: unknown): string {
  return JSON.stringify(value, (_, one) => (typeof one === "string" ? one.replace(/\n+(?=\n|<\/code>)/g, "") : one));
}

function firstDifference(ours: unknown, go: unknown): string {
  const [a, b] = [ours, go].map((one) => JSON.stringify(one) ?? "");
  let at = 0;
  while (at < a!.length && a![at] === b![at]) at++;
  const around = (text: string): string => text.slice(Math.max(0, at - 100), at + 150);
  return `  ours   ${around(a!)}\n  theirs ${around(b!)}`;
}
