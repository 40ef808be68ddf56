// The GOPROXY protocol on the wire: exactly what is answered to what, byte for byte.
import { createHash } from "node:crypto";
import JSZip from "jszip";
import { beforeAll, describe, expect, test } from "vitest";
import { createProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { eventually } from "../../support/eventually.ts";
import { type Answer, type Ask, ask, bearer } from "../../support/http.ts";
import { type PushedRepository, pushRecipe, remoteOf } from "../../support/push.ts";
import { type TestServer, testServer } from "../../support/server.ts";

const P = "gokura.test/acme/Lib";
const ESCAPED = "gokura.test/acme/%21lib"; // as the go command sends it

let server: TestServer;
let token: string;
let repository: PushedRepository;
let projectId: number;

const get = (path: string, more: Ask = {}): Promise<Answer> =>
  ask(server.url, `/api/v4/projects/${projectId}/packages/go/${path}`, more);

beforeAll(async () => {
  server = await testServer();
  token = await server.token("acme");
  const project = await createProject(server.registry, OPERATOR, { fullPath: "acme/Lib", visibility: "PUBLIC" });
  projectId = project.id;
  repository = await pushRecipe(remoteOf(server.url, "acme/Lib", token), (r) => {
    const first = r.commit(
      { "go.mod": `module ${P}\n`, "a.go": "package lib\n", "dir/b.go": "package dir\n" },
      { time: 1_600_000_000 },
    );
    r.tag("v1.0.0", first);
    r.tag("v1.0.0-Pre", first);
    r.tag("v1.10.0", first);
    r.tag("v1.9.0", first);
    r.commit({ "go.mod": `module ${P}\n`, "c.go": "package lib\n" }, { time: 1_600_000_100 });
  });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/untagged", visibility: "PUBLIC" });
  await pushRecipe(remoteOf(server.url, "acme/untagged", token), (r) => {
    r.commit({ "go.mod": "module gokura.test/acme/untagged\n", "sub/x.go": "package x\n" });
  });
});

describe("what is there", () => {
  test("list: one version a line, ascending by version, with the case of the tag", async () => {
    const answer = await get(`${ESCAPED}/@v/list`);
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(answer.headers["cache-control"]).toBe("private, max-age=60");
    expect(answer.text).toBe("v1.0.0-Pre\nv1.0.0\nv1.9.0\nv1.10.0\n");
  });

  test("list: the raw ! that people type means the same as %21", async () => {
    expect((await get("gokura.test/acme/!lib/@v/list")).text).toBe((await get(`${ESCAPED}/@v/list`)).text);
  });

  test("the project by its path, in any case, is the project by its number", async () => {
    for (const id of ["acme%2FLib", "acme%2flib", "ACME%2FLIB"]) {
      const answer = await ask(server.url, `/api/v4/projects/${id}/packages/go/${ESCAPED}/@v/list`);
      expect(answer.text).toContain("v1.10.0\n");
    }
  });

  test(".info: version and the committer's time in UTC, to the second", async () => {
    const answer = await get(`${ESCAPED}/@v/v1.0.0.info`);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["cache-control"]).toBe("private, max-age=604800, immutable");
    expect(answer.text).toMatch(
      /^\{"Version":"v1\.0\.0","Time":"2020-09-13T12:26:40Z","Origin":\{"VCS":"git","URL":"http[^"]+\/acme\/Lib\.git","Hash":"[0-9a-f]{40}","Ref":"refs\/tags\/v1\.0\.0"\}\}$/,
    );
    expect(JSON.parse((await get(`${ESCAPED}/@v/v1.0.0-%21pre.info`)).text).Version).toBe("v1.0.0-Pre");
  });

  test(".info of a branch and of a commit: a pseudo-version, not kept long", async () => {
    const branch = await get(`${ESCAPED}/@v/main.info`);
    expect(branch.headers["cache-control"]).toBe("private, max-age=60");
    const { Version } = JSON.parse(branch.text);
    expect(Version).toMatch(/^v1\.10\.1-0\.20200913122820-[0-9a-f]{12}$/);
    expect(JSON.parse(branch.text).Origin).toMatchObject({
      Ref: "refs/heads/main",
      TagSum: expect.stringMatching(/^t1:/),
    });
    for (const query of [Version.slice(-12), Version])
      expect(JSON.parse((await get(`${ESCAPED}/@v/${query}.info`)).text)).toMatchObject({
        Version,
        Time: "2020-09-13T12:28:20Z",
      });
    expect((await get(`${ESCAPED}/@v/${Version}.mod`)).text).toBe(`module ${P}\n`);
  });

  test(".mod: the bytes of go.mod", async () => {
    const answer = await get(`${ESCAPED}/@v/v1.0.0.mod`);
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(answer.text).toBe(`module ${P}\n`);
  });

  test(".zip: files under path@version, no directories, no surprises", async () => {
    const answer = await get(`${ESCAPED}/@v/v1.0.0.zip`);
    expect(answer.headers["content-type"]).toBe("application/zip");
    expect(answer.headers["cache-control"]).toBe("private, max-age=604800, immutable");
    expect(answer.headers.etag).toBe(`"${createHash("sha256").update(answer.bytes).digest("hex")}"`);
    const zip = await JSZip.loadAsync(answer.bytes);
    expect(Object.keys(zip.files).sort()).toEqual(["a.go", "dir/b.go", "go.mod"].map((name) => `${P}@v1.0.0/${name}`));
    expect(await zip.file(`${P}@v1.0.0/dir/b.go`)!.async("string")).toBe("package dir\n");
  });

  test("@latest: the newest release", async () => {
    expect(JSON.parse((await get(`${ESCAPED}/@latest`)).text).Version).toBe("v1.10.0");
  });

  test("a module without tags: an empty list, and @latest is its default branch", async () => {
    const base = "/api/v4/projects/acme%2Funtagged/packages/go/gokura.test/acme/untagged";
    const list = await ask(server.url, `${base}/@v/list`);
    expect([list.status, list.text]).toEqual([200, ""]);
    expect(JSON.parse((await ask(server.url, `${base}/@latest`)).text).Version).toMatch(
      /^v0\.0\.0-\d{14}-[0-9a-f]{12}$/,
    );
    expect((await ask(server.url, `${base}/sub/@v/list`)).status).toBe(404);
  });
});

describe("HTTP", () => {
  const paths = [`${ESCAPED}/@v/list`, `${ESCAPED}/@v/v1.0.0.info`, `${ESCAPED}/@v/v1.0.0.zip`, `${ESCAPED}/@latest`];

  test.each(paths)("HEAD is GET without the body: %s", async (path) => {
    const [full, head] = [await get(path), await get(path, { method: "HEAD" })];
    expect(head.status).toBe(200);
    expect(head.bytes.length).toBe(0);
    for (const name of ["content-length", "content-type", "etag", "cache-control"])
      expect(head.headers[name]).toBe(full.headers[name]);
    expect(Number(head.headers["content-length"])).toBe(full.bytes.length);
  });

  test.each(paths)("a client that has it gets 304: %s", async (path) => {
    const { etag = "", "cache-control": kept } = (await get(path)).headers;
    expect(etag).toMatch(/^".+"$/);
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await get(path, { headers: { "if-none-match": condition } });
      expect([again.status, again.bytes.length]).toEqual([304, 0]);
      expect(again.headers["cache-control"]).toBe(kept);
    }
    expect((await get(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  test("zips come in ranges", async () => {
    const path = `${ESCAPED}/@v/v1.0.0.zip`;
    const { bytes, headers } = await get(path);
    const part = async (range: string, more = {}) => get(path, { headers: { range, ...more } });
    const middle = await part("bytes=10-19");
    expect([middle.status, middle.headers["content-range"]]).toEqual([206, `bytes 10-19/${bytes.length}`]);
    expect(middle.bytes).toEqual(bytes.subarray(10, 20));
    expect((await part("bytes=-5")).bytes).toEqual(bytes.subarray(-5));
    expect((await part(`bytes=${bytes.length - 3}-`)).bytes).toEqual(bytes.subarray(-3));
    expect((await part("bytes=0-999999")).bytes).toEqual(bytes);
    const beyond = await part(`bytes=${bytes.length}-`);
    expect([beyond.status, beyond.headers["content-range"]]).toEqual([416, `bytes */${bytes.length}`]);
    for (const odd of ["bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=-"])
      expect([200, 416]).toContain((await part(odd)).status);
    expect((await part("bytes=0-1", { "if-range": headers.etag! })).status).toBe(206);
    expect((await part("bytes=0-1", { "if-range": '"other"' })).status).toBe(200);
  });

  test.each(["bytes=10-19", "bytes=999999999-", "bytes=-0"])("HEAD with Range: %s is of the whole", async (range) => {
    for (const file of ["v1.0.0.zip", "v1.0.0.mod", "list"]) {
      const path = `${ESCAPED}/@v/${file}`;
      const [whole, head] = [await get(path), await get(path, { method: "HEAD", headers: { range } })];
      expect([head.status, head.headers["content-length"]]).toEqual([200, String(whole.bytes.length)]);
      expect(head.headers["content-range"]).toBeUndefined();
    }
  });

  test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("%s is not for Go endpoints", async (method) => {
    const answer = await get(`${ESCAPED}/@v/list`, { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET, HEAD"]);
    expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
  });
});

describe("what is not there: 404, in words that the go command shows", () => {
  test.each([
    ["an upper-case letter", "gokura.test/acme/Lib/@v/list"],
    ["a ! at the end", "gokura.test/acme/lib!/@v/list"],
    ["a ! before no letter", "gokura.test/acme/!1lib/@v/list"],
    ["..", "gokura.test/acme/%21lib/../%21lib/@v/list"],
    [".. in disguise", "gokura.test/acme/%2E%2E/%21lib/@v/list"],
    ["//", "gokura.test//acme/%21lib/@v/list"],
    ["NUL", "gokura.test/acme/%00lib/@v/list"],
    ["NUL in a version", `${ESCAPED}/@v/v1.0.0%00.info`],
    ["a slash in a version", `${ESCAPED}/@v/..%2F..%2Fv1.0.0.info`],
    ["broken percent-encoding", "gokura.test/acme/%ZZ/@v/list"],
    ["broken UTF-8", "gokura.test/acme/%ff/@v/list"],
    ["10 kB of path", `gokura.test/${"a/".repeat(5_000)}x/@v/list`],
    ["no path at all", "@v/list"],
    ["another host", "example.com/acme/lib/@v/list"],
    ["the host alone", "gokura.test/@v/list"],
    ["a group", "gokura.test/acme/@v/list"],
    ["a package that is no module", `${ESCAPED}/dir/@v/list`],
    ["a module that is not there", `${ESCAPED}/nothing/@v/list`],
    ["a major version that is not there", `${ESCAPED}/v2/@v/list`],
    ["a version that is not there", `${ESCAPED}/@v/v1.2.3.info`],
    ["a pseudo-version that is not true", `${ESCAPED}/@v/v1.0.1-0.20200913122640-abcdefabcdef.info`],
    ["latest as a revision", `${ESCAPED}/@v/latest.info`],
    ["a short hash", `${ESCAPED}/@v/abcdef.info`],
    [".mod of a branch", `${ESCAPED}/@v/main.mod`],
    [".zip of a branch", `${ESCAPED}/@v/main.zip`],
    ["an unknown ending", `${ESCAPED}/@v/v1.0.0.txt`],
    ["a checksum database", "sumdb/sum.example.org/supported"],
    ["nothing", ""],
  ])("%s", async (_, path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(answer.text).toMatch(/^not found: .+\n$/);
    expect(answer.bytes.length).toBeLessThan(700); // go shows 648 bytes
    expect((await get(path)).text).toBe(answer.text); // from memory, too
  });
});

describe("who may ask", () => {
  const list = "gokura.test/acme/secret/@v/list";
  const at = (path: string, headers: Record<string, string>) =>
    ask(server.url, `/api/v4/projects/${encodeURIComponent(path)}/packages/go/${list}`, { headers });

  beforeAll(async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/secret" });
    await pushRecipe(remoteOf(server.url, "acme/secret", token), (r) => {
      r.tag("v0.1.0", r.commit({ "go.mod": "module gokura.test/acme/secret\n" }));
    });
  });

  test("nobody: 401 with a challenge, whether it is there or not", async () => {
    const [hidden, missing] = [await at("acme/secret", {}), await at("acme/nothing", {})];
    for (const answer of [hidden, missing]) {
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toMatch(/^Basic realm=/);
      expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
    }
    expect(hidden.text).toBe(missing.text);
  });

  test("somebody else: 404, whether it is there or not", async () => {
    const stranger = bearer(await server.token("stranger"));
    const [hidden, missing] = [await at("acme/secret", stranger), await at("acme/nothing", stranger)];
    expect([hidden.status, hidden.text]).toEqual([404, missing.text]);
  });

  test("a scope that is missing: 403, whatever is behind", async () => {
    const narrow = bearer(await server.token("acme", "read_user"));
    expect((await at("acme/secret", narrow)).status).toBe(403);
    expect((await at("acme/nothing", narrow)).status).toBe(403);
    expect((await at("acme/Lib", narrow)).status).toBe(403);
  });

  test("the registry switched off: 403 for who may see the project, after that is decided", async () => {
    await updateProject(server.registry, OPERATOR, "acme/secret", { packagesEnabled: false });
    expect((await at("acme/secret", bearer(token))).status).toBe(403);
    expect((await at("acme/secret", {})).status).toBe(401);
    expect((await at("acme/secret", bearer(await server.token("stranger")))).status).toBe(404);
    await updateProject(server.registry, OPERATOR, "acme/secret", { packagesEnabled: true });
    expect((await at("acme/secret", bearer(token))).status).toBe(200);
  });

  test("the flag go_proxy: 404 when off, on for a project or a group, at once", async () => {
    const { setFlag } = await import("../../../src/registry/forge/feature-flags.ts");
    const set = (on: boolean, targets = {}) => setFlag(server.registry, OPERATOR, "go_proxy", on, targets);
    try {
      await set(false);
      const off = await at("acme/secret", bearer(token));
      expect([off.status, off.text]).toEqual([404, expect.stringContaining("gokura flag set go_proxy on")]);
      await set(true, { projects: ["acme/secret"] });
      expect((await at("acme/secret", bearer(token))).status).toBe(200);
      expect((await at("acme/Lib", bearer(token))).status).toBe(404);
      await set(true, { groups: ["acme"] });
      await set(false, { projects: ["acme/secret"] });
      expect((await at("acme/secret", bearer(token))).status).toBe(200);
      await set(false, { groups: ["acme"] });
      expect((await at("acme/secret", bearer(token))).status).toBe(404);
    } finally {
      await set(true);
    }
  });
});

describe("pinned: a version that was served stays as it is", () => {
  test("when its tag is moved, and when it is deleted; and both are recorded", async () => {
    const path = `${ESCAPED}/@v/v1.9.0`;
    const before = await Promise.all([".info", ".mod", ".zip"].map((kind) => get(path + kind)));
    repository.change((r) => {
      r.tag(
        "v1.9.0",
        r.commit({ "go.mod": `module ${P}\n\ngo 1.20\n`, "evil.go": "package lib\n" }, { branch: "evil" }),
      );
    });
    await repository.push();
    const moved = await Promise.all([".info", ".mod", ".zip"].map((kind) => get(path + kind)));
    expect(moved.map((answer) => answer.bytes)).toEqual(before.map((answer) => answer.bytes));
    await repository.push(":refs/tags/v1.9.0");
    const deleted = await Promise.all([".info", ".mod", ".zip"].map((kind) => get(path + kind)));
    expect(deleted.map((answer) => answer.bytes)).toEqual(before.map((answer) => answer.bytes));
    expect((await get(`${ESCAPED}/@v/list`)).text).toContain("v1.9.0\n");
    const events = await server.registry.prisma.tagEvent.findMany({ where: { projectId }, orderBy: { id: "asc" } });
    expect(events.map(({ tag, kind }) => [tag, kind])).toEqual([
      ["v1.9.0", "MOVED"],
      ["v1.9.0", "DELETED"],
    ]);
    expect(server.logged.some((line) => line.includes("a tag was moved"))).toBe(true);
  });

  test("a zip that is first asked for after its tag was moved is still that of the old commit", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/late", visibility: "PUBLIC" });
    const module = "gokura.test/acme/late";
    const late = await pushRecipe(remoteOf(server.url, "acme/late", token), (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": `module ${module}\n`, "old.go": "package late\n" }));
    });
    late.change((r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${module}\n`, "new.go": "package late\n" })));
    await late.push();
    const answer = await ask(server.url, `/api/v4/projects/acme%2Flate/packages/go/${module}/@v/v1.0.0.zip`);
    const zip = await JSZip.loadAsync(answer.bytes);
    expect(Object.keys(zip.files)).toContain(`${module}@v1.0.0/old.go`);
  });

  test("git keeps the commits that no ref names any more, hidden from clones; a branch that went on needs no help", async () => {
    const { git } = await import("../../support/push.ts");
    const { repositoryKey } = await import("../../../src/storage/object-keys.ts");
    const directory = `${server.dataDirectory}/${repositoryKey(projectId)}`;
    const kept = () => git(["-C", directory, "for-each-ref", "--format=%(refname)", "refs/gokura"]);
    const before = (await kept()).split("\n").filter(Boolean);
    expect(before.length).toBe(2); // the two commits that v1.9.0 named
    repository.change(
      (r) => void r.commit({ "go.mod": `module ${P}\n`, "x.go": "package lib\n" }, { branch: "going" }),
    );
    await repository.push();
    const tip = (await git(["-C", repository.directory, "rev-parse", "going"])).trim();
    repository.change((r) => void r.commit({ "y.go": "package lib\n" }, { branch: "going", parents: [{ oid: tip }] }));
    await repository.push();
    expect((await kept()).split("\n").filter(Boolean)).toEqual(before);
    repository.change((r) => void r.commit({ "z.go": "package lib\n" }, { branch: "going" }));
    await repository.push();
    expect((await kept()).split("\n").filter(Boolean).length).toBe(3);
    expect(await git(["ls-remote", remoteOf(server.url, "acme/Lib", token)])).not.toContain("refs/gokura");
  });

  test("a new tag is in the list at once", async () => {
    repository.change((r) => r.tag("v1.11.0", r.commit({ "go.mod": `module ${P}\n` })));
    await repository.push();
    expect((await get(`${ESCAPED}/@v/list`)).text).toContain("v1.11.0\n");
    expect(JSON.parse((await get(`${ESCAPED}/@latest`)).text).Version).toBe("v1.11.0");
  });

  test("zips of a push are made before anybody asks", async () => {
    const made = () => server.registry.prisma.moduleVersion.findFirst({ where: { version: "v1.11.0" } });
    const version = await eventually(made, (row) => row?.h1 != null, 10_000);
    expect(version?.h1).toMatch(/^h1:.{43}=$/);
  });
});

describe("tags that are no versions say why", () => {
  test("each with a reason for its author", async () => {
    const odd = await createProject(server.registry, OPERATOR, { fullPath: "acme/odd", visibility: "PUBLIC" });
    const module = "gokura.test/acme/odd";
    await pushRecipe(remoteOf(server.url, "acme/odd", token), (r) => {
      r.tag("v0.1.0", r.commit({ "README.md": "no go.mod\n" }));
      r.tag("sub/v0.1.0", r.commit({ "sub/x.go": "package x\n" }));
      r.tag("v0.2.0", r.commit({ "go.mod": "this is no go.mod\n" }));
      r.tag("v0.3.0", r.commit({ "go.mod": `module ${module}\n\nrequire (\n` }));
      r.tag("v0.4.0", r.commit({ "go.mod": "module example.com/other\n" }));
      r.tag("v0.5.0", r.commit({ "go.mod": `module ${module}/v3\n` }));
      const good = r.commit({ "go.mod": `module ${module}\n` });
      r.tag("v1.0.0", good);
      r.tag("v1.1", good);
      r.tag("1.2.0", good);
      r.tag("v1.3.0+meta", good);
      r.tag("v2.0.0", good);
      r.tag("v1.4.0", r.blob("not a commit"));
    });
    const rows = await server.registry.prisma.rejectedTag.findMany({
      where: { projectId: odd.id, silent: false },
      orderBy: { tag: "asc" },
    });
    const said = Object.fromEntries(rows.map((row) => [row.tag, row.reason]));
    expect(Object.keys(said).sort()).toEqual([
      "1.2.0",
      "sub/v0.1.0",
      "v0.1.0",
      "v0.2.0",
      "v0.3.0",
      "v0.4.0",
      "v0.5.0",
      "v1.1",
      "v1.3.0+meta",
      "v1.4.0",
      "v2.0.0",
    ]);
    expect(said["v0.1.0"]).toContain("there is no go.mod");
    expect(said["sub/v0.1.0"]).toContain("missing");
    expect(said["v0.2.0"]).toContain("missing module path");
    expect(said["v0.3.0"]).toContain("cannot parse go.mod");
    expect(said["v0.4.0"]).toContain("example.com/other");
    expect(said["v0.5.0"]).toContain("/v3");
    expect(said["v1.1"]).toContain("v1.1.0");
    expect(said["1.2.0"]).toContain("v1.2.0");
    expect(said["v1.3.0+meta"]).toContain("+meta");
    expect(said["v2.0.0"]).toContain("/v2");
    expect(said["v1.4.0"]).toContain("commit");
    const base = `/api/v4/projects/acme%2Fodd/packages/go/${module}/@v`;
    expect((await ask(server.url, `${base}/v1.0.0.info`)).status).toBe(200);
    for (const version of ["v0.2.0", "v0.5.0", "v2.0.0"])
      expect((await ask(server.url, `${base}/${version}.info`)).status).toBe(404);
  });
});
