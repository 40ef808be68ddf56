// The real govulncheck against /vulndb: what it finds of modules of others and of ours, with no other database in reach.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createAdvisory } from "../../src/registry/advisories/own-advisories.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { GO_BUILD_CACHE } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { ADMIN_TOKEN, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";
import { vulnerabilityFeed } from "../support/vulnerability-feed.ts";
import { goProgram, required } from "./installed.ts";

const TIMEOUT_MS = 300_000;
const OWN = "gokura.test/acme/lib";
const FOREIGN = "example.com/m";

test(
  "govulncheck finds what is called, of others and of ours, and nothing in fixed versions",
  async (context) => {
    const govulncheck = required(await goProgram(join(import.meta.dirname, "govulncheck")), context);
    const upstream = await fakeUpstream();
    for (const version of ["v1.0.0", "v1.2.3"])
      await upstream.version(FOREIGN, version, { "m.go": "package m\n\nfunc Bad() {}\n\nfunc Good() {}\n" });
    const source = await fakeUpstream();
    vulnerabilityFeed(source, "2026-01-01T00:00:00Z", {
      ...{ id: "GO-2026-0001", module: FOREIGN, imports: [{ path: FOREIGN, symbols: ["Bad"] }] },
      events: [{ introduced: "0" }, { fixed: "1.2.3" }],
    });
    const server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_VULNDB: source.url } });
    await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
    await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
    await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) => {
      for (const version of ["v1.0.0", "v1.0.1"])
        r.tag(
          version,
          r.commit({
            "go.mod": `module ${OWN}\n\ngo 1.21\n`,
            "a.go": `package lib // ${version}\n\nfunc Parse() {}\n`,
          }),
        );
    });
    const { id } = await createAdvisory(server.registry, OPERATOR, {
      ...{
        modulePath: OWN,
        packagePath: OWN,
        symbols: ["Parse"],
        fixed: "v1.0.1",
        summary: "Parse reads beyond the end",
      },
    });
    await eventually(
      () => ask(server.url, "/vulndb/index/db.json"),
      ({ status }) => status === 200,
      10_000,
    );

    const home = temporary("govulncheck");
    const environment = {
      ...{
        PATH: process.env.PATH ?? "",
        HOME: home,
        GOPATH: join(home, "go"),
        GOCACHE: GO_BUILD_CACHE,
        GOENV: "off",
      },
      ...{
        GOPROXY: `${server.url}/api/v4/packages/go`,
        GONOSUMDB: "*",
        GOFLAGS: "-mod=mod -modcacherw",
        GOTOOLCHAIN: "local",
      },
    };
    const scan = async (foreign: string, own: string): Promise<{ status: number | null; ids: string[] }> => {
      const cwd = join(home, `${foreign}-${own}`);
      mkdirSync(cwd);
      writeFileSync(
        join(cwd, "go.mod"),
        `module example.com/work\n\ngo 1.21\n\nrequire (\n\t${FOREIGN} ${foreign}\n\t${OWN} ${own}\n)\n`,
      );
      writeFileSync(
        join(cwd, "main.go"),
        `package main\n\nimport (\n\t"${FOREIGN}"\n\tlib "${OWN}"\n)\n\nfunc main() {\n\tm.Bad()\n\tlib.Parse()\n}\n`,
      );
      const words = ["-db", `${server.url}/vulndb`, "./..."];
      const { status, output } = await runProgram(govulncheck, words, { cwd, env: environment });
      return { status, ids: [...new Set(output.match(/\bGO(?:KURA)?-2026-\d{4}\b/g) ?? [])].sort() };
    };
    expect(await scan("v1.0.0", "v1.0.0")).toEqual({ status: 3, ids: ["GO-2026-0001", id] });
    expect(await scan("v1.2.3", "v1.0.1")).toEqual({ status: 0, ids: [] });
    // What it asked: nothing but us, and not for what is not in the index.
    expect(source.asked.filter((path) => path.startsWith("ID/"))).toEqual(["ID/GO-2026-0001.json"]);
  },
  TIMEOUT_MS,
);
