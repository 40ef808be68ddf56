// Programs written for GitLab, with its two common client libraries, unmodified: python/ uses python-gitlab, go/ GitLab's
// official Go client. Each lives through the whole life of users, tokens, groups, projects, members, flags and packages
// against a server of its own, and compares every answer with what GitLab would have said.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { restClient } from "../support/rest.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";
import { goProgram, pythonWith, required } from "./installed.ts";

const HERE = import.meta.dirname;
const PROJECT = "acme/lib";
/** pip and go fetch and build when there is nothing yet. */
const TIMEOUT_MS = 300_000;

/** A server with a project that has packages. */
async function serverWithPackages(): Promise<TestServer> {
  const server = await testServer();
  const rest = await restClient(server.url, ADMIN_TOKEN);
  await createGroup(server.registry, OPERATOR, { fullPath: "acme" });
  await createProject(server.registry, OPERATOR, { fullPath: PROJECT });
  await pushRecipe(remoteOf(server.url, PROJECT, ADMIN_TOKEN), (r) => {
    const module = `${MODULE_HOST}/${PROJECT}`;
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${module}\n\ngo 1.21\n`, "a.go": "package lib\n" }));
    r.tag("v1.1.0", r.commit({ "b.go": "package lib\n" }));
    r.tag("sub/v0.1.0", r.commit({ "sub/go.mod": `module ${module}/sub\n`, "sub/a.go": "package sub\n" }));
  });
  await eventually(
    () => rest("GET", "/projects/acme%2Flib/packages"),
    ({ json }) => json.length === 3,
  );
  return server;
}

/** What a program writes that is told about such a server. It must end well, and be told of no defect. */
async function live(program: string, words: readonly string[]): Promise<string> {
  const server = await serverWithPackages();
  const { status, output } = await runProgram(program, words, {
    cwd: join(HERE, "python"),
    env: {
      PATH: process.env.PATH ?? "",
      HOME: "/nonexistent",
      PYTHONDONTWRITEBYTECODE: "1",
      GITLAB_URL: server.url,
      GITLAB_TOKEN: ADMIN_TOKEN,
      PACKAGES_PROJECT: PROJECT,
    },
  });
  const defects = server.logged.filter((line) => /"level":(50|60)/.test(line));
  expect([status, output, defects]).toEqual([0, expect.stringContaining("the whole life went well"), []]);
  return output;
}

test("python-gitlab", { timeout: TIMEOUT_MS }, async (context) => {
  const python = required(await pythonWith(join(HERE, "python/requirements.txt")), context);
  expect(await live(python, ["life.py"])).toMatch(/python-gitlab 8\.6\./);
});

test("GitLab's official Go client", { timeout: TIMEOUT_MS }, async (context) => {
  await live(required(await goProgram(join(HERE, "go")), context), []);
});

describe("the examples of docs/rest.md", () => {
  const example = (language: string): string => {
    const text = readFileSync(join(HERE, "../../docs/rest.md"), "utf8");
    const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))];
    expect(blocks.length).toBe(1);
    return blocks[0]![1]!;
  };
  const run = async (program: string, words: readonly string[]): Promise<string> => {
    const { url } = await serverWithPackages();
    const env = { PATH: process.env.PATH ?? "", HOME: "/nonexistent", URL: url, TOKEN: ADMIN_TOKEN };
    const { status, output } = await runProgram(program, words, { env });
    expect([status, output]).toEqual([0, expect.any(String)]);
    return output;
  };

  test("python", { timeout: TIMEOUT_MS }, async (context) => {
    const python = required(await pythonWith(join(HERE, "python/requirements.txt")), context);
    const output = await run(python, ["-c", example("python")]);
    expect(output).toMatch(/^machine go\.example\.com login \S+ password gkdt_\w{36}$/m);
    expect(output).toContain(`\n${MODULE_HOST}/${PROJECT} v1.0.0\n${MODULE_HOST}/${PROJECT} v1.1.0\n`);
    expect(output).toMatch(/^from now on TOKEN is gkpt_\w{36}$/m);
  });

  test("Go", { timeout: TIMEOUT_MS }, async (context) => {
    const source = temporary("go-example");
    for (const file of ["go.mod", "go.sum"]) copyFileSync(join(HERE, "go", file), join(source, file));
    writeFileSync(join(source, "main.go"), example("go"));
    const output = await run(required(await goProgram(source), context), []);
    const lines = ["/sub v0.1.0", " v1.0.0", " v1.1.0"].map((end) => `${MODULE_HOST}/${PROJECT}${end} ${PROJECT}\n`);
    expect(output).toBe(lines.join(""));
  });
});
