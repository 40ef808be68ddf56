// A repository elsewhere that grows, and a project that is its mirror: another Gokura with a certificate of its own is where it
// is. What the remote has, the mirror has in the end, whatever happened to its server meanwhile.
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { ADMIN_TOKEN, type FaultyServer, MODULE_HOST, startServer } from "../faults/server.ts";

const run = promisify(execFile);
const EVERY_MS = 2_000;
const SETTLE_MS = 60_000;
const PROJECT = "root/followed";

export interface Remote {
  readonly server: FaultyServer;
  readonly url: string;
  /** Settings of those that are to follow it. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Starts the server that is followed. */
export async function startRemote(directory: string, port: number): Promise<Remote> {
  const data = join(directory, "remote");
  const server = await startServer(data, port, [], { GOKURA_TLS: "self-signed" });
  return {
    server,
    url: `https://any:${ADMIN_TOKEN}@127.0.0.1:${port}/${PROJECT}.git`,
    settings: {
      GOKURA_UPSTREAM_CA_FILE: join(data, "tls", "cert.pem"),
      GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
    },
  };
}

export interface Following {
  /** Lets the remote grow no more, and tells which of its tags the mirror has not. */
  settle(): Promise<{ readonly tags: number; readonly missing: string[] }>;
}

/** Begins to let the remote grow, with a mirror of it at an instance that `url` reaches. */
export async function beginFollowing(directory: string, remote: Remote, url: string): Promise<Following> {
  const repository = join(directory, "followed");
  mkdirSync(repository, { recursive: true });
  const git = (...words: string[]) =>
    run("git", ["-C", repository, "-c", "http.sslVerify=false", "-c", "user.name=f", "-c", "user.email=f@x", ...words]);
  await git("init", "--quiet", "--initial-branch=main");
  const tags: string[] = [];
  let stopping = false;
  const grow = async (): Promise<void> => {
    const tag = `v1.${tags.length}.0`;
    writeFileSync(join(repository, "go.mod"), `module ${MODULE_HOST}/root/mirrored\n`);
    writeFileSync(join(repository, "a.go"), `package a // ${tag}\n`);
    await git("add", ".");
    await git("commit", "--quiet", `--message=${tag}`);
    await git("tag", tag);
    await git("push", "--quiet", remote.url, "main", tag);
    tags.push(tag);
  };
  const ask = (path: string, body: object): Promise<Response> =>
    fetch(`${url}/api/v4/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  await grow();
  const made = await ask("projects", { name: "mirrored", path: "mirrored", import_url: remote.url, mirror: true });
  if (made.status !== 201) throw new Error(`the mirror was not made: ${await made.text()}`);
  const growing = (async () => {
    while (!stopping) {
      await delay(EVERY_MS);
      await grow();
      await ask("projects/root%2Fmirrored/mirror/pull", {}).catch(() => {}); // 503 while nobody leads
    }
  })();
  const missing = async (): Promise<string[]> => {
    const place = `${url.replace("://", `://any:${ADMIN_TOKEN}@`)}/root/mirrored.git`;
    const { stdout } = await run("git", ["ls-remote", "--tags", "--refs", place]).catch(() => ({ stdout: "" }));
    const there = new Set(stdout.split("\n").map((line) => line.split("refs/tags/")[1]));
    return tags.filter((tag) => !there.has(tag));
  };
  return {
    async settle() {
      stopping = true;
      await growing;
      let left = await missing();
      for (const end = Date.now() + SETTLE_MS; left.length > 0 && Date.now() < end; left = await missing()) {
        await ask("projects/root%2Fmirrored/mirror/pull", {}).catch(() => {});
        await delay(1_000);
      }
      return { tags: tags.length, missing: left };
    },
  };
}
