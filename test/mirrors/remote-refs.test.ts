// What a remote repository has, asked of git's own http-backend, and of servers that are none, or do not mean well.
import { cpSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { isFailure } from "../../src/errors.ts";
import { openRemoteRefs, type RemoteRefs, type RemoteRefsReader, ToldToWait } from "../../src/mirrors/remote-refs.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { atEnd } from "../support/at-end.ts";
import { makeRepository, type Recipe } from "../support/git-fixture.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";

let server: GitServer;
let reader: RemoteRefsReader;
const recipe = (r: Recipe): void => {
  const first = r.commit({ "go.mod": "module x.test/lib\n" });
  r.tag("v1.0.0", first);
  r.annotatedTag("v1.1.0", first);
  r.ref("refs/pull/1/head", r.commit({ "a.go": "package a\n" }));
};

beforeAll(async () => {
  server = await gitServer("localhost");
  makeRepository(join(server.directory, "lib.git"), recipe);
  makeRepository(join(server.directory, "sha256.git"), recipe, { sha256: true });
  makeRepository(join(server.directory, "empty.git"), () => {});
  makeRepository(join(server.directory, "empty256.git"), () => {}, { sha256: true });
});

beforeEach(() => {
  server.asked.length = 0;
  server.misbehave = undefined;
  server.speaksV2 = true;
  const http = openHttp({ allowNetworks: ["127.0.0.0/8"], trustedHosts: new Set(), caFile: server.caFile });
  atEnd(async () => http.close());
  reader = openRemoteRefs(http);
});

const read = (name: string, authorization?: string): Promise<RemoteRefs> =>
  reader.read(`${server.url}/${name}.git`, authorization);
/** The sentence of a look that fails. */
const failure = async (name = "lib", authorization?: string): Promise<string> => {
  try {
    await read(name, authorization);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return error.message.replaceAll(new URL(server.url).host, "HOST");
  }
  return "success";
};
const answer = (respond: (res: ServerResponse) => void, only = ""): void => {
  server.misbehave = (req, res) => {
    if (!req.url!.includes(only)) return false;
    respond(res);
    return true;
  };
};

test("protocol 2: what is not followed is not sent, and one look teaches the next that it is spoken", async () => {
  const found = await read("lib");
  expect(found).toMatchObject({ count: 3, defaultBranch: "main", objectFormat: "sha1", url: `${server.url}/lib.git` });
  const question = "POST /lib.git/git-upload-pack version=2";
  expect(server.asked).toEqual([
    "GET /lib.git/info/refs?service=git-upload-pack version=2",
    ...[question, question, question],
  ]);
  server.asked.length = 0;
  expect(await read("lib")).toEqual(found);
  expect(server.asked).toEqual([question, question, question]);
});

test("a server without protocol 2 is understood the same, at once and after it spoke it", async () => {
  const found = await read("lib");
  server.speaksV2 = false;
  expect(await read("lib")).toEqual(found);
  server.asked.length = 0;
  expect(await read("lib")).toEqual(found);
  expect(server.asked).toEqual(["GET /lib.git/info/refs?service=git-upload-pack version=2"]);
});

test("objects named by SHA-256, with either protocol", async () => {
  const found = await read("sha256");
  expect(found).toMatchObject({ count: 3, defaultBranch: "main", objectFormat: "sha256" });
  server.speaksV2 = false;
  expect(await read("sha256")).toEqual(found);
});

test.each([true, false])("a repository without refs is one without refs, with protocol 2: %s", async (v2) => {
  server.speaksV2 = v2;
  for (const name of ["empty", "empty256"]) expect(await read(name)).toMatchObject({ count: 0 });
});

test("a tag that moves, a branch that comes and another HEAD are told apart; a pull request is not followed", async () => {
  const directory = join(server.directory, "moving.git");
  cpSync(join(server.directory, "lib.git"), directory, { recursive: true });
  const digests = new Set<string>();
  const look = async (change?: (r: Recipe) => void): Promise<void> => {
    if (change) makeRepository(directory, change);
    digests.add((await read("moving")).digest);
  };
  await look();
  await look((r) => r.ref("refs/pull/2/head", r.commit({ "b.go": "package a\n" }, { parents: [], branch: "main" })));
  const before = digests.size;
  await look((r) => r.tag("v1.0.0", r.commit({ "c.go": "package a\n" }, { branch: "two" })));
  await look((r) => void r.commit({ "d.go": "package a\n" }, { branch: "three" }));
  expect(digests.size).toBe(before + 2);
});

test("an answer that breaks off is no shorter list of refs", async () => {
  const whole = await fetchedAdvertisement();
  for (const length of [0, 10, whole.length - 4, whole.length - 30]) {
    answer((res) => {
      res.setHeader("content-type", "application/x-git-upload-pack-advertisement");
      res.end(whole.subarray(0, length));
    });
    expect(await failure(), String(length)).toBe("HOST does not answer as git does, or broke off in the middle");
  }
  server.misbehave = undefined;
  await read("lib");
  answer((res) => res.end("003d"), "upload-pack");
  expect(await failure()).toBe("HOST does not answer as git does, or broke off in the middle");
});

test("a server that hangs, at once or in the middle, and one that drips, are waited for so long and no longer", async () => {
  const http = openHttp({ allowNetworks: ["127.0.0.0/8"], trustedHosts: new Set(), caFile: server.caFile });
  atEnd(async () => http.close());
  const whole = await fetchedAdvertisement();
  const types = { "content-type": "application/x-git-upload-pack-advertisement" };
  let dripping: NodeJS.Timeout | undefined;
  atEnd(() => clearInterval(dripping));
  // How long is waited is the subject.
  reader = openRemoteRefs(http, 300);
  const within = /^HOST does not answer within 0.3 s$/;
  answer(() => {});
  expect(await failure()).toMatch(within);
  answer((res) => void res.writeHead(200, types).write(whole.subarray(0, 20)));
  expect(await failure()).toMatch(within);
  answer((res) => {
    res.writeHead(200, types);
    let sent = 0;
    dripping = setInterval(() => res.write(whole.subarray(sent, ++sent)), 20);
  });
  expect(await failure()).toMatch(within);
  clearInterval(dripping);
  server.misbehave = undefined;
  reader = openRemoteRefs(http);
  expect((await read("lib")).count).toBe(3);
});

test("a page for people, another kind of server, none at all", async () => {
  answer((res) => res.end("<html><title>Sign in</title></html>"));
  expect(await failure()).toBe("HOST does not answer as git does, or broke off in the middle");
  answer((res) => res.writeHead(500).end("oops"));
  expect(await failure()).toBe("HOST answered 500");
  answer((res) => res.destroy());
  expect(await failure()).toBe("HOST: the connection broke off");
  server.misbehave = undefined;
  expect(await failure("none")).toBe("HOST has no such repository, or none that these credentials may read");
});

test("credentials are sent to their host and to no other", async () => {
  server.misbehave = (req, res) => {
    if (req.headers.authorization === "Basic Z29vZA==") return false;
    res.writeHead(401, { "WWW-Authenticate": "Basic" }).end();
    return true;
  };
  expect(await failure()).toMatch(/^HOST wants credentials, or others than it got \(401\)/);
  expect((await read("lib", "Basic Z29vZA==")).count).toBe(3);
  const elsewhere = server.url.replace("127.0.0.1", "localhost");
  const told: (string | undefined)[] = [];
  server.misbehave = (req, res) => {
    if (req.headers.host?.startsWith("localhost")) told.push(req.headers.authorization);
    if (!req.url!.startsWith("/old.git/")) return false;
    res.writeHead(302, { Location: `${elsewhere}/lib.git/info/refs?service=git-upload-pack` }).end();
    return true;
  };
  expect(await failure("old", "Basic Z29vZA==")).toMatch(/^HOST sends us to another host, which must not have/);
  expect(told).toEqual([undefined]);
  expect((await read("old")).url).toBe(`${elsewhere}/lib.git`);
});

test("a server that wants to be left alone says for how long", async () => {
  const waits: number[] = [];
  for (const after of ["7", "Thu, 01 Jan 1970 00:00:00 GMT", undefined]) {
    answer((res) => res.writeHead(429, after === undefined ? {} : { "Retry-After": after }).end());
    const error = await read("lib").catch((one: unknown) => one);
    expect(error).toBeInstanceOf(ToldToWait);
    waits.push((error as ToldToWait).waitMs);
  }
  expect(waits).toEqual([7_000, 1_000, 60_000]);
});

test("a redirect is followed to where the repository moved, and not into a private network", async () => {
  const moved = (to: string): void =>
    answer((res) => res.writeHead(301, { Location: `${to}/info/refs?service=git-upload-pack` }).end(), "/old.git/");
  moved(`${server.url}/lib.git`);
  expect(await read("old")).toMatchObject({ url: `${server.url}/lib.git`, count: 3 });
  moved("https://10.0.0.1/lib.git");
  reader = openRemoteRefs(openHttp({ allowNetworks: ["127.0.0.0/8"], trustedHosts: new Set(), caFile: server.caFile }));
  expect(await failure("old")).toMatch(/its address is in a network that may not be asked/);
});

async function fetchedAdvertisement(): Promise<Buffer> {
  const http = openHttp({ allowNetworks: ["127.0.0.0/8"], trustedHosts: new Set(), caFile: server.caFile });
  const url = `${server.url}/lib.git/info/refs?service=git-upload-pack`;
  const { body } = await http.get(url, { maxBytes: 100_000, headers: {} });
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  http.close();
  return Buffer.concat(chunks);
}
