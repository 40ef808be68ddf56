// Uploads over real HTTP: what is published by them, what is refused and with which words, and that nothing half is kept.

import { readdirSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import JSZip from "jszip";
import tar from "tar-stream";
import { beforeAll, describe, expect, test } from "vitest";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject, deleteProject, updateProject } from "../../src/registry/forge/projects.ts";
import { protectTag } from "../../src/registry/forge/protected-tags.ts";
import { createDeployToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { explainTags } from "../../src/registry/versions/tag-explanation.ts";
import { deleteVersion } from "../../src/registry/versions/version-deletion.ts";
import { eventually } from "../support/eventually.ts";
import { zipOf } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
let token: string;

const P = "gokura.test/acme/lib";

beforeAll(async () => {
  server = await testServer();
  token = await server.token("acme");
  await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
});

const endpoint = (fullPath: string): string => `/api/v4/projects/${encodeURIComponent(fullPath)}/packages/go`;

/** Uploads to the project acme/lib. */
function put(
  version: string,
  body: Buffer,
  { path = P, headers = bearer(token), format = "zip", project = "acme/lib" } = {},
): Promise<Answer> {
  return ask(server.url, `${endpoint(project)}/${path}/@v/${version}.${format}`, { method: "PUT", headers, body });
}

const get = (path: string): Promise<Answer> => ask(server.url, `${endpoint("acme/lib")}/${path}`);

const moduleZip = (version: string, more: Record<string, string> = {}, path = P): Promise<Buffer> =>
  zipOf(`${path}@${version}`, { "go.mod": `module ${path}\n\ngo 1.21\n`, "a.go": "package lib\n", ...more });

async function tarOf(files: Record<string, string | { readonly symlink: string }>): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, content] of Object.entries(files))
    if (typeof content === "string") pack.entry({ name }, content);
    else pack.entry({ name, type: "symlink", linkname: content.symlink });
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Waits until the tags of a project are so many versions. */
async function versionsAre(fullPath: string, count: number): Promise<void> {
  const where = { module: { project: { fullPath } } };
  const made = await eventually(
    () => server.registry.prisma.moduleVersion.count({ where }),
    (now) => now === count,
    20_000,
  );
  expect(made).toBe(count);
}

const scratchFiles = (): string[] => readdirSync(join(server.dataDirectory, "blobs", "scratch"));
const versionsOf = (path: string): Promise<number> =>
  server.registry.prisma.moduleVersion.count({ where: { module: { path } } });

describe("a zip", () => {
  test("is published as it was sent, and is a version like any other", async () => {
    const zip = await moduleZip("v1.0.0", { LICENSE: "MIT License\n" });
    const answer = await put("v1.0.0", zip);
    expect(answer.status).toBe(201);
    const told = JSON.parse(answer.text);
    expect(told).toMatchObject({ module: P, version: "v1.0.0", size: zip.length, go_get: `go get ${P}@v1.0.0` });
    expect((await get(`${P}/@v/v1.0.0.zip`)).bytes.equals(zip)).toBe(true);
    expect((await get(`${P}/@v/v1.0.0.mod`)).text).toBe(`module ${P}\n\ngo 1.21\n`);
    expect((await get(`${P}/@v/list`)).text).toBe("v1.0.0\n");
    const info = JSON.parse((await get(`${P}/@latest`)).text);
    expect(Object.keys(info)).toEqual(["Version", "Time"]);
    expect(Math.abs(Date.parse(info.Time) - Date.now())).toBeLessThan(600_000);
    expect((await ask(server.url, "/index")).text).toContain(`"Path":"${P}","Version":"v1.0.0"`);
    const audited = await server.registry.prisma.auditEvent.findFirst({ where: { action: "version.upload" } });
    expect(audited).toMatchObject({ actor: "acme", subject: `${P}@v1.0.0`, detail: { h1: told.h1 } });
  });

  test("is downloaded by the go command, which asks our checksum database about it", async () => {
    const go = goCommand({
      GOPROXY: `${server.url}/api/v4/packages/go`,
      GONOSUMDB: "none",
      GOINSECURE: "*",
      GOSUMDB: `${server.verifierKey} ${server.url}/sumdb`,
    });
    const downloaded = JSON.parse(await go.must("mod", "download", "-json", `${P}@v1.0.0`));
    const { h1, go_mod_h1 } = JSON.parse(
      (await put("v1.0.0", await moduleZip("v1.0.0", { LICENSE: "MIT License\n" }))).text,
    );
    expect(downloaded).toMatchObject({ Sum: h1, GoModSum: go_mod_h1 });
  });

  test("sent again is the same version, with other content it is refused with both sums", async () => {
    const zip = await moduleZip("v1.1.0");
    const first = await put("v1.1.0", zip);
    expect(first.status).toBe(201);
    const again = await put(
      "v1.1.0",
      await zipOf(`${P}@v1.1.0`, { "a.go": "package lib\n", "go.mod": `module ${P}\n\ngo 1.21\n` }, "STORE"),
    );
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect((await get(`${P}/@v/v1.1.0.zip`)).bytes.equals(zip)).toBe(true);
    const other = await put("v1.1.0", await moduleZip("v1.1.0", { "b.go": "package lib\n" }));
    expect(other.status).toBe(409);
    expect(other.headers["gokura-reason"]).toBe("version_differs");
    expect(other.text.match(/h1:[A-Za-z0-9+/]{43}=/g)).toEqual([JSON.parse(first.text).h1, expect.any(String)]);
  });

  test("sent twice at once is published once", async () => {
    const zip = await moduleZip("v1.2.0");
    const answers = await Promise.all(Array.from({ length: 6 }, () => put("v1.2.0", zip)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    const others = await Promise.all(
      Array.from({ length: 4 }, async (_, n) => put("v1.2.1", await moduleZip("v1.2.1", { "n.go": `// ${n}\n` }))),
    );
    expect(others.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  test("with Gokura-H1 is refused if it is not that, and needs no body if it is published", async () => {
    const zip = await moduleZip("v1.3.0");
    const wrong = { ...bearer(token), "gokura-h1": `h1:${"A".repeat(43)}=` };
    const refused = await put("v1.3.0", zip, { headers: wrong });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain("Gokura-H1 says h1:AAAA");
    expect((await get(`${P}/@v/v1.3.0.info`)).status).toBe(404);
    const { h1 } = JSON.parse((await put("v1.3.0", zip)).text);
    const right = { ...bearer(token), "gokura-h1": h1 };
    expect((await put("v1.3.0", Buffer.from("anything"), { headers: right })).status).toBe(200);
    expect((await put("v1.3.0", zip, { headers: wrong })).status).toBe(409);
    expect((await put("v1.3.0", zip, { headers: { ...right, "gokura-h1": "sha256:1" } })).status).toBe(400);
  });

  test("of a module from before modules gets its go.mod made up; +incompatible needs one", async () => {
    const zip = await zipOf(`${P}@v2.0.0+incompatible`, { "a.go": "package lib\n" });
    expect((await put("v2.0.0+incompatible", zip)).status).toBe(201);
    expect((await get(`${P}/@v/v2.0.0+incompatible.mod`)).text).toBe(`module ${P}\n`);
    const refused = await put("v2.0.1+incompatible", await moduleZip("v2.0.1+incompatible"));
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining("+incompatible suffix not allowed")]);
  });

  test("that was deleted does not come back; of a deleted project only the same does", async () => {
    await put("v1.4.0", await moduleZip("v1.4.0"));
    await deleteVersion(server.registry, OPERATOR, P, "v1.4.0");
    expect((await put("v1.4.0", await moduleZip("v1.4.0"))).status).toBe(410);
    const path = "gokura.test/acme/gone";
    const make = (): Promise<unknown> =>
      createProject(server.registry, OPERATOR, { fullPath: "acme/gone", visibility: "PUBLIC" });
    const send = async (more: Record<string, string>): Promise<Answer> =>
      put("v1.0.0", await moduleZip("v1.0.0", more, path), { path, project: "acme/gone" });
    await make();
    expect((await send({})).status).toBe(201);
    await deleteProject(server.registry, OPERATOR, "acme/gone");
    await make();
    expect((await send({ "b.go": "package b\n" })).status).toBe(409);
    expect((await send({})).status).toBe(201);
  });
});

describe("a tar", () => {
  test("of the whole repository makes the zip that a push of the same tree makes, in a subdirectory too", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/pushed", visibility: "PUBLIC" });
    const root = "gokura.test/acme/pushed";
    const files = {
      "go.mod": `module ${root}\n\ngo 1.24\n`,
      LICENSE: "MIT License\n",
      "a.go": "package pushed\n",
      "vendor/modules.txt": "# x\n",
      "vendor/x/x.go": "package x\n",
      link: { symlink: "a.go" },
      "sub/go.mod": `module ${root}/sub\n`,
      "sub/s.go": "package sub\n",
      "sub/v3/go.mod": `module ${root}/sub/v3\n`,
      "sub/v3/s.go": "package sub\n",
    };
    await pushRecipe(remoteOf(server.url, "acme/pushed", token), (r) => {
      const commit = r.commit(files);
      for (const tag of ["v1.0.0", "sub/v1.0.0", "sub/v3.0.0"]) r.tag(tag, commit);
    });
    await versionsAre("acme/pushed", 3);
    const bytes = await tarOf(files);
    for (const [path, version] of [
      [root, "v1.0.0"],
      [`${root}/sub`, "v1.0.0"],
      [`${root}/sub/v3`, "v3.0.0"],
    ] as const) {
      const answer = await put(version, bytes, { path, format: "tar", project: "acme/pushed" });
      // 200: it is what the tag has made.
      expect([path, answer.status, answer.text]).toEqual([path, 200, expect.stringContaining(`"module":"${path}"`)]);
    }
    const other = await put("v1.0.0", await tarOf({ ...files, "b.go": "package pushed\n" }), {
      ...{ path: root, format: "tar", project: "acme/pushed" },
    });
    expect([other.status, other.text]).toEqual([409, expect.stringContaining("from commit ")]);
  });

  test("and a tag of its name: the tag is the same, or is rejected with both sums", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/both", visibility: "PUBLIC" });
    const path = "gokura.test/acme/both";
    const files = { "go.mod": `module ${path}\n`, "a.go": "package both\n" };
    const uploaded = ["v1.0.0", "v1.1.0"];
    for (const version of uploaded)
      expect((await put(version, await tarOf(files), { path, format: "tar", project: "acme/both" })).status).toBe(201);
    await pushRecipe(remoteOf(server.url, "acme/both", token), (r) => {
      r.tag("v1.0.0", r.commit(files));
      r.tag("v1.1.0", r.commit({ "b.go": "package both\n" }));
    });
    const explained = await eventually(
      () => explainTags(server.registry, OPERATOR, "acme/both"),
      (all) => all.length > 0 && all.every(({ verdict }) => verdict !== "waiting"),
      20_000,
    );
    expect(explained).toMatchObject([{ tag: "v1.1.0", verdict: "refused" }]);
    expect(explained[0]!.reason).toMatch(
      /^v1\.1\.0 was uploaded before with h1:\S+ and stays so, and the files of the tag have h1:/,
    );
  });

  test("is refused with the reason if the module is not in it, or it is no tar", async () => {
    const send = (body: Buffer): Promise<Answer> => put("v1.9.0", body, { format: "tar" });
    const missing = await send(await tarOf({ "x/go.mod": `module ${P}\n` }));
    expect([missing.status, missing.text]).toEqual([
      422,
      expect.stringContaining(`no go.mod in the tar declares module ${P}`),
    ]);
    const other = await send(await tarOf({ "go.mod": "module example.com/other\n" }));
    expect(other.text).toContain("go.mod declares example.com/other");
    const bad = await send(
      await tarOf({ "go.mod": `module ${P}\n`, "A.go": "", "a.go": "", "con.txt": "", "x/../y": "" }),
    );
    expect(bad.text.trim().split("\n")).toHaveLength(3);
    expect((await send(Buffer.alloc(2048, "x"))).status).toBe(422);
    const whole = await tarOf({ "go.mod": `module ${P}\n`, "a.go": "x".repeat(5_000) });
    expect((await send(whole.subarray(0, 3_000))).status).toBe(422);
    expect(scratchFiles()).toEqual([]);
  });
});

describe("who may", () => {
  test("Developers and deploy tokens with write_package_registry, and nobody else", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/closed" });
    const path = "gokura.test/acme/closed";
    const send = async (headers: Record<string, string>): Promise<number> =>
      (await put("v1.0.0", await moduleZip("v1.0.0", {}, path), { path, project: "acme/closed", headers })).status;
    const member = async (name: string, level: number): Promise<Record<string, string>> => {
      const secret = await server.token(name, "api");
      await addMember(
        server.registry,
        OPERATOR,
        { projectPath: "acme/closed" },
        { username: name, accessLevel: level },
      );
      return bearer(secret);
    };
    const deploy = async (scopes: readonly ("read_package_registry" | "write_package_registry")[]) => {
      const made = await createDeployToken(server.registry, OPERATOR, "acme/closed", {
        name: "ci",
        scopes: [...scopes],
      });
      return bearer(made.secret);
    };
    expect(await send({})).toBe(401);
    expect(await send(bearer(await server.token("stranger")))).toBe(404);
    expect(await send(await member("reporter", 20))).toBe(403);
    expect(await send(bearer(await server.token("acme", "read_api")))).toBe(403);
    expect(await send(await deploy(["read_package_registry"]))).toBe(403);
    expect(await versionsOf(path)).toBe(0);
    expect(await send(await deploy(["write_package_registry"]))).toBe(201);
    expect(await send(await member("developer", 30))).toBe(200);
  });

  test("protected tags, archived projects and switched off registries hold for uploads too", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/kept", visibility: "PUBLIC" });
    const path = "gokura.test/acme/kept";
    const developer = await server.token("dev");
    await addMember(server.registry, OPERATOR, { projectPath: "acme/kept" }, { username: "dev", accessLevel: 30 });
    await protectTag(server.registry, OPERATOR, "acme/kept", "v1.*");
    const send = async (version: string): Promise<Answer> =>
      put(version, await moduleZip(version, {}, path), { path, project: "acme/kept", headers: bearer(developer) });
    expect([(await send("v1.0.0")).status, (await send("v0.1.0")).status]).toEqual([403, 201]);
    await updateProject(server.registry, OPERATOR, "acme/kept", { packagesEnabled: false });
    expect((await send("v0.2.0")).headers["gokura-reason"]).toBe("package_registry_disabled");
  });

  test("only into modules of the project, wherever it is sent to", async () => {
    const foreign = "gokura.test/acme/elsewhere";
    const answer = await put("v1.0.0", await moduleZip("v1.0.0", {}, foreign), { path: foreign });
    expect([answer.status, answer.headers["gokura-reason"]]).toEqual([403, "module_path_foreign"]);
    const stolen = await put("v1.0.0", await moduleZip("v1.0.0", {}, "golang.org/x/net"), { path: "golang.org/x/net" });
    expect(stolen.status).toBe(403);
    const send = (base: string, path: string): Promise<Answer> =>
      ask(server.url, `${base}/${path}/@v/v1.5.0.zip`, { method: "PUT", headers: bearer(token), body: "" });
    expect((await send("/api/v4/packages/go", "golang.org/x/net")).status).toBe(404);
    const body = await moduleZip("v1.5.0");
    const headers = bearer(token);
    const viaInstance = await ask(server.url, `/api/v4/packages/go/${P}/@v/v1.5.0.zip`, {
      method: "PUT",
      headers,
      body,
    });
    expect(viaInstance.status).toBe(201);
    const viaGroup = await ask(server.url, `/api/v4/groups/acme/-/packages/go/${P}/@v/v1.5.0.zip`, {
      method: "PUT",
      headers,
      body,
    });
    expect(viaGroup.status).toBe(200);
  });
});

describe("what is refused", () => {
  test("names every broken rule at once, and of ten thousand the first and their number", async () => {
    const bad = await zipOf(`${P}@v1.6.0`, {
      ...{ "go.mod": "module example.com/other\n", "A.go": "", "a.go": "", "sub/go.mod": "module x\n", "aux.go": "" },
    });
    const refused = await put("v1.6.0", bad);
    expect([refused.status, refused.headers["gokura-reason"]]).toEqual([422, "module_zip_invalid"]);
    expect(refused.text.trim().split("\n")).toHaveLength(3);
    const other = await put("v1.6.0", await zipOf(`${P}@v1.6.0`, { "go.mod": "module example.com/other\n" }));
    expect([other.status, other.text]).toEqual([422, expect.stringContaining("declares module example.com/other")]);
    const many: Record<string, string> = {};
    for (let n = 0; n < 10_000; n++) many[`wrong/${n}:.go`] = "";
    const told = await put("v1.6.0", await zipOf(`${P}@v1.6.0`, many));
    expect(told.status).toBe(422);
    expect(told.text.trim().split("\n")).toHaveLength(101);
    expect(told.text).toContain("… and 9900 more");
    expect((await put("v1.6.0", Buffer.from("no zip"))).status).toBe(422);
    for (const version of ["v1", "v2.0.0", "1.6.0", "v0.0.0-20210101000000-abcdefabcdef"])
      expect([version, (await put(version, await moduleZip(version))).status]).toEqual([version, 422]);
    expect(scratchFiles()).toEqual([]);
  });

  test("a zip with directories, which go mod verify takes for a change wherever it comes, but for one whose sum is known", async () => {
    const zip = new JSZip();
    const inside = { createFolders: false };
    zip.file(`${P}@v1.6.2/go.mod`, `module ${P}\n`, inside).file(`${P}@v1.6.2/sub/a.go`, "package sub\n", inside);
    zip.file(`${P}@v1.6.2/sub`, null, { ...inside, dir: true });
    const body = await zip.generateAsync({ type: "nodebuffer" });
    const refused = await put("v1.6.2", body);
    expect([refused.status, refused.text]).toEqual([
      422,
      expect.stringMatching(/^\S+@v1\.6\.2\/sub\/: .* \(1\).*\(zip -D\)/),
    ]);
    const withSum = (sum: string) => put("v1.6.2", body, { headers: { ...bearer(token), "gokura-h1": sum } });
    const other = await withSum(`h1:${"A".repeat(43)}=`);
    expect(other.status).toBe(422);
    const [sum] = /h1:\S+=/.exec(other.text) ?? [];
    expect((await withSum(sum!)).status).toBe(201);
    expect((await get(`${P}/@v/v1.6.2.zip`)).bytes.equals(body)).toBe(true);
  });

  test("a zip bomb is not unpacked, and a zip whose bytes are not what its directory says is none", async () => {
    const declaring = (zip: Buffer, size: number): Buffer => {
      const declared = Buffer.from(zip);
      for (let at = zip.indexOf("PK\x01\x02"); at >= 0; at = zip.indexOf("PK\x01\x02", at + 1))
        declared.writeUInt32LE(size, at + 24);
      return declared;
    };
    const zeros = await zipOf(`${P}@v1.6.1`, { "a.bin": Buffer.alloc(8_000_000), "b.bin": Buffer.alloc(8_000_000) });
    const lying = await put("v1.6.1", declaring(zeros, 10_000));
    expect([lying.status, lying.text]).toEqual([422, expect.stringContaining("checksum error")]);
    const bomb = declaring(zeros, 300_000_000);
    const refused = await put("v1.6.1", bomb);
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining("total uncompressed size")]);
    const flipped = Buffer.from(
      await zipOf(`${P}@v1.6.1`, { "go.mod": `module ${P}\n`, "a.go": "package lib\n" }, "STORE"),
    );
    flipped[flipped.indexOf("package lib")]! ^= 1;
    expect((await put("v1.6.1", flipped)).text).toContain("checksum error");
  });

  test("an upload that is cut leaves nothing, and can be sent again", async () => {
    const zip = await moduleZip("v1.7.0", { "big.go": `// ${"x".repeat(300_000)}${Math.random()}\n` });
    const { hostname, port } = new URL(server.url);
    await new Promise<void>((done) => {
      const path = `${endpoint("acme/lib")}/${P}/@v/v1.7.0.zip`;
      const headers = { ...bearer(token), "content-length": String(zip.length) };
      const request = http.request({ hostname, port, path, method: "PUT", headers });
      request.on("error", () => done()).on("close", () => done());
      request.write(zip.subarray(0, zip.length / 2), () => setImmediate(() => request.destroy()));
    });
    await eventually(
      async () => scratchFiles(),
      (files) => files.length === 0,
    );
    expect((await get(`${P}/@v/v1.7.0.info`)).status).toBe(404);
    expect((await put("v1.7.0", zip)).status).toBe(201);
  });

  test("before it is sent, if the client waits to be asked", async () => {
    const { hostname, port } = new URL(server.url);
    const send = (
      version: string,
      zip: Buffer,
      headersOf = bearer(token),
    ): Promise<{ status: number; asked: boolean }> =>
      new Promise((resolve, reject) => {
        let asked = false;
        const path = `${endpoint("acme/lib")}/${P}/@v/${version}.zip`;
        const headers = { ...headersOf, expect: "100-continue", "content-length": String(zip.length) };
        const request = http.request({ hostname, port, path, method: "PUT", headers, agent: false });
        request.on("continue", () => {
          asked = true;
          request.end(zip);
        });
        request.on("response", (response) => {
          // Whether the next bytes would be a body or a request nobody could tell.
          expect(response.headers.connection).toBe("close");
          response.resume().on("end", () => {
            resolve({ status: response.statusCode!, asked });
            request.destroy();
          });
        });
        request.on("error", reject).flushHeaders();
      });
    expect(await send("v1.8.0", await moduleZip("v1.8.0"))).toEqual({ status: 201, asked: true });
    expect(await send("v1.4.0", await moduleZip("v1.4.0"))).toEqual({ status: 410, asked: false });
    expect(await send("v1.8.1", await moduleZip("v1.8.1"), bearer("no token"))).toEqual({ status: 401, asked: false });
  });

  test("an address with a broken percent-encoding is told to whoever waits to be asked for the body", async () => {
    for (const path of ["/api/packages/%zz/go/upload", "/api/go/%zz/x", "/artifactory/api/go/%zz/x/@v/v1.0.0.zip"]) {
      const headers = { ...bearer(token), expect: "100-continue", "content-length": "1" };
      const { status, text } = await ask(server.url, path, { method: "PUT", headers });
      expect([path, status, text]).toEqual([path, 404, expect.stringContaining("broken percent-encoding")]);
    }
  });
});
