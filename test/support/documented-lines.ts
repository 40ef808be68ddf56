// The lines of shell that a page of docs/ has, for tests that run them as they stand there.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The blocks of shell lines in a section of a page. */
export function documentedBlocks(page: string, heading: string): string[] {
  const section = readFileSync(page, "utf8").split(`\n## ${heading}\n`)[1]!.split(/\n## /)[0]!;
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, lines]) => lines!);
}

/** Writes programs for those lines into a directory: the gokura command, and others, each one line of shell. */
export function writePrograms(directory: string, others: Readonly<Record<string, string>> = {}): void {
  mkdirSync(directory, { recursive: true });
  const programs = { gokura: `exec '${process.execPath}' '${resolve("bin/gokura.js")}' "$@"`, ...others };
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(directory, name), 0o755);
  }
}
