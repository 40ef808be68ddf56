// The files of modules through GraphQL: a whole server, a repository that is pushed, an upstream that is asked.
import { hash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import spdx from "spdx-license-list/full.js";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { setFlag } from "../../src/registry/forge/feature-flags.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject, updateProject } from "../../src/registry/forge/projects.ts";
import { describeModules, describeUndescribed, resumeDescribing } from "../../src/registry/modules/module-document.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { deleteVersion } from "../../src/registry/versions/version-deletion.ts";
import { zipKeyOf } from "../../src/registry/versions/version-zip.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type Asker, asker, type Data } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

const LIB = "gokura.test/acme/lib";
const MIT = spdx.MIT!.licenseText;
const LARGE = "0123456789abcdé\n".repeat(100_000);
const BINARY = Buffer.from([1, 0, 2, 0xff]);
const README = `# lib\n\n${"so würde es weitergehen\n".repeat(4_000)}`;
const [ONE, OTHER] = sameCrc();

let server: TestServer & { readonly sent: string[] };
let upstream: FakeUpstream;
let root: Asker;
let anonymous: Asker;
const sent: string[] = [];

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = { ...(await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } })), sent };
  const as = (token?: string) => asker(`${server.url}/api/graphql`, token, sent);
  root = as(ADMIN_TOKEN);
  anonymous = as();
  await setFlag(server.registry, OPERATOR, "go_proxy", true);
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PRIVATE" });
  await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) => {
    const first = r.commit({
      ...{ "go.mod": `module ${LIB}\n\ngo 1.23\n`, "lib.go": "package lib\n", "gone.go": "package lib // gone\n" },
      ...{ LICENSE: MIT, "README.md": "# lib\n", "crc.bin": ONE, "same.txt": "the same\n" },
    });
    r.tag("v1.0.0", first);
    const second = r.commit({
      ...{ "go.mod": `module ${LIB}\n\ngo 1.24\n`, "gone.go": null, "crc.bin": OTHER, "large.txt": LARGE },
      ...{ "README.md": README, "README.txt": "no", "logo.png": BINARY, "license.go": "package lib\n" },
      ...{ "LICENSE-APACHE": spdx["Apache-2.0"]!.licenseText, COPYING: "Ask us.\n", "sub/a/a.go": "package a\n" },
      ...{ "sub/b.go": "package sub\n", "sub.go": "package lib\n" },
    });
    r.tag("v1.1.0", second);
    r.commit({ "later.go": "package lib\n" });
  });
});

/** Two contents of one size and CRC-32. */
function sameCrc(): [Buffer, Buffer] {
  const known = new Map<number, Buffer>();
  for (let n = 0; ; n++) {
    const content = Buffer.from(hash("sha256", String(n), "hex").slice(0, 24));
    const crc = crc32(content);
    const other = known.get(crc);
    if (other) return [other, content];
    known.set(crc, content);
  }
}

/** What is asked of one version of a module. */
async function versionOf(asks: Asker, path: string, name: string, selection: string): Promise<Data> {
  const { goModule } = await asks.data(
    `query ($path: String!) { goModule(path: $path) { versions(first: 3, includePseudo: true) { nodes { version ${selection} } } } }`,
    { path },
  );
  return goModule?.versions.nodes.find(({ version }: Data) => version === name);
}

/** The same where an error is expected. */
async function errorsOf(asks: Asker, path: string, selection: string) {
  const { data, errors } = await asks(
    `query ($path: String!) { goModule(path: $path) { versions(first: 1, includePseudo: true) { nodes { ${selection} } } } }`,
    { path },
  );
  return { data, said: errors?.map(({ message, extensions }) => `${extensions?.code}: ${message}`) };
}

const described = (path = LIB) =>
  eventually(
    () => server.registry.prisma.moduleDocument.findFirst({ where: { module: { path } }, include: { version: true } }),
    (row) => row?.version.version === "v1.1.0",
    15_000,
  );

describe("files", () => {
  const paths = async (args: string) => {
    const { files } = await versionOf(root, LIB, "v1.1.0", `files(${args}) { nodes { path } }`);
    return files.nodes.map(({ path }: Data) => path);
  };
  const ALL = [
    ...["COPYING", "LICENSE", "LICENSE-APACHE", "README.md", "README.txt", "crc.bin", "go.mod", "large.txt", "lib.go"],
    ...["license.go", "logo.png", "same.txt", "sub/a/a.go", "sub/b.go", "sub.go"].sort(),
  ];

  test("all by name, in pages, forwards and backwards", async () => {
    expect(await paths("first: 100")).toEqual(ALL);
    const walk = async (size: string, cursor: string, edge: "startCursor" | "endCursor") => {
      const pages: string[][] = [];
      let at = "";
      for (;;) {
        const { files } = await versionOf(
          root,
          LIB,
          "v1.1.0",
          `files(${size}${at && `, ${cursor}: "${at}"`}) { count edges { cursor node { path size } }
            pageInfo { startCursor endCursor hasNextPage hasPreviousPage } }`,
        );
        expect(files.count).toBe(ALL.length);
        pages.push(files.edges.map(({ node }: Data) => node.path));
        if (!files.pageInfo[edge === "endCursor" ? "hasNextPage" : "hasPreviousPage"]) return pages;
        at = files.pageInfo[edge];
      }
    };
    expect((await walk("first: 4", "after", "endCursor")).flat()).toEqual(ALL);
    expect((await walk("last: 4", "before", "startCursor")).reverse().flat()).toEqual(ALL);
  });

  test("below a directory, not beside it; count, and no further than a limit", async () => {
    expect(await paths('under: "sub"')).toEqual(["sub/a/a.go", "sub/b.go"]);
    expect(await paths('under: "/sub/a/"')).toEqual(["sub/a/a.go"]);
    expect(await paths('under: "su"')).toEqual([]);
    const counts = `files(under: "sub", first: 0) { all: count two: count(limit: 1) nodes { path } }`;
    expect((await versionOf(root, LIB, "v1.1.0", counts)).files).toEqual({ all: 2, two: 1, nodes: [] });
  });

  test("a page that is too large, or a cursor that is none", async () => {
    for (const args of ["first: 101", 'after: "x"', "first: 1, last: 1"]) {
      const { said } = await errorsOf(root, LIB, `files(${args}) { nodes { path } }`);
      expect(said).toEqual([expect.stringMatching(/^BAD_USER_INPUT: /)]);
    }
  });
});

describe("a file", () => {
  const file = async (path: string) =>
    (await versionOf(root, LIB, "v1.1.0", `file(path: "${path}") { path size sha256 text base64 truncated }`)).file;

  test("text, sum and bytes", async () => {
    const text = `module ${LIB}\n\ngo 1.24\n`;
    expect(await file("go.mod")).toEqual({
      ...{ path: "go.mod", size: String(text.length), text, truncated: false },
      ...{ sha256: hash("sha256", text, "hex"), base64: Buffer.from(text).toString("base64") },
    });
  });

  test("no text", async () => {
    const { text, base64 } = await file("logo.png");
    expect([text, base64]).toEqual([null, BINARY.toString("base64")]);
  });

  test("the first MiB of a large one, without half a character; the sum is of the whole", async () => {
    const { text, size, sha256, truncated, base64 } = await file("large.txt");
    expect([Number(size), truncated, sha256]).toEqual([Buffer.byteLength(LARGE), true, hash("sha256", LARGE, "hex")]);
    const head = Buffer.from(LARGE).subarray(0, 1024 * 1024);
    expect(Buffer.from(base64, "base64").equals(head)).toBe(true);
    expect(LARGE.startsWith(text)).toBe(true);
    expect(Buffer.byteLength(text)).toBeGreaterThan(head.length - 4);
  });

  test("none, and what is no path", async () => {
    for (const path of ["nothing", "sub", "../go.mod", "go.mod\\u0000"]) expect(await file(path)).toBeNull();
    for (const path of ["", "/go.mod", "sub/"]) {
      const { said } = await errorsOf(root, LIB, `file(path: "${path}") { path }`);
      expect(said).toEqual([expect.stringMatching(/^BAD_USER_INPUT: a file's path is relative/)]);
    }
  });

  test("one request reads 8 MiB; what is beyond is null with an error", async () => {
    const { goModule } = await root.data(`{ goModule(path: "${LIB}") { latestVersion { id } } }`);
    expect(goModule.latestVersion).not.toBeNull();
    // The same file costs nothing twice, so there must be many.
    const { id } = await createProject(server.registry, OPERATOR, { fullPath: "acme/many", visibility: "PUBLIC" });
    expect(id).toBeGreaterThan(0);
    await pushRecipe(remoteOf(server.url, "acme/many", ADMIN_TOKEN), (r) => {
      const files = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`f${n}.txt`, LARGE + n]));
      r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/acme/many\n", ...files }));
    });
    const { data, said } = await errorsOf(root, "gokura.test/acme/many", "files { nodes { path text } }");
    const { nodes } = data.goModule.versions.nodes[0].files;
    expect(nodes.filter(({ path, text }: Data) => path !== "go.mod" && text !== null)).toHaveLength(8);
    expect(said).toEqual(Array(3).fill(expect.stringMatching(/^TOO_LARGE: one request reads 8388608 bytes of files/)));
  });
});

describe("differences", () => {
  test("by name and content, also where size and CRC are the same", async () => {
    expect(crc32(ONE)).toBe(crc32(OTHER));
    const diff = `fileDiff(from: "v1.0.0") { added { path } removed { path size } truncated
      changed { path from { sha256 } to { sha256 } } }`;
    const { fileDiff } = await versionOf(root, LIB, "v1.1.0", diff);
    const added = fileDiff.added.map(({ path }: Data) => path);
    expect(added).toEqual(expect.arrayContaining(["COPYING", "LICENSE-APACHE", "README.txt", "sub/a/a.go"]));
    expect(added).toHaveLength(9);
    expect(fileDiff.removed).toEqual([{ path: "gone.go", size: "20" }]);
    expect(fileDiff.changed.map(({ path }: Data) => path)).toEqual(["README.md", "crc.bin", "go.mod"]);
    expect(fileDiff.changed[1]).toEqual({
      path: "crc.bin",
      from: { sha256: hash("sha256", ONE, "hex") },
      to: { sha256: hash("sha256", OTHER, "hex") },
    });
    expect(fileDiff.truncated).toBe(false);
  });

  test("with itself, and with what is none", async () => {
    const same = await versionOf(
      root,
      LIB,
      "v1.1.0",
      `fileDiff(from: "v1.1.0") { added { path } removed { path } changed { path } truncated }`,
    );
    expect(same.fileDiff).toEqual({ added: [], removed: [], changed: [], truncated: false });
    const { said } = await errorsOf(root, LIB, `fileDiff(from: "v9.9.9") { truncated }`);
    expect(said).toEqual(["NOT_FOUND: there is no version v9.9.9 of this module"]);
  });
});

describe("licences and readme", () => {
  const LICENSES = [
    { spdxId: "UNKNOWN", filePath: "COPYING", coverage: 0 },
    { spdxId: "MIT", filePath: "LICENSE", coverage: 1 },
    { spdxId: "Apache-2.0", filePath: "LICENSE-APACHE", coverage: 1 },
  ];
  const WHAT = "licenses { spdxId filePath coverage } readme { path text truncated }";

  test("of each version", async () => {
    const now = await versionOf(root, LIB, "v1.1.0", WHAT);
    expect(now.licenses).toEqual(LICENSES);
    expect(now.readme).toMatchObject({ path: "README.md", truncated: true });
    expect(README.startsWith(now.readme.text)).toBe(true);
    expect(Buffer.byteLength(now.readme.text)).toBeGreaterThan(64 * 1024 - 4);
    expect(Buffer.byteLength(now.readme.text)).toBeLessThanOrEqual(64 * 1024);
    expect(await versionOf(root, LIB, "v1.0.0", WHAT)).toMatchObject({
      licenses: [LICENSES[1]],
      readme: { path: "README.md", text: "# lib\n", truncated: false },
    });
  });

  test("of the module as written down, a moment after the push", async () => {
    expect(await described()).toMatchObject({ licenses: ["Apache-2.0", "MIT", "UNKNOWN"], goVersion: "1.24" });
    const before = await server.registry.prisma.module.findFirstOrThrow({ where: { path: LIB } });
    const { goModule } = await root.data(
      `{ goModule(path: "${LIB}") { ${WHAT} goVersion repositoryUrl firstSeenAt lastSeenAt } }`,
    );
    expect(goModule).toMatchObject({
      licenses: LICENSES,
      readme: { path: "README.md", truncated: true },
      goVersion: "1.24",
      repositoryUrl: `${server.url}/acme/lib.git`,
      firstSeenAt: before.createdAt.toISOString(),
    });
    expect(Date.parse(goModule.lastSeenAt)).toBeGreaterThanOrEqual(before.createdAt.getTime());
  });

  test("what was there before there were descriptions is described at a start", async () => {
    const { registry } = server;
    await described();
    await registry.prisma.moduleDocument.deleteMany({});
    await resumeDescribing(registry);
    expect(await described()).toMatchObject({ licenses: ["Apache-2.0", "MIT", "UNKNOWN"] });
    await registry.prisma.moduleDocument.deleteMany({});
    await describeUndescribed(registry, 0);
    expect((await described())?.goVersion).toBe("1.24");
  });

  test("many at once, and a module that is not there", async () => {
    const { moduleId } = (await described())!;
    await server.registry.prisma.moduleDocument.deleteMany({});
    await Promise.all([1, 2, 3, 4].map(() => describeModules(server.registry, [moduleId])));
    expect(await described()).not.toBeNull();
    await describeModules(server.registry, [2_000_000_000]);
  });

  test("of several together each has its own, and one that cannot be written keeps no other from it", async () => {
    const { registry, url } = server;
    const { prisma } = registry;
    const of: Record<string, Record<string, string>> = {
      "github.com/up/plain": { "m.go": "package m\n" },
      "github.com/up/mit": {
        "m.go": "package m\n",
        LICENSE: MIT,
        "README.md": 'a "quoted" \\u0041 {line},\n\té\u{1f600}\n',
      },
      "github.com/up/odd": { "m.go": "package m\n", COPYING: "Ask us.\n" },
    };
    for (const [path, files] of Object.entries(of)) {
      await upstream.version(path, "v1.0.0", files);
      expect((await ask(url, `/api/v4/packages/go/${path}/@v/v1.0.0.zip`)).status).toBe(200);
    }
    const where = { module: { path: { in: Object.keys(of) } } };
    const documents = async () =>
      (await prisma.moduleDocument.findMany({ where, orderBy: { moduleId: "asc" } })).map((row) => [
        ...[row.licenses, row.readmePath, row.readme],
      ]);
    const rows = await eventually(documents, ({ length }) => length === 3, 15_000); // by the job
    const each = [
      [[], null, null],
      [["MIT"], "README.md", of["github.com/up/mit"]!["README.md"]],
      [["UNKNOWN"], null, null],
    ];
    expect(rows).toEqual(each);
    const modules = await prisma.module.findMany({ where: { path: where.module.path }, orderBy: { id: "asc" } });
    const ids = modules.map(({ id }) => id);
    await prisma.moduleDocument.deleteMany({ where });
    await prisma.$executeRawUnsafe(`ALTER TABLE module_document ADD CONSTRAINT refused CHECK (module_id <> ${ids[1]})`);
    const query = vi.spyOn(registry.database.pool, "query");
    const written = () =>
      query.mock.calls.filter(([what]) => (what as { name?: string }).name === "write-module-documents").length;
    await expect(describeModules(registry, [ids[1]!])).rejects.toThrow("refused");
    expect(written()).toBe(1); // what failed alone is not written alone once more
    await expect(describeModules(registry, ids)).rejects.toThrow("refused");
    expect(await documents()).toEqual([each[0], each[2]]);
    query.mockClear();
    await describeModules(registry, [ids[0]!]); // as it is
    expect(written()).toBe(0);
    query.mockRestore();
    await prisma.$executeRawUnsafe("ALTER TABLE module_document DROP CONSTRAINT refused");
    await describeModules(registry, ids);
    expect(await documents()).toEqual(each);
  });
});

describe("a zip that is not there", () => {
  test("is made for a hosted version", async () => {
    const token = bearer(ADMIN_TOKEN);
    const info = await ask(server.url, `/api/v4/packages/go/${LIB}/@v/main.info`, { headers: token });
    const name = JSON.parse(info.text).Version;
    expect(name).toMatch(/^v1\.1\.1-0\./);
    const { h1, file } = await versionOf(root, LIB, name, `h1 file(path: "later.go") { text }`);
    expect([h1, file]).toEqual([null, { text: "package lib\n" }]);
  });

  test("of one from upstream says how to fetch it", async () => {
    const files = { "m.go": "package m\n", LICENSE: MIT, README: "read me\n" };
    await upstream.version("github.com/up/m", "v1.2.0", files);
    const at = "/api/v4/packages/go/github.com/up/m/@v/v1.2.0";
    expect((await ask(server.url, `${at}.info`)).status).toBe(200);
    expect((await ask(server.url, `${at}.mod`)).status).toBe(200);
    for (const what of ["files { count }", `file(path: "m.go") { path }`, "licenses { spdxId }", "readme { path }"])
      expect((await errorsOf(anonymous, "github.com/up/m", what)).said).toEqual([
        "NOT_FOUND: the files of github.com/up/m@v1.2.0 are not here yet: fetch them first (go mod download github.com/up/m@v1.2.0), then ask again",
      ]);
    const early = `{ goModule(path: "github.com/up/m") { licenses { spdxId } readme { path } repositoryUrl goVersion } }`;
    expect((await anonymous.data(early)).goModule).toMatchObject({
      ...{ licenses: [], readme: null, repositoryUrl: "https://github.com/up/m" },
    });

    expect((await ask(server.url, `${at}.zip`)).status).toBe(200);
    const { file } = await versionOf(anonymous, "github.com/up/m", "v1.2.0", `file(path: "m.go") { text }`);
    expect(file).toEqual({ text: "package m\n" });
    const licenses = async () => (await anonymous.data(early)).goModule.licenses;
    expect(await eventually(licenses, (found) => found.length > 0, 15_000)).toEqual([{ spdxId: "MIT" }]);
  });

  test("whose bytes are lost or broken is an error, not a lie", async () => {
    const { registry, dataDirectory } = server;
    await createProject(registry, OPERATOR, { fullPath: "acme/broken", visibility: "PUBLIC" });
    const path = "gokura.test/acme/broken";
    await pushRecipe(remoteOf(server.url, "acme/broken", ADMIN_TOKEN), (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": `module ${path}\n`, "a.go": "package a\n" }));
    });
    const row = await eventually(
      () => registry.prisma.moduleVersion.findFirst({ where: { module: { path } }, omit: { goMod: true } }),
      (found) => found?.zipKey != null,
      15_000,
    );
    const blob = join(dataDirectory, "blobs", zipKeyOf({ sha256: row!.zipKey! }));
    writeFileSync(blob, "PK");
    const { said } = await errorsOf(anonymous, path, `file(path: "a.go") { text }`);
    expect(said).toEqual([expect.stringMatching(/^UNAVAILABLE: .*@v1.0.0: its stored zip cannot be read/)]);
  });
});

describe("what may not be seen does not exist", () => {
  const WHAT = `{ goModule(path: "${LIB}") { licenses { spdxId } readme { text } versions { nodes { files { count } } } } }`;

  test("a private module for the anonymous, for strangers and for Guests; for Reporters it does", async () => {
    const { registry } = server;
    const ofUser = async (name: string) =>
      asker(`${server.url}/api/graphql`, await server.token(name, "read_api"), sent);
    const [stranger, guest, reporter] = [await ofUser("stranger"), await ofUser("guest"), await ofUser("reporter")];
    await addMember(registry, OPERATOR, { projectPath: "acme/lib" }, { username: "guest", accessLevel: 10 });
    await addMember(registry, OPERATOR, { projectPath: "acme/lib" }, { username: "reporter", accessLevel: 20 });
    for (const asks of [anonymous, stranger, guest]) expect(await asks.data(WHAT)).toEqual({ goModule: null });
    expect((await reporter.data(WHAT)).goModule.versions.nodes.length).toBeGreaterThan(1);
  });

  test("a module whose registry is off, for everybody", async () => {
    await updateProject(server.registry, OPERATOR, "acme/lib", { packagesEnabled: false });
    expect(await root.data(WHAT)).toEqual({ goModule: null });
    await updateProject(server.registry, OPERATOR, "acme/lib", { packagesEnabled: true });
    expect((await root.data(WHAT)).goModule).not.toBeNull();
  });
});

test("when the version that was described is taken away, the one before it is", async () => {
  await described();
  await deleteVersion(server.registry, OPERATOR, LIB, "v1.1.0");
  const now = await eventually(
    () =>
      server.registry.prisma.moduleDocument.findFirst({ where: { module: { path: LIB } }, include: { version: true } }),
    (row) => row?.version.version === "v1.0.0",
    15_000,
  );
  expect(now).toMatchObject({ licenses: ["MIT"], readme: "# lib\n", goVersion: "1.23" });
});

test("nothing of this part was left out", () => expect(leftOut("content", server.sent)).toEqual([]));
