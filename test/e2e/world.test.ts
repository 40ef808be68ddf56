// The real go command and the real world: a program of a hundred modules (of more than two hundred in `npm run conformance`)
// through a cold Gokura, and again, with clean caches, from one whose upstream is off. What go writes into go.sum must be, to the byte, what it writes when it asks
// this machine's own upstream; where that passes the public checksum database on, go also verifies everything by it, through
// us. Without a proxy in GOPROXY there is nobody to compare with, and all of this is skipped.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PUBLIC_DATABASE } from "../../src/sumdb/database-name.ts";
import { type GoCommand, goCommand } from "../support/go.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";

const GENUINE = execFileSync("go", ["env", "GOPROXY"], { encoding: "utf8" }).trim();
const [FIRST = ""] = GENUINE.split(/[,|]/);
const NOBODY = !/^https?:/.test(FIRST);
const ENDPOINT = "/api/v4/packages/go";

/** Twice as many modules take twice as long. */
const IS_LARGE = process.env.CONFORMANCE !== undefined;
const LEAST_ZIPS = IS_LARGE ? 200 : 100;

const PROGRAM = `module example.com/work

go 1.21

require (
${IS_LARGE ? "\tgithub.com/caddyserver/caddy/v2 v2.7.5\n" : ""}	github.com/gin-gonic/gin v1.9.1
	github.com/prometheus/client_golang v1.17.0
	github.com/russross/blackfriday v2.0.0+incompatible
	github.com/spf13/cobra v1.8.0
	github.com/spf13/viper v1.18.2
	gopkg.in/yaml.v3 v3.0.1
)
`;

const MAIN = `package main

import (
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/russross/blackfriday"
	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
)

func main() {
	_, _, _, _ = gin.New, prometheus.NewRegistry, blackfriday.Run, yaml.Marshal
	_ = (&cobra.Command{}).Execute
}
`;

/** What is built of it every day; to compile all of it takes longer than everything else here. */
const BUILT = ["github.com/russross/blackfriday", "github.com/spf13/cobra", "gopkg.in/yaml.v3"];

/** What makes the graph large: its modules are downloaded and its packages found, but not compiled without the tag. */
const LARGE = `//go:build large

package main

import (
${IS_LARGE ? '\t_ "github.com/caddyserver/caddy/v2/notify"\n' : ""}	_ "github.com/spf13/viper"
)
`;

/** Questions whose answers come from lists, @latest and queries. (Not every mirror answers those for branches and commits.) */
const QUERIES = [
  "list -m -versions github.com/spf13/cobra github.com/russross/blackfriday github.com/russross/blackfriday/v2",
  "list -m golang.org/x/mod@latest golang.org/x/mod@v0.14 golang.org/x/mod@<v0.9.0",
  "list -m -retracted -u github.com/spf13/cobra",
  "list -m github.com/docker/cli@v24.0.7",
  "list -m github.com/spf13/cobra@main",
  "list -m github.com/spf13/cobra@a0a6ae020bb3899ff0276067863e50523f897370",
];

/** Whether go, asking us, can verify by the public database. */
async function isDatabasePassedOn(): Promise<boolean> {
  if (NOBODY) return false;
  const url = `${FIRST.replace(/\/$/, "")}/sumdb/${PUBLIC_DATABASE.name}/supported`;
  return fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
    (answer) => answer.ok,
    () => false,
  );
}

const isVerified = await isDatabasePassedOn();

/** A go command that believes the public database if it can be reached through GOPROXY. */
const goAt = (proxy: string, env: Record<string, string> = {}): GoCommand =>
  goCommand({ GOPROXY: proxy, ...(isVerified ? { GONOSUMDB: "" } : {}), ...env });

interface Downloaded {
  readonly go: GoCommand;
  readonly goMod: string;
  readonly goSum: string;
}

/** Has go download, into empty caches, every module that the program's graph names. */
async function download(proxy: string): Promise<Downloaded> {
  const go = goAt(proxy);
  writeFileSync(join(go.cwd, "go.mod"), PROGRAM);
  writeFileSync(join(go.cwd, "main.go"), MAIN);
  writeFileSync(join(go.cwd, "large.go"), LARGE);
  await go.must("mod", "tidy");
  await go.must("mod", "download", "all");
  const read = (name: string): string => readFileSync(join(go.cwd, name), "utf8");
  return { go, goMod: read("go.mod"), goSum: read("go.sum") };
}

/** A server on what another one stored, that asks nobody. */
const offlineBeside = (server: TestServer): Promise<TestServer> =>
  testServer({
    environment: {
      GOKURA_UPSTREAM: "off",
      DATABASE_URL: server.registry.database.url,
      GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory),
    },
  });

describe.skipIf(NOBODY)(`the real world (skipped where go env GOPROXY names no proxy)`, { timeout: 1_800_000 }, () => {
  test(`a program of more than ${LEAST_ZIPS} modules: cold, then with the upstream off and clean caches, then built`, async () => {
    const server = await testServer({ environment: { GOKURA_UPSTREAM: GENUINE } });
    const [genuine, cold] = await Promise.all([download(GENUINE), download(server.url + ENDPOINT)]);
    expect(cold.goSum).toBe(genuine.goSum);
    expect(cold.goMod).toBe(genuine.goMod);
    const lines = cold.goSum.trimEnd().split("\n");
    expect(lines.filter((line) => !line.includes("/go.mod ")).length).toBeGreaterThan(LEAST_ZIPS);

    const answers = async ({ go }: Downloaded): Promise<string[]> =>
      Promise.all(
        QUERIES.map(async (query) => {
          const { status, output } = await go.run(...query.split(" "));
          return `${query}: ${status === 0 ? output : "fails"}`;
        }),
      );
    const told = await answers(genuine);
    expect(await answers(cold)).toEqual(told);
    for (const { go } of [genuine, cold]) rmSync(go.home, { recursive: true }); // a gigabyte each

    const off = await offlineBeside(server);
    const offline = await download(off.url + ENDPOINT);
    expect(offline.goSum).toBe(genuine.goSum);
    expect(offline.goMod).toBe(genuine.goMod);
    expect(await offline.go.must("mod", "verify")).toContain("all modules verified");
    expect(await offline.go.must("list", "-deps", "-tags", "large", "./...")).toContain("github.com/spf13/viper\n");
    // Without the names of directories in it, what is compiled of the same bytes is in the build cache of all tests.
    await offline.go.must("build", "-trimpath", ...(IS_LARGE ? ["./..."] : BUILT));
    // What is told now is what is stored, so whatever go chooses by it can be had.
    for (const words of ["list -m -u all", "get github.com/spf13/cobra@latest", "mod tidy", "mod download all"])
      await offline.go.must(...words.split(" "));
    const [listed = ""] = (await offline.go.must("list", "-m", "-versions", "github.com/spf13/cobra")).split("\n");
    const versions = listed.split(" ").slice(1);
    expect(versions.length).toBeGreaterThan(0);
    await offline.go.must("mod", "download", ...versions.map((version) => `github.com/spf13/cobra@${version}`));

    // Every sum that we worked out ourselves is go's, and nothing in the world was refused.
    const rows = await server.registry.prisma.moduleVersion.findMany({ include: { module: true } });
    const ours = new Set(
      rows.flatMap(({ module: { path }, version, h1, goModH1 }) => [
        `${path} ${version} ${h1}`,
        `${path} ${version}/go.mod ${goModH1}`,
      ]),
    );
    expect(lines.filter((line) => !ours.has(line))).toEqual([]);
    expect(await server.registry.prisma.auditEvent.count({ where: { action: "upstream.refused" } })).toBe(0);
  });

  // Go verifies toolchains by the public database whatever its settings say.
  test.skipIf(!isVerified)(
    "go fetches another toolchain, verifies and runs it; then again from what is stored",
    async () => {
      const server = await testServer({ environment: { GOKURA_UPSTREAM: GENUINE } });
      for (const view of [ENDPOINT, `${ENDPOINT}/cached-only`]) {
        const go = goAt(server.url + view, { GOTOOLCHAIN: "go1.21.0" });
        expect(await go.must("version")).toContain("go version go1.21.0 ");
      }
    },
  );
});
