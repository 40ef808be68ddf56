// Repositories whose directory was tampered with, by a hand or a restored backup, and pushes that try to bring such things:
// no program of a repository's runs, no setting of it counts, and nothing is read outside of it.
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { repositoryDirectory } from "../../src/git/hosting/repositories-of-projects.ts";
import { checkRepository } from "../../src/git/process/repository-guard.ts";
import { findProject } from "../../src/registry/forge/projects.ts";
import { eventually } from "../support/eventually.ts";
import { git as localGit, makeRepository, type Recipe } from "../support/git-fixture.ts";
import { ask, bearer } from "../support/http.ts";
import { git, type PushedRepository, pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

let server: TestServer;
let token: string;
/** A program that leaves a trace when it runs. */
let trap: string;
let sprung: string;

beforeAll(async () => {
  server = await testServer();
  token = await server.token("mallory");
  const directory = temporary("trap");
  sprung = join(directory, "sprung");
  trap = join(directory, "trap.sh");
  writeFileSync(trap, `#!/bin/sh\ntouch '${sprung}'\ncat\n`);
  chmodSync(trap, 0o755);
});

interface Victim extends PushedRepository {
  readonly fullPath: string;
  readonly remote: string;
  /** Where the server keeps it. */
  readonly kept: string;
  /** The answer of the project's Go endpoint. */
  go(path: string): ReturnType<typeof ask>;
}

const FILES = {
  ".gitattributes": "* filter=evil diff=evil merge=evil\n",
  "a.txt": "a\n",
};

/** A pushed project with version v1.0.0. */
async function victim(name: string, recipe: (r: Recipe) => void = () => {}): Promise<Victim> {
  const fullPath = `mallory/${name}`;
  const remote = remoteOf(server.url, fullPath, token);
  const pushed = await pushRecipe(remote, (r) => {
    r.tag("v1.0.0", r.commit({ ...FILES, "go.mod": `module gokura.test/${fullPath}\n` }));
    recipe(r);
  });
  const project = await findProject(server.registry, fullPath);
  const endpoint = `/api/v4/projects/${encodeURIComponent(fullPath)}/packages/go/gokura.test/${fullPath}`;
  return {
    ...pushed,
    fullPath,
    remote,
    kept: repositoryDirectory(server.registry, project!.id),
    go: (path) => ask(server.url, `${endpoint}/${path}`, { headers: bearer(token) }),
  };
}

const SETTINGS: Record<string, string> = {
  "a filter": '[filter "evil"]\n\tsmudge = TRAP\n\tclean = TRAP\n\trequired = true',
  "a filter process": '[filter "evil"]\n\tprocess = TRAP',
  textconv: '[diff "evil"]\n\ttextconv = TRAP\n\tcommand = TRAP',
  "core.fsmonitor": "[core]\n\tfsmonitor = TRAP",
  "core.hooksPath": "[core]\n\thooksPath = /tmp",
  "core.worktree": "[core]\n\tworktree = /",
  "core.gitProxy": "[core]\n\tgitProxy = TRAP",
  "core.alternateRefsCommand": "[core]\n\talternateRefsCommand = TRAP",
  "uploadpack.packObjectsHook": "[uploadpack]\n\tpackObjectsHook = TRAP",
  "gc.recentObjectsHook": "[gc]\n\trecentObjectsHook = TRAP",
  "a promisor remote":
    '[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\tpromisor = true\n\turl = "ext::TRAP"',
  "an included file": "[include]\n\tpath = /etc/gitconfig",
  "an included file, on a condition": '[includeIf "gitdir:/"]\n\tpath = /etc/gitconfig',
  "hidden refs": "[transfer]\n\thideRefs = !refs/gokura",
  "an alias": "[alias]\n\tarchive = !TRAP",
  "a setting in the line of its section": "[core] fsmonitor = TRAP",
  "a line that goes on": "[core]\n\tbare = true\\\nx",
  "a quoted value": '[core]\n\tbare = "true"',
};

describe("settings", () => {
  test.each(Object.entries(SETTINGS))("%s is found", (_, text) => {
    const directory = join(temporary("settings"), "r.git");
    localGit(["init", "--quiet", "--bare", "--template=", directory]);
    expect(() => checkRepository(directory)).not.toThrow();
    appendFileSync(join(directory, "config"), `${text.replaceAll("TRAP", trap)}\n`);
    expect(() => checkRepository(directory)).toThrow("waits for the server's administrator");
  });

  test("what git init writes is good, for both object formats", () => {
    for (const format of ["sha1", "sha256"]) {
      const directory = join(temporary("formats"), "r.git");
      localGit(["init", "--quiet", "--bare", `--object-format=${format}`, directory]);
      rmSync(join(directory, "info"), { recursive: true, force: true });
      expect(() => checkRepository(directory)).not.toThrow();
    }
  });

  test("every door refuses the repository, without a word about the server's directories, until they are taken away", async () => {
    const it = await victim("settings");
    // The zip that is made by itself after a push: no git of the server's is under way when the settings come.
    expect((await it.go("@v/v1.0.0.zip")).status).toBe(200);
    const config = join(it.kept, "config");
    const before = readFileSync(config, "utf8");
    appendFileSync(config, `[filter "evil"]\n\tsmudge = ${trap}\n\trequired = true\n`);

    const fetched = await tryGit(["clone", "--quiet", "--bare", it.remote, join(temporary("clone"), "c")]);
    expect(fetched.status).not.toBe(0);
    it.change((r) => r.tag("v1.1.0", r.commit({ "b.txt": "b\n" })));
    await expect(it.push()).rejects.toThrow("503");
    const info = await it.go("@v/main.info");
    expect([info.status, info.text]).toEqual([503, expect.stringContaining("administrator")]);
    for (const answer of [fetched.output, info.text]) expect(answer).not.toContain(server.dataDirectory);
    expect(server.logged.join("\n")).toContain(`${it.kept} has the setting [filter`);
    // What was published before is still there.
    expect((await it.go("@v/v1.0.0.mod")).status).toBe(200);

    writeFileSync(config, before);
    await it.push();
    expect((await it.go("@v/v1.1.0.zip")).status).toBe(200);
    expect(existsSync(sprung)).toBe(false);
  });
});

describe("files beside the objects", () => {
  test("hooks do not run", async () => {
    const it = await victim("hooks");
    mkdirSync(join(it.kept, "hooks"), { recursive: true });
    for (const hook of [
      "pre-receive",
      "update",
      "post-receive",
      "post-update",
      "reference-transaction",
      "proc-receive",
    ])
      writeFileSync(join(it.kept, "hooks", hook), readFileSync(trap), { mode: 0o755 });
    it.change((r) => r.tag("v1.1.0", r.commit({ "b.txt": "b\n" })));
    await it.push();
    expect((await it.go("@v/v1.1.0.info")).status).toBe(200);
    expect(existsSync(sprung)).toBe(false);
  });

  test("replacements and grafts do not count", async () => {
    const it = await victim("replaced", (r) => {
      const other = r.commit(
        { "go.mod": "module example.com/other\n", "secret.txt": "s" },
        { branch: "b", parents: [] },
      );
      r.tag("other", other);
    });
    const old = localGit([`--git-dir=${it.kept}`, "rev-parse", "v1.0.0"]).trim();
    const other = localGit([`--git-dir=${it.kept}`, "rev-parse", "other"]).trim();
    localGit([`--git-dir=${it.kept}`, "update-ref", `refs/replace/${old}`, other]);
    writeFileSync(join(it.kept, "info", "grafts"), `${other} ${old}\n`);
    it.change((r) => r.tag("v1.1.0", r.commit({ "b.txt": "b\n" })));
    await it.push();
    expect((await it.go("@v/v1.0.0.mod")).text).toBe(`module gokura.test/${it.fullPath}\n`);
    // A commit of which v1.0.0 is no ancestor, grafts aside.
    const info = await it.go(`@v/${other.slice(0, 12)}.info`);
    expect(JSON.parse(info.text).Version).toMatch(/^v0\.0\.0-/);
  });

  test.each([
    ["objects/info/alternates", (elsewhere: string) => `${elsewhere}/objects\n`],
    ["objects/info/http-alternates", () => "/other.git/objects\n"],
    ["commondir", (elsewhere: string) => `${elsewhere}\n`],
    ["config.worktree", () => '[filter "evil"]\n\tsmudge = touch\n'],
    ["info/attributes", () => "* filter=evil eol=crlf\n"],
  ])("%s makes the repository wait", async (file, content) => {
    const elsewhere = join(temporary("elsewhere"), "secret.git");
    const secret = makeRepository(elsewhere, (r) => r.commit({ "go.mod": "module secret\n" }));
    const it = await victim(`with-${file.replaceAll("/", "-")}`);
    const path = join(it.kept, file);
    mkdirSync(join(path, ".."), { recursive: true });
    const before = existsSync(path) ? readFileSync(path) : undefined;
    writeFileSync(path, content(elsewhere));
    // A branch that names the object outside: whoever reads it there, serves it.
    mkdirSync(join(it.kept, "refs", "heads"), { recursive: true });
    writeFileSync(join(it.kept, "refs", "heads", "stolen"), `${secret.oid}\n`);
    for (const name of ["stolen", secret.oid]) {
      const info = await it.go(`@v/${name}.info`);
      expect([name, info.status]).toEqual([name, 503]);
    }
    if (before) writeFileSync(path, before);
    else rmSync(path);
    // The reader of objects that served v1.0.0 may live on; it must not know what is outside either.
    const info = await it.go(`@v/${secret.oid}.info`);
    expect(info.status).toBe(404);
  });
});

describe("pushes", () => {
  test("objects of another project are not to be had by naming them", async () => {
    const owner = await victim("owner", (r) => r.commit({ "secret.txt": "the secret\n" }));
    const secret = localGit([`--git-dir=${owner.kept}`, "rev-parse", "main"]).trim();
    const thief = await victim("thief");
    // A pack without the objects that its tag needs: a ref to them, and a commit on top of them.
    localGit([`--git-dir=${thief.directory}`, "fetch", "--quiet", owner.directory, "main:refs/heads/stolen"]);
    const tree = localGit([`--git-dir=${thief.directory}`, "rev-parse", `${secret}^{tree}`]).trim();
    const own = localGit([`--git-dir=${thief.directory}`, "commit-tree", "-m", "x", tree]).trim();
    const body = (oid: string, pack: Buffer): Buffer => {
      const line = `${"0".repeat(40)} ${oid} refs/tags/v6.6.6\0report-status`;
      return Buffer.concat([Buffer.from(`${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`), pack]);
    };
    const { spawnSync } = await import("node:child_process");
    const packOf = (...oids: string[]): Buffer =>
      spawnSync("git", [`--git-dir=${thief.directory}`, "pack-objects", "--stdout", "-q"], {
        input: oids.map((oid) => `${oid}\n`).join(""),
      }).stdout;
    for (const [oid, pack] of [
      [secret, packOf()],
      [own, packOf(own)],
    ] as const) {
      const answer = await ask(server.url, `/${thief.fullPath}.git/git-receive-pack`, {
        method: "POST",
        headers: { ...bearer(token), "content-type": "application/x-git-receive-pack-request" },
        body: body(oid, pack),
      });
      expect(answer.text).toMatch(/ng refs\/tags\/v6\.6\.6|unpack (?!ok)/);
    }
    const refs = await git(["ls-remote", thief.remote]);
    expect(refs).not.toContain("v6.6.6");
  });

  test("a server that restarts on a repository that waits starts all the same", async () => {
    const it = await victim("waiting");
    const { recordOpenPushes } = await import("../../src/git/hosting/recorded-push.ts");
    const { Repositories } = await import("../../src/git/objects/repositories.ts");
    const project = await findProject(server.registry, it.fullPath);
    await server.registry.prisma.project.update({ where: { id: project!.id }, data: { pushStartedAt: new Date() } });
    writeFileSync(join(it.kept, "commondir"), "/\n");
    const repositories = new Repositories();
    await recordOpenPushes(server.registry, repositories, Date.now());
    await repositories.close();
    const said = await eventually(
      async () => server.logged.filter((line) => line.includes("cannot be recorded")),
      (lines) => lines.length > 0,
    );
    expect(said.join("\n")).toContain("commondir");
  });
});
