// The real go command, with nothing of this machine's own settings: home, module cache and configuration are the test's.
// Its build cache is that of all tests.
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEPT } from "./directories.ts";
import { type Ended, runProgram } from "./push.ts";
import { temporary } from "./temporary.ts";

/**
 * GOCACHE, one for all tests and kept between runs: what go compiles, it finds there by the sum of all that went into it, and
 * nothing that comes from a module proxy. With an empty one each test would compile the standard library. The go command
 * removes by itself what nobody used for five days.
 */
export const GO_BUILD_CACHE = join(KEPT, `gokura-go-build-${process.getuid?.()}`);

export interface GoCommand {
  readonly home: string;
  /** A module of the user's, where commands run. */
  readonly cwd: string;
  /** What it runs with, for other programs that run it. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs it and tells how it ended. */
  run(...words: string[]): Promise<Ended>;
  /** The same for one that must succeed; returns what it wrote. */
  must(...words: string[]): Promise<string>;
}

/** A go command with an empty module cache. `netrc` holds the lines of ~/.netrc. */
export function goCommand(env: Record<string, string>, netrc: readonly string[] = []): GoCommand {
  const home = temporary("go");
  const cwd = join(home, "work");
  mkdirSync(cwd);
  writeFileSync(join(cwd, "go.mod"), "module example.com/work\n\ngo 1.21\n");
  // Without this file, the first command of each home starts another one that looks after telemetry. No variable says it.
  const telemetry = join(home, ".config/go/telemetry");
  mkdirSync(telemetry, { recursive: true });
  writeFileSync(join(telemetry, "mode"), "off");
  writeFileSync(join(home, ".netrc"), `${netrc.join("\n")}\n`, { mode: 0o600 });
  const all = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    GOPATH: join(home, "go"),
    GOMODCACHE: join(home, "mod"),
    GOCACHE: GO_BUILD_CACHE,
    TMPDIR: tmpdir(),
    GOENV: "off",
    GOFLAGS: "-modcacherw",
    GOTOOLCHAIN: "local",
    GONOSUMDB: "*",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    ...env,
  };
  const run = (...words: string[]): Promise<Ended> => runProgram("go", words, { cwd, env: all });
  return {
    home,
    cwd,
    env: all,
    run,
    async must(...words) {
      const { status, output } = await run(...words);
      if (status !== 0) throw new Error(`go ${words.join(" ")} ended with ${status}: ${output}`);
      return output;
    },
  };
}
