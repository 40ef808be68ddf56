// The real go command in direct mode, the judge of what a module's zip is. Repositories NAME.git in one directory are seen
// as https://example.com/git/NAME.git: a path with a VCS qualifier needs no discovery over the network.

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GO_BUILD_CACHE } from "../support/go.ts";

export interface DirectDownload {
  readonly Path: string;
  readonly Version: string;
  readonly Error?: string;
  readonly Zip?: string;
  readonly Sum?: string;
  readonly GoModSum?: string;
}

/** `go mod download -json` of many `path@version` at once, with nothing shared with the machine. `work` is a new directory. */
export async function directDownload(
  repositories: string,
  work: string,
  modules: readonly string[],
): Promise<Map<string, DirectDownload>> {
  mkdirSync(work);
  const config = join(work, "gitconfig");
  writeFileSync(
    config,
    `[url "file://${repositories}/"]\n\tinsteadOf = https://example.com/git/\n[safe]\n\tdirectory = *\n[protocol "file"]\n\tallow = always\n`,
  );
  const child = spawn("go", ["mod", "download", "-json", ...modules], {
    cwd: work,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: work,
      GOPATH: join(work, "gopath"),
      GOMODCACHE: join(work, "mod"),
      GOCACHE: GO_BUILD_CACHE,
      GOENV: "off",
      GOFLAGS: "-modcacherw",
      GOTOOLCHAIN: "local",
      GOPROXY: "direct",
      GOSUMDB: "off",
      GONOSUMDB: "*",
      GOVCS: "*:all",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: config,
      GIT_TERMINAL_PROMPT: "0",
    },
  });
  let said = "";
  let complaint = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  await new Promise((resolve) => child.once("close", resolve));
  const answers = said
    .split(/(?<=^\}\n)/m)
    .filter((text) => text.trim() !== "")
    .map((text) => JSON.parse(text) as DirectDownload);
  if (answers.length !== modules.length) throw new Error(`go mod download: ${complaint}`);
  return new Map(answers.map((answer) => [`${answer.Path}@${answer.Version}`, answer]));
}
