// Step 5 of the README, word for word, in a shell, with the real go command and the real gokura command: no GONOSUMDB, and
// what was fetched is verified by the registry's own checksum database.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { GO_BUILD_CACHE } from "../support/go.ts";
import { pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

/** The lines of the block of a step. */
function step(title: string): string {
  const page = readFileSync("README.md", "utf8");
  const [, block] = /```sh\n(.*?)```/s.exec(page.slice(page.indexOf(`**${title}`))) ?? [];
  return block!;
}

test("a program gets a private module by the lines of the README", async () => {
  const server = await testServer({ tls: true, environment: { GOKURA_MODULE_HOST: "gokura.localhost" } });
  const token = await server.token("alice");
  const home = temporary("readme");
  const { host } = new URL(server.url);
  await pushRecipe(
    remoteOf(server.url, "alice/greeting", token),
    (r) =>
      void r.tag(
        "v1.0.0",
        r.commit({ "go.mod": "module gokura.localhost/alice/greeting\n", "a.go": "package greeting\n" }),
      ),
    { GIT_SSL_CAINFO: server.certificateFile },
  );
  // The first word of `npx gokura …` as npm would find it.
  const npx = join(home, "npx");
  writeFileSync(npx, `#!/bin/sh\nshift\nexec '${process.execPath}' '${resolve("bin/gokura.js")}' "$@"\n`);
  chmodSync(npx, 0o755);
  writeFileSync(join(home, ".netrc"), `machine ${host} login alice password ${token}\n`, { mode: 0o600 });
  const [key = ""] = step("3. Credentials")
    .split("\n")
    .filter((line) => line.startsWith("export GOSUMDB"));
  const lines = [key, step("5. A program")].join("\n");
  expect(lines).not.toContain("GONOSUMDB");
  const script = lines
    .replaceAll("127.0.0.1:8443", host)
    .replaceAll("/tmp/hello", join(home, "hello"))
    .replaceAll("acme/greeting", "alice/greeting");
  const env = {
    PATH: `${home}:${process.env.PATH}`,
    ...{ HOME: home, GOPATH: join(home, "go"), GOCACHE: GO_BUILD_CACHE, GOENV: "off", GOFLAGS: "-modcacherw" },
    ...{ GOTOOLCHAIN: "local", SSL_CERT_FILE: server.certificateFile },
    ...{ DATABASE_URL: server.registry.database.url, GOKURA_DATA_DIR: server.dataDirectory },
  };
  const { status, output } = await runProgram("sh", ["-ec", script], { cwd: home, env });
  expect([status, output]).toEqual([0, expect.stringContaining("added gokura.localhost/alice/greeting v1.0.0")]);
  const [name] = server.verifierKey.split("+") as [string];
  expect(readFileSync(join(home, "go/pkg/sumdb", name, "latest"), "utf8")).toContain("go.sum database tree");
});
