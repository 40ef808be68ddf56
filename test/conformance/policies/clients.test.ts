// What clients do with each kind of policy: the real go command, with and without `direct` behind us, gopls' check for
// vulnerabilities and for upgrades, and renovate's Go datasource. What was asked and what happened is the table in
// docs/policies.md, "What clients make of each policy", which this compares with what happens now. Building gopls and installing
// renovate takes minutes, so it is done where GOKURA_POLICY_CLIENTS is set:
// GOKURA_POLICY_CLIENTS=1 npx vitest run test/conformance/policies.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import licenses from "spdx-license-list/full.js";
import { expect, test } from "vitest";
import { createPolicy, deletePolicy, type NewPolicy } from "../../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { goProgram, required } from "../../clients/installed.ts";
import { fakeUpstream } from "../../support/fake-upstream.ts";
import { type GoCommand, goCommand } from "../../support/go.ts";
import { ask } from "../../support/http.ts";
import { runProgram } from "../../support/push.ts";
import { testServer } from "../../support/server.ts";
import { temporary } from "../../support/temporary.ts";
import { vulnerabilityFeed } from "../../support/vulnerability-feed.ts";
import { languageServer } from "../gopls/lsp.ts";

const GOPLS = "golang.org/x/tools/gopls";
const RENOVATE = "renovate@44.121.2";
/** Its repository is found by the ending, without asking its host. */
const M = "example.com/m.git";
const WEEK_SECONDS = 7 * 24 * 3600;
const TIMEOUT_MS = 1_800_000;
const START = Date.parse("2026-11-01T00:00:00Z");

const MIT = licenses.MIT!.licenseText;
const GPL = licenses["GPL-3.0-only"]!.licenseText;
const FILES: Readonly<Record<string, Record<string, string>>> = {
  "v1.0.0": { LICENSE: MIT, "m.go": "package m\n\n// Bad is.\nfunc Bad() {}\n" },
  "v1.1.0": { LICENSE: MIT, "m.go": "package m\n\n// Bad is.\nfunc Bad() {}\n" },
  "v1.2.0": { LICENSE: GPL, "m.go": "package m\n\n// Bad is.\nfunc Bad() {}\n" },
};

/** The policies, by their words in the table. `hook`: the validation hook refuses v1.2.0. */
const KINDS: readonly { readonly words: string; readonly rule?: Omit<NewPolicy, "pattern">; readonly hook?: true }[] = [
  { words: "none" },
  { words: "deny v1.2.0", rule: { action: "DENY", versions: "v1.2.0" } },
  { words: "hold v1.2.0", rule: { action: "HOLD", versions: "v1.2.0" } },
  { words: "hold everything", rule: { action: "HOLD" } },
  { words: "7 days, soft; v1.2.0 is younger", rule: { action: "HOLD", minimumAge: WEEK_SECONDS } },
  { words: "7 days, strict", rule: { action: "HOLD", minimumAge: WEEK_SECONDS, strict: true } },
  { words: "warn of v1.2.0", rule: { action: "WARN", versions: "v1.2.0" } },
  { words: "hold licences other than MIT; v1.2.0 is GPL", rule: { action: "HOLD", licensesOtherThan: ["MIT"] } },
  { words: "hold what is vulnerable and fixable; v1.0.0 is", rule: { action: "HOLD", vulnerable: "FIXABLE" } },
  { words: "the validation hook refuses v1.2.0", hook: true },
];

test.runIf(process.env.GOKURA_POLICY_CLIENTS !== undefined)(
  "each client meets each policy as docs/policies.md has it",
  { timeout: TIMEOUT_MS },
  async (context) => {
    const gopls = required(await goProgram(join(import.meta.dirname, "../gopls"), GOPLS), context);
    const renovate = temporary("renovate");
    const installing = ["install", "--prefix", renovate, "--ignore-scripts", "--no-audit", "--no-fund", RENOVATE];
    const installed = await runProgram("npm", installing, { env: { ...process.env } as Record<string, string> });
    expect(installed.status, installed.output).toBe(0);

    let now = START;
    let refusing = false;
    const upstream = await fakeUpstream();
    const hook = await fakeUpstream((req, res) => {
      let body = "";
      req.on("data", (part) => (body += part));
      req.on("end", () => res.writeHead(refusing && JSON.parse(body).Version === "v1.2.0" ? 403 : 200).end("not ours"));
    });
    const feed = await fakeUpstream();
    vulnerabilityFeed(feed, "2026-01-01T00:00:00Z", {
      ...{ id: "GO-2026-0001", module: M, events: [{ introduced: "1.0.0" }, { fixed: "1.1.0" }] },
      imports: [{ path: M, symbols: ["Bad"] }],
    });
    const server = await testServer({
      environment: {
        ...{
          GOKURA_UPSTREAM: upstream.url,
          GOKURA_UPSTREAM_TTL: "0",
          GOKURA_SUMDB: "off",
          GOKURA_UPSTREAM_VERIFY: "off",
        },
        ...{ GOKURA_VULNDB: feed.url, GOKURA_VALIDATION_HOOK: `${hook.url}/check` },
      },
      now: () => now,
    });
    await expect.poll(async () => (await ask(server.url, "/vulndb/index/db.json")).status).toBe(200);
    const us = `${server.url}/api/v4/packages/go`;
    const repository = await repositoryOf(FILES);
    for (const version of ["v1.0.0", "v1.1.0"]) await upstream.version(M, version, FILES[version]);
    // A version is seen by whoever asks for its age.
    await ask(server.url, `/api/v4/packages/go/cooldown/7d/${M}/@v/list`);
    now += 30 * 24 * 3600_000;
    await upstream.version(M, "v1.2.0", FILES["v1.2.0"]);
    // The licence of a version is known once somebody has fetched it.
    for (const version of Object.keys(FILES)) await ask(server.url, `/api/v4/packages/go/${M}/@v/${version}.zip`);

    const table: string[][] = [];
    for (const { words, rule, hook: isRefused = false } of KINDS) {
      refusing = isRefused;
      const made = rule && (await createPolicy(server.registry, OPERATOR, { pattern: M, reason: "not here", ...rule }));
      // What the hook said counts as long as the rules are the same.
      const other = await createPolicy(server.registry, OPERATOR, { pattern: "example.com/other", action: "WARN" });
      const row = [words];
      for (const behind of ["", ",direct"]) {
        const fresh = (): GoCommand => goWith(`${us}${behind}`, repository);
        row.push(versionsIn(await fresh().run("list", "-m", "-versions", M)));
        row.push(outcomeOf(await fresh().run("list", "-m", "-f", "{{.Version}}", `${M}@latest`)));
        row.push(outcomeOf(await fresh().run("mod", "download", "-json", `${M}@v1.2.0`)));
      }
      row.push(...(await inGopls(gopls, us, repository, `${server.url}/vulndb`)));
      for (const behind of ["", `,${upstream.url}`]) row.push(await inRenovate(renovate, `${us}${behind}`));
      table.push(row);
      for (const { id } of [other, ...(made ? [made] : [])]) await deletePolicy(server.registry, OPERATOR, id);
    }
    const happened = tableOf(table);
    if (process.env.GOKURA_POLICY_CLIENTS === "print") console.log(happened);
    const page = readFileSync("docs/policies.md", "utf8");
    expect(page.replaceAll(/ +\|/g, " |")).toContain(happened);
  },
);

/** As a table of the page has it: what the go command does with and without direct is one column where it is the same. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const both = (row: readonly string[], n: number): string =>
    row[n] === row[n + 3] ? row[n]! : `${row[n]}; with \`,direct\` ${row[n + 3]}`;
  const lines = rows.map((row) => {
    const [one, other] = [row[9]!, row[10]!];
    const renovate = one === other ? one : `${one}; with \`,other\` ${other}`;
    return [row[0], both(row, 1), both(row, 2), both(row, 3), row[7], row[8], renovate];
  });
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function versionsIn(ended: { status: number | null; output: string }): string {
  if (ended.status !== 0) return outcomeOf(ended);
  return ended.output.match(/\bv1\.\d\.0\b/g)?.join(" ") ?? "none";
}

function outcomeOf({ status, output }: { status: number | null; output: string }): string {
  const found = /\bv1\.\d\.0\b/.exec(output)?.[0];
  if (status === 0) return found ?? output.trim();
  return /denied|held|is not valid/.test(output)
    ? `stops: "${/(denied|held|is not valid)/.exec(output)![0]}"`
    : "stops";
}

/** A go command whose own git finds the repository of the module on this disk. */
function goWith(proxy: string, repository: string): GoCommand {
  return goCommand({
    ...{ GOPROXY: proxy, GOFLAGS: "-mod=mod -modcacherw", GONOSUMDB: "*" },
    ...{
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: `url.file://${repository}.insteadOf`,
      GIT_CONFIG_VALUE_0: `https://${M}`,
    },
    ...{ GIT_CONFIG_KEY_1: "safe.directory", GIT_CONFIG_VALUE_1: "*" },
  });
}

/** What gopls finds of vulnerabilities in a program that uses v1.0.0, and to what go would upgrade that. */
async function inGopls(gopls: string, proxy: string, repository: string, database: string): Promise<string[]> {
  const go = goWith(proxy, repository);
  const main = `package main\n\nimport m "${M}"\n\nfunc main() { m.Bad() }\n`;
  const goMod = join(go.cwd, "go.mod");
  writeFileSync(join(go.cwd, "main.go"), main);
  writeFileSync(goMod, `module example.com/work\n\ngo 1.21\n\nrequire ${M} v1.0.0\n`);
  const fetched = await go.run("mod", "tidy");
  if (fetched.status !== 0) return [`the module cannot be fetched, ${outcomeOf(fetched)}`, outcomeOf(fetched)];
  const editor = languageServer(gopls, go.cwd, { ...go.env, GOVULNDB: database }, {});
  const uri = pathToFileURL(goMod).href;
  await editor.request("initialize", {
    ...{ processId: process.pid, rootUri: pathToFileURL(go.cwd).href },
    capabilities: { workspace: { configuration: true } },
  });
  editor.notify("initialized", {});
  const text = readFileSync(goMod, "utf8");
  editor.notify("textDocument/didOpen", { textDocument: { uri, languageId: "go.mod", version: 1, text } });
  const command = "gopls.vulncheck";
  const { Result: found } = await editor.request<{
    Result: { Findings: { osv: string; fixed_version: string }[] | null };
  }>("workspace/executeCommand", { command, arguments: [{ URI: uri, Pattern: "./..." }] });
  const told = new Set((found.Findings ?? []).map(({ osv, fixed_version: fixed }) => `${osv}, fixed in ${fixed}`));
  const newest = (await go.run("list", "-m", "-u", "-f", "{{with .Update}}{{.Version}}{{end}}", M)).output.trim();
  return [[...told].join("; ") || "nothing", /^v1\.\d\.0$/.test(newest) ? newest : "none"];
}

async function inRenovate(directory: string, proxy: string): Promise<string> {
  const program = join(import.meta.dirname, "renovate-releases.mjs");
  const env = { PATH: process.env.PATH ?? "", HOME: directory, GOPROXY: proxy, GONOSUMDB: "*" };
  const { output } = await runProgram(process.execPath, [program, directory, M], { env });
  const { releases, error } = JSON.parse(output.trim().split("\n").at(-1)!) as { releases?: string[]; error?: number };
  return error !== undefined ? `stops: ${error}` : releases!.length === 0 ? "none" : releases!.join(" ");
}

/** A bare repository with these versions as tags. */
async function repositoryOf(versions: Readonly<Record<string, Record<string, string>>>): Promise<string> {
  const directory = join(temporary("origin"), "m");
  mkdirSync(directory);
  const git = async (...words: string[]): Promise<void> => {
    const env = { PATH: process.env.PATH ?? "", HOME: directory, GIT_CONFIG_GLOBAL: "/dev/null" };
    const who = ["-c", "user.name=m", "-c", "user.email=m@example.com"];
    const { status, output } = await runProgram("git", [...who, ...words], { cwd: directory, env });
    expect(status, output).toBe(0);
  };
  await git("init", "-q", "-b", "main");
  for (const [version, files] of Object.entries(versions)) {
    for (const [name, text] of Object.entries({ "go.mod": `module ${M}\n`, ...files }))
      writeFileSync(join(directory, name), text);
    await git("add", ".");
    await git("commit", "-q", "--allow-empty", "-m", version);
    await git("tag", version);
  }
  return directory;
}
