// Each command once as a user starts it: bin/gokura.js in a process of its own, --json for programs. What it prints in
// detail, and what it refuses, is in the files beside this one; serve, demo and what needs a server in test/process.
import { expect, test } from "vitest";
import { cliOnDatabase } from "./cli.ts";

const cli = await cliOnDatabase({ GOKURA_URL: "https://go.example.com" });

/** What comes first in a line must be there before the next line runs; a line's commands run side by side. */
const STEPS: readonly (readonly (readonly [line: string, printed: unknown])[])[] = [
  [
    ["user create alice --json", { username: "alice" }],
    ["group create acme --visibility internal --json", { path: "acme", visibility: "internal" }],
    ["flag set go_proxy on --json", { name: "go_proxy", everybody: "on" }],
    ["version --json", { node: process.version }],
  ],
  [
    ["project create acme/lib --json", { path: "acme/lib", module: "go.example.com/acme/lib" }],
    ["user block alice --json", { state: "blocked" }],
    ["token create --user alice --name laptop --scope api --json", { name: "laptop", token: expect.any(String) }],
    ["user list --json", [{ username: "alice" }]],
  ],
  [
    ["project list --json", [{ path: "acme/lib" }]],
    ["project show acme/lib --json", { path: "acme/lib", modules: [] }],
    ["project update acme/lib --visibility internal --json", { visibility: "internal" }],
    ["project explain acme/lib --json", []],
    ["project protect-tag acme/lib v* --access-level developer --json", { name: "v*", level: "developer" }],
    [
      "mirror add acme/follows https://git.example.invalid/lib --module-prefix example.invalid/lib --json",
      {
        project: "acme/follows",
        prefix: "example.invalid/lib",
        state: "new",
        hookUrl: expect.stringMatching(/^https:\/\/go\.example\.com\/-\/hooks\/\d+$/),
        hookSecret: expect.stringMatching(/^whsec_/),
      },
    ],
    ["member add --project acme/lib --user alice --json", { place: "acme/lib", user: "alice", level: "developer" }],
    ["client-config --project acme/lib --json", { gonosumdb: "go.example.com/acme/lib" }],
    ["token list --user alice --json", [{ name: "laptop" }]],
    ["flag list --json", [{ name: "go_proxy" }]],
    ["user create bob --json", { username: "bob" }],
    ["group list --json", [{ path: "acme" }]],
    ["completion bash --json", { " project": expect.arrayContaining([expect.objectContaining({ word: "create" })]) }],
    [
      "sumdb new-key go.example.com/sumdb --json",
      { key: expect.stringMatching(/^PRIVATE\+KEY\+go\.example\.com\/sumdb\+/) },
    ],
    [
      "sumdb key --json",
      [{ name: "go.example.com/sumdb", gosumdb: expect.stringMatching(/^go\.example\.com\/sumdb\+/) }],
    ],
  ],
  [
    ["member list --project acme/lib --json", [{ user: "alice" }]],
    ["mirror list --json", [{ project: "acme/follows", url: "https://git.example.invalid/lib" }]],
    ["mirror sync acme/follows --json", { project: "acme/follows" }],
    ["user connect alice --subject 42 --issuer https://id.example.com --json", { username: "alice", subject: "42" }],
  ],
  [["mirror show acme/follows --new-secret --json", { hookSecret: expect.stringMatching(/^whsec_/) }]],
  [["mirror remove acme/follows --json", { state: "removed" }]],
  [
    ["project unprotect-tag acme/lib v* --json", { name: "v*", level: "developer" }],
    ["user unblock alice --json", { state: "active" }],
    ["user delete bob --yes --json", { username: "bob", state: "deleted" }],
    ["sumdb rename go.example.com/sums --json", [{ name: "go.example.com/sums" }, { name: "go.example.com/sumdb" }]],
    ["token revoke 1 --json", { id: 1, active: false }],
    ["member remove --project acme/lib --user alice --json", { user: "alice" }],
  ],
  [["project delete acme/lib --yes --json", { path: "acme/lib" }]],
];

test.each(STEPS.map((step) => [step.map(([line]) => line), step] as const))("%j", async (_, step) => {
  const ended = await Promise.all(step.map(([line]) => cli.process(...line.split(" "))));
  for (const [n, [line, printed]] of step.entries()) {
    const { code, stdout, stderr } = ended[n]!;
    expect({ code, stderr }, line).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout), line).toMatchObject(printed as object);
  }
});

test("migrate says that there is nothing to do; a table is what people get", async () => {
  const [migrated, table, refused] = await Promise.all([
    cli.process("migrate"),
    cli.process("user", "list"),
    cli.process("project", "show", "acme/lib"),
  ]);
  expect(migrated).toEqual({ code: 0, stdout: "database  up to date\n", stderr: "" });
  expect(table.stdout).toMatch(/^ID +USERNAME +NAME +EMAIL +ADMIN +STATE +CREATED\n1 +alice +alice +false +active +20/);
  expect(refused).toEqual({ code: 1, stdout: "", stderr: "gokura: Project Not Found\n" });
});
