// A small registry with something of everything to look at: a public group with a library of several versions, one of them
// retracted, a module that requires it and one from upstream, a rejected tag, a moved tag; and beside it what the anonymous
// must never hear of.
import spdx from "spdx-license-list/full.js";
import { createAdvisory } from "../../src/registry/advisories/own-advisories.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { testHook } from "../../src/registry/forge/hook-deliveries.ts";
import { createHook } from "../../src/registry/forge/hooks.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createMirror } from "../../src/registry/forge/mirrors.ts";
import { createProject, demandProject } from "../../src/registry/forge/projects.ts";
import { protectTag } from "../../src/registry/forge/protected-tags.ts";
import { createDeployToken } from "../../src/registry/forge/tokens.ts";
import { createTrust } from "../../src/registry/forge/trusts.ts";
import { writeImpact } from "../../src/registry/policies/impact.ts";
import { createPolicy } from "../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

export const LIB = "gokura.test/acme/lib";
export const APP = "gokura.test/acme/app";
/** Every name with this in it is for members of `vault` alone. */
export const SECRET = "vault";
export const VAULT = `gokura.test/${SECRET}/plans`;
export const WORLD = "example.com/world";

export interface World extends TestServer {
  readonly upstream: FakeUpstream;
  /** A member of the private group, and nobody else. */
  readonly member: string;
}

const README = `# lib

Adds numbers. See [the guide](docs/guide.md), [Go](https://go.dev) and [below](#usage).

![logo](docs/logo.png) ![tracker](https://evil.example/pixel.png)

## Usage

| a | b |
| --- | --- |
| 1 | 2 |

- [x] done
- [ ] open

\`\`\`go
lib.Add(1, 2)
\`\`\`
`;

const LIB_GO = `// Package lib adds numbers.
package lib

/* A comment
over two lines. */

// Add adds.
func Add(a, b int) int { return a + b }
`;

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** Makes it. It goes away after the test file. */
export async function world(environment: Record<string, string> = {}): Promise<World> {
  const upstream = await fakeUpstream();
  await upstream.version(WORLD, "v1.0.0", { "world.go": "package world\n", "README.md": "# world\n" });
  const server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url, ...environment } });
  const { registry, url } = server;
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC", description: "Things that add" });
  await createGroup(registry, OPERATOR, { fullPath: "acme/tools", visibility: "PUBLIC" });
  await createGroup(registry, OPERATOR, { fullPath: SECRET, description: "the vault" });
  for (const fullPath of ["acme/lib", "acme/app"])
    await createProject(registry, OPERATOR, { fullPath, visibility: "PUBLIC", description: `What ${fullPath} is` });
  await createProject(registry, OPERATOR, { fullPath: `${SECRET}/plans` });
  const member = await server.token("mary", "api", "read_repository", "write_repository");
  await addMember(registry, OPERATOR, { groupPath: SECRET }, { username: "mary", accessLevel: 40 });
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "mary", accessLevel: 40 });

  const lib = await pushRecipe(remoteOf(url, "acme/lib", ADMIN_TOKEN), (r) => {
    const first = r.commit({
      ...{ "go.mod": `module ${LIB}\n\ngo 1.23\n`, "lib.go": LIB_GO, LICENSE: spdx.MIT!.licenseText },
      ...{ "README.md": README, "docs/guide.md": "# Guide\n", "docs/logo.png": PNG, "old.go": "package lib\n" },
    });
    r.tag("v1.0.0", first);
    const second = r.commit({
      "lib.go": `${LIB_GO}\n// Sub subtracts.\nfunc Sub(a, b int) int { return a - b }\n`,
      "old.go": null,
    });
    r.tag("v1.1.0", second);
    r.tag("v3.0.0", second); // the path has no /v3
    const third = r.commit({
      ...{
        "go.mod": `module ${LIB}\n\ngo 1.24\n\nrequire ${WORLD} v1.0.0\n\n// It subtracts wrongly.\nretract v1.1.0\n`,
      },
      ...{ "sub/sub.go": "// Package sub is below.\npackage sub\n" },
    });
    r.tag("v1.2.0", third);
  });
  lib.change((r) => r.tag("v1.0.0", r.commit({ "moved.txt": "the tag moved\n" })));
  await lib.push();
  await pushRecipe(remoteOf(url, "acme/app", ADMIN_TOKEN), (r) => {
    const requires = `require (\n\t${LIB} v1.0.0\n\t${WORLD} v1.0.0 // indirect\n\texample.com/none v1.0.0\n)\n`;
    r.tag("v0.1.0", r.commit({ "go.mod": `module ${APP}\n\ngo 1.24\n\n${requires}`, "main.go": "package main\n" }));
  });
  await pushRecipe(remoteOf(url, `${SECRET}/plans`, ADMIN_TOKEN), (r) => {
    const mod = `module ${VAULT}\n\ngo 1.24\n\nrequire ${LIB} v1.2.0\n`;
    r.tag("v1.0.0", r.commit({ "go.mod": mod, "plans.go": "package plans\n" }));
  });
  const go = async (path: string) => {
    const { status, text } = await ask(url, `/api/v4/packages/go/${path}`, { headers: bearer(ADMIN_TOKEN) });
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
  };
  for (const path of [`${WORLD}/@v/v1.0.0.info`, `${WORLD}/@v/v1.0.0.mod`, `${WORLD}/@v/v1.0.0.zip`]) await go(path);
  for (const path of [`${LIB}/@v/v1.0.0.zip`, `${LIB}/@v/v1.2.0.zip`, `${APP}/@v/v0.1.0.zip`]) await go(path);
  for (const path of [`${VAULT}/@v/v1.0.0.zip`]) await go(path);
  await eventually(
    () => registry.prisma.moduleDocument.count(),
    (described) => described >= 4,
    30_000,
  );
  await registry.traffic.write();
  await settle(registry);
  return { ...server, upstream, member };
}

/** What those set who look after a project: one of each, at names that nobody answers for. */
async function settle(registry: Registry): Promise<void> {
  const project = await demandProject(registry, OPERATOR, "acme/lib");
  await protectTag(registry, OPERATOR, "acme/lib", "v*");
  await createDeployToken(registry, OPERATOR, "acme/lib", { name: "build server", scopes: ["read_package_registry"] });
  await createTrust(
    registry,
    OPERATOR,
    { project },
    {
      issuer: "https://token.actions.githubusercontent.com",
      audience: "https://go.example.com",
      claims: { repository: "acme/lib", ref: "refs/tags/v*" },
      scopes: ["write_repository"],
    },
  );
  for (const owner of [{ project }, "instance"] as const) {
    const url = "https://chat.example.invalid/gokura";
    const { hook } = await createHook(registry, OPERATOR, owner, { url, name: "Chat" });
    await testHook(registry, OPERATOR, owner, hook.id, "version.published");
  }
  const week = { pattern: "*", action: "HOLD", minimumAge: 7 * 24 * 3600, reason: "a week for acme" } as const;
  for (const rule of [
    { pattern: WORLD, action: "WARN", reason: "a fork is on its way, see CASE-7" } as const,
    { pattern: "*", action: "HOLD", licensesOtherThan: ["MIT", "BSD-3-Clause"], dryRun: true } as const,
    { ...week, groupPath: "acme" },
  ])
    await createPolicy(registry, OPERATOR, rule);
  await createAdvisory(registry, OPERATOR, {
    ...{ modulePath: LIB, introduced: "v1.0.0", fixed: "v1.2.0", summary: "Add overflows without saying so." },
    aliases: ["CVE-2026-1234"],
  });
  await writeImpact(registry);
  await createProject(registry, OPERATOR, { fullPath: "acme/follows", visibility: "PUBLIC" });
  await createMirror(registry, OPERATOR, "acme/follows", { url: "https://git.example.invalid/lib" });
}
