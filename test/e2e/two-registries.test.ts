// A registry in front of a registry: what the go command is told through a dependency proxy is what it is told by the
// upstream itself, whatever it asks for: versions, retracted ones, +incompatible ones, ranges, branches and commits. The
// upstream is another Gokura, because that one answers all of it.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { goCommand } from "../support/go.ts";
import { git, pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";

const P = "origin.test/acme/Lib";
const ENDPOINT = "/api/v4/packages/go";

let origin: TestServer;
let front: TestServer;
let off: TestServer;
let tip: string;

beforeAll(async () => {
  origin = await testServer({ environment: { GOKURA_MODULE_HOST: "origin.test" } });
  await createGroup(origin.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(origin.registry, OPERATOR, { fullPath: "acme/Lib", visibility: "PUBLIC" });
  const { directory } = await pushRecipe(remoteOf(origin.url, "acme/Lib", ADMIN_TOKEN), (r) => {
    r.tag("v2.0.0", r.commit({ "README.md": "before modules\n", "a.go": "package lib\n" }));
    const mod = (path: string, more = "") => `module ${path}\n\ngo 1.21\n${more}`;
    r.tag("v1.0.0", r.commit({ "go.mod": mod(P), LICENSE: "MIT\n" }));
    const sub = r.commit({ "sub/go.mod": mod(`${P}/sub`), "sub/s.go": "package sub\n" });
    r.tag("v1.1.0", sub);
    r.tag("sub/v0.3.0", sub);
    const retracting = r.commit({ "go.mod": mod(P, "retract v1.1.0 // broken\n") });
    r.tag("v1.2.0", retracting);
    r.tag("v1.3.0-rc.1", r.commit({ "b.go": "package lib\n" }));
    r.tag("v3.0.0", r.commit({ "go.mod": mod(`${P}/v3`) }, { branch: "three", parents: [retracting] }));
    r.commit({ "c.go": "package lib\n" }, { branch: "dev", parents: [retracting] });
    r.commit({ "d.go": "package lib\n" });
  });
  tip = (await git(["-C", directory, "rev-parse", "main"])).trim();
  front = await testServer({ environment: { GOKURA_UPSTREAM: origin.url + ENDPOINT } });
  // What is told offline is what is stored: all that the tests ask for.
  for (const [template] of QUERIES) await said(front, ["mod", "download", "-json", named(template)]);
  off = await testServer({
    environment: {
      GOKURA_UPSTREAM: "off",
      DATABASE_URL: front.registry.database.url,
      GOKURA_DATA_DIR: sharingBlobs(front.dataDirectory),
    },
  });
});

/** What go says, in empty caches. */
async function said(server: TestServer, words: readonly string[]): Promise<string> {
  const { status, output } = await goCommand({ GOPROXY: server.url + ENDPOINT }).run(...words);
  return status === 0 ? output.replaceAll(/^\s*"(Info|GoMod|Zip|Dir)":.*\n/gm, "") : `fails: ${status}`;
}

/** What is told offline: the very same, or the same version and sums without where it came from. */
const QUERIES: [query: string, offline: "same" | "version"][] = [
  [`${P}@latest`, "same"],
  [`${P}@v1`, "same"],
  [`${P}@<v1.2.0`, "same"],
  [`${P}@v1.1.0`, "same"],
  [`${P}@v1.3.0-rc.1`, "same"],
  [`${P}@v2.0.0+incompatible`, "same"],
  [`${P}/sub@latest`, "same"],
  [`${P}/v3@latest`, "same"],
  [`${P}@main`, "same"],
  [`${P}@dev`, "same"],
  [`${P}@three`, "same"],
  [`${P}@TIP`, "version"],
  [`${P}@SHORT`, "version"],
  [`${P}@nothing`, "same"],
  [`${P}/nothing@latest`, "same"],
];

function named(template: string): string {
  return template.replace("TIP", tip).replace("SHORT", tip.slice(0, 10));
}

/** Version and sums of what `-json` tells. */
function coreOf(json: string): unknown {
  const { Path, Version, Time, Sum, GoModSum } = JSON.parse(json);
  return { Path, Version, Time, Sum, GoModSum };
}

describe.each(QUERIES)("%s", (template, offline) => {
  test("is downloaded with the same sums, through us and from us alone", async () => {
    const query = named(template);
    for (const words of [
      ["mod", "download", "-json", query],
      ["list", "-m", "-json", query],
    ]) {
      const wanted = await said(origin, words);
      expect(wanted.startsWith("fails")).toBe(template.includes("nothing") || template.endsWith("three"));
      expect(await said(front, words)).toBe(wanted);
      const alone = await said(off, words);
      if (offline === "same") expect(alone).toBe(wanted);
      else expect(coreOf(alone)).toEqual(coreOf(wanted));
    }
  });
});

test.each([P, `${P}/sub`, `${P}/v3`])(
  "%s has the same versions, with and without those that are retracted",
  async (path) => {
    for (const words of [
      ["list", "-m", "-versions", path],
      ["list", "-m", "-versions", "-retracted", path],
    ]) {
      const wanted = await said(origin, words);
      expect(wanted).toMatch(/ v\d/);
      expect(await said(front, words)).toBe(wanted);
      expect(await said(off, words)).toBe(wanted);
    }
  },
);
