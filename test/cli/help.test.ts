// Every command explains itself, with an example that it would take. In this process: it is only text.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { gokura } from "../support/gokura-process.ts";
import { runHere } from "./run-here.ts";

async function helpOf(words: readonly string[]): Promise<string> {
  const { code, stdout } = await runHere([...words, "--help"], {});
  expect(code, words.join(" ")).toBe(0);
  return stdout;
}

/** The names below "Commands:". */
function subcommandsOf(help: string): string[] {
  const [, list = ""] = help.split("\nCommands:\n");
  return [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name!);
}

async function allCommands(words: readonly string[] = []): Promise<string[][]> {
  const below = subcommandsOf(await helpOf(words));
  if (below.length === 0) return [[...words]];
  const found = [];
  for (const name of below) found.push(...(await allCommands([...words, name])));
  return found;
}

const CONTRACT = `serve, migrate, doctor, fsck, backup, restore, storage check, storage copy, storage evict, version, demo, user create, user list, user delete, user block, user unblock, user connect, token create, token list,
  token revoke, group create, group list, group quota, project create, project list, project show, project update, project delete, project explain,
  project unpublish, project protect-tag, project unprotect-tag, project purge, member add, member remove, member list, client-config, publish, import modules, prefetch, bundle create, bundle load, flag list, flag set, completion,
  mirror add, mirror list, mirror show, mirror sync, mirror update, mirror remove, import org, policy add, policy list, policy remove, policy impact, policy explain, advisory create, advisory list, advisory withdraw, vuln report, sbom, provenance show, provenance verify, trust add, trust list, trust remove, trust check, hook add, hook list, hook remove, hook deliveries, hook retry,
  sumdb key, sumdb new-key, sumdb rename, sumdb verify, sumdb proof, sumdb check, sumdb audit, sumdb trust, sumdb quarantine`;

test("the commands are those that users script against", async () => {
  const names = (await allCommands()).map((words) => words.join(" "));
  expect(names.sort()).toEqual(CONTRACT.split(/,\s+/).sort());
});

test("each has a description, and an example that begins with itself", async () => {
  for (const words of await allCommands()) {
    const help = await helpOf(words);
    const name = words.join(" ");
    expect(help, name).toMatch(/^Usage: gokura .*\n\n\S.{10,}/);
    const example = /^Example: (.*)$/m.exec(help)?.[1];
    expect(example, name).toMatch(new RegExp(`(^|\\s)(gokura|npm run) ${name}( |$)`));
    // and uses no option that the command does not have
    for (const [option] of (example ?? "").matchAll(/--[a-z-]+/g)) expect(help, name).toContain(` ${option}`);
  }
});

test("each prints JSON for programs", async () => {
  const without = [];
  for (const words of await allCommands()) if (!(await helpOf(words)).includes("--json")) without.push(words.join(" "));
  expect(without).toEqual([]);
});

test("docs/cli.md is about all of them and about no other", async () => {
  const page = readFileSync("docs/cli.md", "utf8");
  const documented = [...page.matchAll(/`gokura ((?:[a-z-]+ ?)+)/g)].map(([, words]) => words!.trim());
  const names = (await allCommands()).map((words) => words.join(" "));
  const isAbout = (text: string, name: string): boolean => text === name || text.startsWith(`${name} `);
  for (const name of names)
    expect(
      documented.some((text) => isAbout(text, name)) || page.includes(`gokura ${name}`),
      `gokura ${name} is not in docs/cli.md`,
    ).toBe(true);
  for (const text of documented)
    expect(
      names.some((name) => isAbout(text, name)),
      `docs/cli.md speaks of gokura ${text}`,
    ).toBe(true);
});

test("no page shows a command or an option that there is not", async () => {
  const helps = new Map<string, string>();
  for (const words of await allCommands()) helps.set(words.join(" "), await helpOf(words));
  const wrong: string[] = [];
  for (const page of ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((name) =>
    name.endsWith(".md"),
  )) {
    const text = readFileSync(page, "utf8")
      .replaceAll(/\\\n\s*/g, " ")
      .replaceAll(/docker compose .*?gokura\b/g, ""); // the service of that name
    const code = [...text.matchAll(/^```sh\n(.*?)^```|`([^`\n]+)`/gms)].map(([, block, span]) => block ?? span!);
    for (const [line, words, rest] of code
      .join("\n")
      .matchAll(/(?<![\w/-]|-U )gokura ([a-z][a-z-]*(?: [a-z][a-z-]*)*)(.*)$/gm)) {
      const about = [...helps.keys()].filter(
        (name) => `${words} `.startsWith(`${name} `) || name.startsWith(`${words} `),
      );
      const options = rest!.split(/[|;&#]/)[0]!.match(/(?<![\w-])--[a-z][a-z\d-]*/g) ?? [];
      const known = (option: string): boolean => about.some((name) => helps.get(name)!.includes(` ${option}`));
      if (about.length === 0 || !options.every(known)) wrong.push(`${page}: ${line}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("a real process: --help and --version end with 0 and say nothing on standard error", async () => {
  const version = JSON.parse(readFileSync("package.json", "utf8")).version;
  const [help, said] = await Promise.all([gokura(["--help"]), gokura(["--version"])]);
  expect(help).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^[^\n]+\n\nUsage: gokura /) });
  expect(said).toEqual({ code: 0, stderr: "", stdout: `${version}\n` });
});
