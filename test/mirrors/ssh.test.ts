// Mirrors by ssh, of repositories behind a real sshd: a deploy key that we make lets us in, the key of the host is pinned when it
// is first asked, and neither key nor host can be made to do anything else.
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { fingerprintOf, makeDeployKey } from "../../src/registry/forge/deploy-key.ts";
import { createMirror, demandMirror, updateMirror } from "../../src/registry/forge/mirrors.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { parseRemoteUrl } from "../../src/registry/forge/remote-url.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { MirrorRow } from "../../src/registry/rows.ts";
import { atEnd } from "../support/at-end.ts";
import { makeRepository, type Recipe } from "../support/git-fixture.ts";
import { ask, bearer } from "../support/http.ts";
import { looked as mirrorLooked, look as mirrorLooks } from "../support/mirror-looks.ts";
import { type Rest, restClient } from "../support/rest.ts";
import { MODULE_HOST, type TestServer, testServer } from "../support/server.ts";
import { hasSshd, type SshServer, sshServer } from "../support/ssh-server.ts";
import { temporary } from "../support/temporary.ts";

test("the key that we make is one that OpenSSH reads", () => {
  const file = join(temporary("key"), "key");
  const { publicKey, privateKey } = makeDeployKey("gokura:acme/lib");
  writeFileSync(file, privateKey, { mode: 0o600 });
  expect(execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim()).toBe(publicKey);
  writeFileSync(`${file}.pub`, publicKey);
  const shown = execFileSync("ssh-keygen", ["-l", "-f", `${file}.pub`], { encoding: "utf8" });
  expect(shown).toContain(` ${fingerprintOf(publicKey)} gokura:acme/lib (ED25519)`);
});

test.each([
  ["git@git.example.com:acme/lib.git", "ssh://git@git.example.com/acme/lib.git", "ssh://git.example.com"],
  ["git@git.example.com:/acme/lib.git/", "ssh://git@git.example.com/acme/lib.git", "ssh://git.example.com"],
  ["ssh://Git.Example.com:22/acme/lib", "ssh://git@git.example.com/acme/lib", "ssh://git.example.com"],
  ["ssh://ci@git.example.com:2222/~/lib", "ssh://ci@git.example.com:2222/~/lib", "ssh://git.example.com:2222"],
  ["ssh://git@[2001:db8::1]/lib", "ssh://git@[2001:db8::1]/lib", "ssh://[2001:db8::1]"],
])("%s is %s", (written, url, origin) => expect(parseRemoteUrl(written)).toMatchObject({ url, origin }));

test.each([
  ["an option for a host", "ssh://-oProxyCommand=touch%20x/lib"],
  ["an option for a user", "ssh://-oProxyCommand=x@git.example.com/lib"],
  ["an option for a user, as scp writes it", "-oProxyCommand=x@git.example.com:lib"],
  ["words of a shell", "git@git.example.com:lib;touch$IFS/tmp/x"],
  ["a quotation mark", "ssh://git@git.example.com/lib'x"],
  ["a password", "ssh://git:s3cret@git.example.com/lib"],
  ["no path", "ssh://git@git.example.com/"],
  ["a query", "ssh://git@git.example.com/lib?x=1"],
  ["git's own protocol", "git://git.example.com/lib"],
  ["a helper", "ext::sh -c touch% x"],
])("%s is refused", (_, written) => {
  expect(() => parseRemoteUrl(written)).toThrow(/must be|by ssh there is none/);
});

describe.skipIf(!hasSshd)("of a real sshd (apt-get install openssh-server)", () => {
  let remote: SshServer;
  let server: TestServer;
  let rest: Rest;
  let token: string;

  beforeAll(async () => {
    remote = await sshServer();
    server = await testServer({ environment: { GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8" } });
    token = await server.token("alice");
    rest = await restClient(server.url, token);
  });

  const change = (name: string, recipe: (r: Recipe) => void, options = {}): void =>
    void makeRepository(join(remote.directory, `${name}.git`), recipe, options);
  const mirrorOf = (name: string): Promise<MirrorRow> => demandMirror(server.registry, OPERATOR, `alice/${name}`);
  const looked = (name: string, after: number) => mirrorLooked(server.registry, `alice/${name}`, after);
  const look = (name: string) => mirrorLooks(server.registry, `alice/${name}`);
  async function follow(name: string, url = `${remote.url}/${name}.git`): Promise<MirrorRow> {
    await createProject(server.registry, OPERATOR, { fullPath: `alice/${name}` });
    await createMirror(server.registry, OPERATOR, `alice/${name}`, { url });
    return looked(name, 0);
  }
  const list = (name: string, expected: string): Promise<void> =>
    expect
      .poll(
        async () => {
          const path = `/api/v4/packages/go/${MODULE_HOST}/alice/${name}/@v/list`;
          return (await ask(server.url, path, { headers: bearer(token) })).text;
        },
        { timeout: 30_000, interval: 20 },
      )
      .toBe(expected);
  const tagged = (name: string, tag: string) => (r: Recipe) =>
    r.tag(tag, r.commit({ "go.mod": `module ${MODULE_HOST}/alice/${name}\n`, "t.txt": tag }));

  test("is let in by the deploy key that was made, when the repository there has it", async () => {
    change("lib", tagged("lib", "v1.0.0"));
    const outside = await follow("lib");
    const { publicKey } = outside.credential!;
    expect(outside.lastError).toContain(`does not let us in: give the repository there this deploy key: ${publicKey}`);
    expect(publicKey).toMatch(/^ssh-ed25519 \S+ gokura:alice\/lib$/);
    remote.letIn(publicKey!);
    expect(await look("lib")).toMatchObject({ lastError: null, failures: 0 });
    await list("lib", "v1.0.0\n");
    change("lib", tagged("lib", "v1.1.0"));
    expect((await look("lib")).lastError).toBeNull();
    await list("lib", "v1.0.0\nv1.1.0\n");
    const unchanged = await look("lib");
    expect(unchanged.changedAt!.getTime()).toBeLessThan(unchanged.lookedAt!.getTime());

    const shown = (await rest("GET", "/projects/alice%2Flib/mirror/pull")).json;
    const fingerprint = fingerprintOf(remote.hostKey());
    expect(shown).toMatchObject({
      ...{ url: `${remote.url}/lib.git`, auth_method: "ssh_public_key", public_key: publicKey },
      host_keys: [{ fingerprint_sha256: fingerprint }],
    });
    const private_ = /PRIVATE KEY/;
    const rows = await server.registry.database.pool.query("select c::text from credential c");
    expect(JSON.stringify([rows.rows, shown]) + server.logged.join("")).not.toMatch(private_);
    expect(readdirSync(join(server.registry.dataDirectory, "mirrors", "scratch"))).toEqual([]);
  });

  test("names its objects by SHA-256", async () => {
    change("hash", tagged("hash", "v1.0.0"), { sha256: true });
    remote.letIn((await follow("hash")).credential!.publicKey!);
    expect((await look("hash")).lastError).toBeNull();
    await list("hash", "v1.0.0\n");
    expect((await mirrorOf("hash")).project.objectFormat).toBe("SHA256");
  });

  test("has another host key: nothing is asked of it until the mirror forgets the one that was pinned", async () => {
    const pinned = (await mirrorOf("lib")).credential!;
    remote.letIn(pinned.publicKey!);
    change("lib", tagged("lib", "v1.2.0"));
    await remote.changeHostKey();
    expect((await look("lib")).lastError).toContain(
      `does not show the host key that was pinned (${fingerprintOf(pinned.hostKey!)})`,
    );
    await list("lib", "v1.0.0\nv1.1.0\n");
    const before = (await mirrorOf("lib")).lookedAt!.getTime();
    await updateMirror(server.registry, OPERATOR, "alice/lib", { forgetHostKey: true });
    expect((await looked("lib", before)).lastError).toBeNull();
    await list("lib", "v1.0.0\nv1.1.0\nv1.2.0\n");
    expect((await mirrorOf("lib")).credential).toMatchObject({
      hostKey: remote.hostKey(),
      publicKey: pinned.publicKey,
    });
  });

  test("has no such repository; or there is no ssh, and none in private networks", async () => {
    expect((await follow("absent")).lastError).toMatch(/does not let us in/);
    remote.letIn((await mirrorOf("absent")).credential!.publicKey!);
    expect((await look("absent")).lastError).toMatch(/has no such repository, or none that this deploy key may read/);
    const silent = net.createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, "127.0.0.1");
    atEnd(() => silent.close());
    await new Promise((done) => silent.once("listening", done));
    const { port } = silent.address() as AddressInfo;
    expect((await follow("web", `ssh://git@127.0.0.1:${port}/lib`)).lastError).toMatch(/cannot be connected to by ssh/);
    expect((await follow("inside", "ssh://git@10.1.2.3/lib")).lastError).toMatch(/10\.1\.2\.3.*GOKURA_ALLOW_PRIVATE/);
  });

  test("another key is made for another host, and where somebody wants one; a password is refused", async () => {
    const { credential: before } = await mirrorOf("lib");
    const { credential: next } = await updateMirror(server.registry, OPERATOR, "alice/lib", { credential: null });
    expect(next!.publicKey).toMatch(/^ssh-ed25519 /);
    expect(next!.publicKey).not.toBe(before!.publicKey);
    const url = "git@git.invalid:acme/lib.git";
    const { credential: other } = await updateMirror(server.registry, OPERATOR, "alice/lib", { url });
    expect(other).toMatchObject({ origin: "ssh://git.invalid", hostKey: null });
    expect(other!.publicKey).not.toBe(next!.publicKey);
    const refused = await rest("PUT", "/projects/alice%2Flib/mirror/pull", { url, auth_password: "x" });
    expect([refused.status, JSON.stringify(refused.json)]).toEqual([400, expect.stringContaining("deploy key")]);
    expect((await mirrorOf("lib")).credential!.publicKey).toBe(other!.publicKey);
  });
});
