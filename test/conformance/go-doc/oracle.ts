// Builds the Go program beside this file and asks it about directories, in one process for all of them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A declaration as go/doc has it. */
export interface Entry {
  readonly kind: "const" | "var" | "func" | "type" | "method";
  readonly parent: string;
  readonly names: readonly string[];
  readonly recv: string;
  readonly doc: string;
  readonly text: string;
}

export interface OraclePackage {
  readonly name: string;
  readonly doc: string;
  readonly synopsis: string;
  readonly imports: readonly string[] | null;
  readonly entries: readonly Entry[] | null;
  readonly examples: readonly { target: string; suffix: string; doc: string; output: string }[] | null;
  readonly notes: readonly { marker: string; uid: string; body: string }[] | null;
  /** Every distinct comment, as each of Go's printers writes it. */
  readonly comments:
    | readonly { text: string; html: string; markdown: string; lines: string; indented: string }[]
    | null;
  readonly files: readonly string[];
}

/** What go/doc says about directories, in their order; null where there is no package. */
export function askGoDoc(directories: readonly string[]): (OraclePackage | null)[] {
  const directory = mkdtempSync(join(tmpdir(), "gokura-go-doc-"));
  try {
    const program = join(directory, "oracle");
    const env = { ...process.env, GOTOOLCHAIN: "local", GOTELEMETRY: "off", GOWORK: "off", GOFLAGS: "" };
    execFileSync("go", ["build", "-o", program, "."], { cwd: import.meta.dirname, env });
    const input = directories.map((one) => `${one}\n`).join("");
    const output = execFileSync(program, { input, maxBuffer: 1024 ** 3, encoding: "utf8" });
    return output
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as OraclePackage | null);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
