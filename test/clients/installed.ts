// Programs from outside that tests run: Python packages in a virtual environment, and a Go program, built. Both are kept in
// the system's temporary directory, under a name that is the sum of all that went into them, and made again when it
// is not there. pip and go use this machine's own settings. Where their registries cannot be reached, a test has nothing to
// run: it gets the reason, and says it.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { KEPT } from "../support/directories.ts";
import { type Ended, runProgram } from "../support/push.ts";

/** What pip and go say when there is no way to a registry. */
const UNREACHABLE =
  /from versions: none|NewConnectionError|Max retries exceeded|ReadTimeout|dial tcp|no such host|i\/o timeout|proxyconnect|TLS handshake timeout/;

/** A program that is there; or why it is not. */
export type Installed = { readonly program: string } | { readonly missing: string };

/** A python that has the packages of a requirements file. */
export async function pythonWith(requirements: string): Promise<Installed> {
  const version = await runProgram("python3", ["--version"], { env: environment() }).catch(() => undefined);
  if (version?.status !== 0) return { missing: "there is no python3 on this machine" };
  const directory = join(KEPT, `gokura-python-${sumOf(version.output, readFileSync(requirements))}`);
  return kept(directory, join("bin", "python"), async (fresh) => {
    const made = await runProgram("python3", ["-m", "venv", fresh], { env: environment() });
    if (made.status !== 0) return made;
    const words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
    return runProgram(join(fresh, "bin/python"), words, { env: environment() });
  });
}

/** The program of a Go module, built; with an import path that of a package which the module requires. */
export async function goProgram(source: string, importPath = "."): Promise<Installed> {
  const version = await runProgram("go", ["version"], { env: environment() });
  const files = readdirSync(source).sort();
  const sum = sumOf(version.output, importPath, ...files.map((name) => readFileSync(join(source, name))));
  return kept(join(KEPT, `gokura-go-program-${sum}`), "program", (fresh) =>
    runProgram("go", ["build", "-mod=readonly", "-o", join(fresh, "program"), importPath], {
      cwd: source,
      env: { ...environment(), GOFLAGS: "", GOWORK: "off", GOTELEMETRY: "off" },
    }),
  );
}

/** The program, or the end of the test, with the reason. */
export function required(installed: Installed, { skip }: TestContext): string {
  if ("program" in installed) return installed.program;
  console.warn(`SKIPPED, because it cannot be installed here: ${installed.missing}`);
  return skip(installed.missing);
}

async function kept(directory: string, program: string, make: (fresh: string) => Promise<Ended>): Promise<Installed> {
  const there = { program: join(directory, program) };
  if (existsSync(there.program)) return there;
  const fresh = `${directory}.${process.pid}`;
  try {
    const { status, output } = await make(fresh);
    if (status !== 0 && UNREACHABLE.test(output)) return { missing: output.trim() };
    if (status !== 0) throw new Error(`it cannot be made: ${output}`);
    // Another run may have been faster; what it made is the same.
    await rename(fresh, directory).catch((error: unknown) => {
      if (!existsSync(there.program)) throw error;
    });
    return there;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

function environment(): Record<string, string> {
  const given = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(given);
}

function sumOf(...parts: readonly (string | Buffer)[]): string {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(part).update("\0");
  return sum.digest("hex").slice(0, 16);
}
