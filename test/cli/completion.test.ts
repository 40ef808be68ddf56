// The completion scripts, in the shells themselves where they are installed.
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporary } from "../support/temporary.ts";
import { runHere } from "./run-here.ts";

const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout } = await runHere(["completion", shell], {});
  expect(code).toBe(0);
  const file = join(temporary("completion"), `gokura.${shell}`);
  writeFileSync(file, stdout);
  return file;
}

const run = (shell: string, script: string): string[] =>
  execFileSync(shell, [...(shell === "zsh" ? ["-f"] : []), "-c", script], { encoding: "utf8" })
    .trim()
    .split(/\s*\n/);

describe.skipIf(!has("bash"))("bash", async () => {
  const file = await scriptFor("bash");
  const complete = (...words: string[]): string[] =>
    run(
      "bash",
      `source ${file}; COMP_WORDS=(gokura ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _gokura; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );

  test("commands, what stands below them, and options", () => {
    expect(complete("proj")).toEqual(["project"]);
    expect(complete("")).toEqual(expect.arrayContaining(["serve", "user", "completion", "--help"]));
    expect(complete("user", "")).toEqual(expect.arrayContaining(["create", "delete", "list"]));
    expect(complete("user", "create", "--e")).toEqual(["--email"]);
    expect(complete("--json", "user", "de")).toEqual(["delete"]);
    expect(complete("completion", "z")).toEqual(["zsh"]);
  });
});

describe.skipIf(!has("zsh"))("zsh", async () => {
  const file = await scriptFor("zsh");

  test("the same, with descriptions", () => {
    const complete = (...words: string[]): string[] =>
      run(
        "zsh",
        `compdef() { :; }; _describe() { print -l -- \${(P)2}; }; source ${file}; words=(gokura ${words.map((word) => `'${word}'`).join(" ")}); CURRENT=$(( ${words.length} + 1 )); _gokura`,
      );
    expect(complete("")).toContain("completion:print a script with which a shell completes the words of gokura");
    expect(complete("user", "create", "")).toContain("--admin:may do everything");
    expect(complete("project", "")).toEqual(expect.arrayContaining([expect.stringMatching(/^unpublish:.*410 Gone/)]));
  });
});

describe.skipIf(!has("fish"))("fish", async () => {
  const file = await scriptFor("fish");

  test("the same, with descriptions", () => {
    const complete = (line: string): string[] => run("fish", `source ${file}; complete -C '${line}'`);
    expect(complete("gokura proj")).toEqual([expect.stringMatching(/^project\t/)]);
    expect(complete("gokura user create --ad")).toEqual(["--admin\tmay do everything"]);
    expect(complete("gokura member ").map((line) => line.split("\t")[0])).toEqual(
      expect.arrayContaining(["add", "list", "remove"]),
    );
  });
});
