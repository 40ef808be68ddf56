// The real go command and the real world: a program with many dependencies through a cold Gokura, then again, with clean
// caches, from one whose upstream is off. Sums are those of the upstream that this machine itself uses.
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { testServer } from "../support/server.ts";

const GENUINE = execFileSync("go", ["env", "GOPROXY"], { encoding: "utf8" }).trim();

const PROGRAM = `module example.com/work

go 1.21

require (
	github.com/gin-gonic/gin v1.9.1
	github.com/prometheus/client_golang v1.17.0
	github.com/russross/blackfriday v2.0.0+incompatible
	github.com/spf13/cobra v1.8.0
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

interface Downloaded {
  readonly Path: string;
  readonly Version: string;
  readonly Sum?: string;
  readonly GoModSum?: string;
  readonly Error?: string;
}

/** Downloads everything that the program's graph names, and tells every sum. */
async function download(proxy: string): Promise<{ sums: string[]; go: ReturnType<typeof goCommand> }> {
  const go = goCommand({ GOPROXY: proxy });
  writeFileSync(join(go.cwd, "go.mod"), PROGRAM);
  writeFileSync(join(go.cwd, "main.go"), MAIN);
  await go.must("mod", "tidy");
  const output = await go.must("mod", "download", "-json", "all");
  const all = output
    .split(/(?<=^\})\n/m)
    .filter((text) => text.trim() !== "")
    .map((text) => JSON.parse(text) as Downloaded);
  expect(all.filter((module) => module.Error !== undefined)).toEqual([]);
  return { sums: all.map((m) => `${m.Path} ${m.Version} ${m.Sum} ${m.GoModSum}`).sort(), go };
}

test("go mod download and go build of a program, cold, then with the upstream off and clean caches", {
  timeout: 600_000,
}, async () => {
  const server = await testServer({ environment: { GOKURA_UPSTREAM: GENUINE } });
  const endpoint = "/api/v4/packages/go";
  const cold = await download(server.url + endpoint);
  expect(cold.sums.length).toBeGreaterThan(50);
  expect((await download(GENUINE)).sums).toEqual(cold.sums);

  const off = await testServer({
    environment: {
      GOKURA_UPSTREAM: "off",
      DATABASE_URL: server.registry.database.url,
      GOKURA_DATA_DIR: server.dataDirectory,
    },
  });
  const offline = await download(off.url + endpoint);
  expect(offline.sums).toEqual(cold.sums);
  copyFileSync(join(cold.go.cwd, "go.sum"), join(offline.go.cwd, "go.sum"));
  await offline.go.must("build", "./...");

  // Queries that are answered by lists.
  expect(await cold.go.must("list", "-m", "-versions", "github.com/spf13/cobra")).toContain("v1.8.0");
  expect(await cold.go.must("list", "-m", "golang.org/x/mod@latest")).toContain("golang.org/x/mod v");
  expect(await cold.go.must("list", "-m", "-retracted", "-u", "github.com/spf13/cobra")).toContain("v1.8.0");
  expect(await offline.go.must("list", "-m", "-versions", "github.com/spf13/cobra")).toContain("v1.8.0");

  // Every h1 that we worked out ourselves is go's.
  const rows = await server.registry.prisma.moduleVersion.findMany({
    where: { h1: { not: null } },
    include: { module: true },
  });
  const ours = new Set(rows.map((row) => `${row.module.path} ${row.version} ${row.h1} ${row.goModH1}`));
  expect(cold.sums.filter((line) => !ours.has(line))).toEqual([]);
  expect(await server.registry.prisma.auditEvent.count({ where: { action: "upstream.refused" } })).toBe(0);
});

test("a toolchain streams through, is kept, and is what go verifies", { timeout: 600_000 }, async () => {
  const server = await testServer({ environment: { GOKURA_UPSTREAM: GENUINE } });
  const at = "/api/v4/packages/go/golang.org/toolchain/@v/v0.0.1-go1.21.0.linux-amd64";
  const zip = await ask(server.url, `${at}.zip`);
  expect([zip.status, zip.bytes.length > 50_000_000]).toEqual([200, true]);
  const again = await ask(server.url, `/api/v4/packages/go/cached-only/${at.split("/go/")[1]}.zip`);
  expect(again.bytes.equals(zip.bytes)).toBe(true);
});
