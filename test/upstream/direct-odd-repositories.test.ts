// Repositories of others as they are: shallow on their server, with commits that git's fsck dislikes, or with the module in a
// sub-directory that only the go-import tag names (go 1.25 and newer). What the go command makes of each is what `direct` must.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { parseGoPath } from "../../src/gomod/proxy-path.ts";
import { admitZip } from "../../src/upstream/admission.ts";
import { bytesOf } from "../../src/upstream/bounded-body.ts";
import { createDirect } from "../../src/upstream/direct.ts";
import { openGitMirrors } from "../../src/upstream/git-mirror.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { repositoryOfPath } from "../../src/upstream/import-path.ts";
import type { FetchDirect } from "../../src/upstream/upstream-client.ts";
import { atEnd } from "../support/at-end.ts";
import { connectProxy } from "../support/connect-proxy.ts";
import { git, makeRepository } from "../support/git-fixture.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";
import { type GoCommand, goCommand } from "../support/go.ts";
import { temporary } from "../support/temporary.ts";

const HOST = "vanity.test";

let server: GitServer;
let direct: FetchDirect;
let go: GoCommand;
let clock = Date.now();

beforeAll(async () => {
  server = await gitServer(HOST);
  const proxy = await connectProxy(server.port);
  go = goCommand({
    GOPROXY: "direct",
    ...{ HTTPS_PROXY: proxy, https_proxy: proxy, SSL_CERT_FILE: server.caFile, GIT_SSL_CAINFO: server.caFile },
  });
  const { caFile } = server;
  const http = openHttp({ allowNetworks: ["127.0.0.0/8"], trustedHosts: new Set(), caFile });
  atEnd(() => http.close());
  const repositories = new Repositories();
  atEnd(() => repositories.close());
  const mirrors = await openGitMirrors({
    directory: join(temporary("mirrors"), "mirrors"),
    repositories,
    http,
    caFile,
    now: () => clock,
  });
  // The name leads to the test's server, as it does for go by its proxy.
  const local = (url: string): string => url.replace(`https://${HOST}`, server.url);
  const named = {
    ...http,
    get: (url: string, options: Parameters<typeof http.get>[1]) => http.get(local(url), options),
  };
  direct = createDirect({
    http: named,
    mirrors,
    find: async (path, signal) => {
      const root = await repositoryOfPath(named, path, signal);
      return { ...root, url: local(root.url) };
    },
  });
});

async function said(path: string): Promise<Buffer | undefined> {
  const answer = await direct(parseGoPath(path), { maxBytes: 100_000_000 });
  return answer.kind === "found" ? await bytesOf(answer.body) : undefined;
}

/** What direct has of a version, as `go mod download -json` tells it. */
async function downloaded(modulePath: string, query: string): Promise<unknown> {
  const info = JSON.parse(String(await said(`${modulePath}/@v/${query}.info`)));
  const { Version: version, Time } = info;
  const [goMod, zip] = [await said(`${modulePath}/@v/${version}.mod`), await said(`${modulePath}/@v/${version}.zip`)];
  const file = join(temporary("zip"), "m.zip");
  writeFileSync(file, zip!);
  const handle = await open(file);
  const { h1 } = await admitZip(modulePath, version, handle, zip!.length, goMod!);
  await handle.close();
  const goModSum = createHash("sha256").update(`${createHash("sha256").update(goMod!).digest("hex")}  go.mod\n`);
  return { Version: version, Time, Sum: h1, GoModSum: `h1:${goModSum.digest("base64")}`, Subdir: info.Origin.Subdir };
}

async function downloadedByGo(modulePath: string, query: string): Promise<unknown> {
  const { Version, Sum, GoModSum, Origin, Info } = JSON.parse(
    await go.must("mod", "download", "-json", `${modulePath}@${query}`),
  );
  const { Time } = JSON.parse(readFileSync(Info, "utf8")); // as go keeps it
  return { Version, Time, Sum, GoModSum, Subdir: Origin.Subdir };
}

const listed = async (modulePath: string): Promise<string[]> =>
  String(await said(`${modulePath}/@v/list`))
    .split("\n")
    .filter(Boolean);
const listedByGo = async (modulePath: string): Promise<string[]> =>
  (await go.must("list", "-m", "-versions", modulePath)).trim().split(" ").slice(1);

test("one that is shallow on its server, also when that moves on", async () => {
  const P = `${HOST}/shallow.git`;
  const whole = join(temporary("whole"), "whole.git");
  makeRepository(whole, (r) => {
    r.commit({ "go.mod": `module ${P}\n\ngo 1.21\n` });
    r.tag("v1.0.0", r.commit({ "a.go": "package a\n" }));
  });
  const shallow = join(server.directory, "shallow.git");
  git(["clone", "--quiet", "--bare", "--depth=1", `file://${whole}`, shallow]);
  expect(git(["-C", shallow, "rev-parse", "--is-shallow-repository"])).toBe("true\n");
  expect(await downloaded(P, "v1.0.0")).toEqual(await downloadedByGo(P, "v1.0.0"));
  expect(await listed(P)).toEqual(["v1.0.0"]);
  makeRepository(whole, (r) => r.tag("v1.1.0", r.commit({ "b.go": "package a\n" })));
  const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
  git(["-C", shallow, "fetch", "--quiet", "--depth=1", "origin", ...refs]);
  clock += 120_000;
  expect(await listed(P)).toEqual(["v1.0.0", "v1.1.0"]);
  expect(await downloaded(P, "v1.1.0")).toEqual(await downloadedByGo(P, "v1.1.0"));
});

describe("commits and trees that fsck dislikes", () => {
  const AUTHOR = "A <a@example.com> 1700000000 +0000";
  const commits: [defect: string, author: string, committer: string][] = [
    ["missingEmail", "A 1700000000 +0000", AUTHOR],
    ["missingNameBeforeEmail", "<a@example.com> 1700000000 +0000", AUTHOR],
    ["missingSpaceBeforeEmail", "A<a@example.com> 1700000000 +0000", AUTHOR],
    ["missingSpaceBeforeDate", "A <a@example.com>1700000000 +0000", AUTHOR],
    ["badEmail", "A <a@example.com 1700000000 +0000", AUTHOR],
    ["badDate", "A <a@example.com> tomorrow +0000", AUTHOR],
    ["badTimezone", "A <a@example.com> 1700000000 zone", AUTHOR],
    ["zeroPaddedDate", "A <a@example.com> 01700000000 +0000", "A <a@example.com> 01700000000 +0000"],
    ["multipleAuthors", `${AUTHOR}\nauthor ${AUTHOR}`, AUTHOR],
  ];
  const trees: [defect: string, mode: string, names: string[]][] = [
    ["treeNotSorted", "100644", ["go.mod", "b.go", "a.go"]],
    ["zeroPaddedFilemode", "0100644", ["a.go", "go.mod"]],
    ["badFilemode", "100666", ["a.go", "go.mod"]],
  ];
  const hash = (directory: string, type: string, input: Buffer | string): string =>
    git(["-C", directory, "hash-object", "-t", type, "-w", "--stdin", "--literally"], { input }).trim();
  const make = (defect: string, mode: string, names: readonly string[], author: string, committer: string): string => {
    const P = `${HOST}/${defect.toLowerCase()}.git`;
    const directory = join(server.directory, `${defect.toLowerCase()}.git`);
    makeRepository(directory, () => {});
    const entries = names.map((name) => {
      const content = name === "go.mod" ? `module ${P}\n\ngo 1.21\n` : "package a\n";
      return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(hash(directory, "blob", content), "hex")]);
    });
    const tree = hash(directory, "tree", Buffer.concat(entries));
    const commit = hash(directory, "commit", `tree ${tree}\nauthor ${author}\ncommitter ${committer}\n\nold\n`);
    git(["-C", directory, "update-ref", "refs/heads/main", commit]);
    git(["-C", directory, "update-ref", "refs/tags/v1.0.0", commit]);
    return P;
  };

  test.each(commits)("%s", async (defect, author, committer) => {
    const P = make(defect, "100644", ["a.go", "go.mod"], author, committer);
    expect(await downloaded(P, "v1.0.0")).toEqual(await downloadedByGo(P, "v1.0.0"));
  });

  test.each(trees)("%s", async (defect, mode, names) => {
    const P = make(defect, mode, names, AUTHOR, AUTHOR);
    expect(await downloaded(P, "v1.0.0")).toEqual(await downloadedByGo(P, "v1.0.0"));
  });
});

describe("a module in a sub-directory that its go-import tag names", () => {
  beforeAll(() => {
    makeRepository(join(server.directory, "r.git"), (r) => {
      const first = r.commit({
        LICENSE: "MIT\n",
        "sub/go.mod": `module ${HOST}/x\n\ngo 1.21\n`,
        "sub/x.go": "package x\n",
        "deep/sub/go.mod": `module ${HOST}/x/deep\n\ngo 1.21\n`,
      });
      for (const tag of ["v1.0.0", "sub/v1.1.0", "deep/sub/v0.1.0"]) r.tag(tag, first);
      const two = r.commit({ "sub/go.mod": `module ${HOST}/x/v2\n\ngo 1.21\n` }, { branch: "two", parents: [first] });
      r.tag("sub/v2.0.0", two);
      r.commit({ "sub/y.go": "package x\n" });
    });
    for (const path of ["x", "x/v2", "x/deep"]) server.page(path, `${HOST}/x git https://${HOST}/r.git sub`);
    for (const bad of ["/sub", "-sub"])
      server.page(`bad${bad.length}`, `${HOST}/bad${bad.length} git https://${HOST}/r.git ${bad}`);
    server.page("liar/x", `${HOST}/liar git https://${HOST}/r.git sub`);
    server.page("liar", `${HOST}/liar git https://${HOST}/r.git other`);
  });

  test.each(["x", "x/v2", "x/deep"])("the list of %s", async (path) => {
    const P = `${HOST}/${path}`;
    expect(await listed(P)).toEqual(await listedByGo(P));
  });

  test.each([
    ["x", "v1.1.0"],
    ["x", "main"],
    ["x/v2", "v2.0.0"],
    ["x/deep", "v0.1.0"],
  ])("%s@%s", async (path, query) => {
    const P = `${HOST}/${path}`;
    expect(await downloaded(P, query)).toEqual(await downloadedByGo(P, query));
  });

  test.each(["bad4", "liar/x"])("%s: a directory that is none, or that the root does not say", async (path) => {
    const P = `${HOST}/${path}`;
    expect(await said(`${P}/@v/list`)).toBeUndefined();
    expect((await go.run("list", "-m", "-versions", P)).status).toBe(1);
  });
});
