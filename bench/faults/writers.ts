// Clients that push one version after the other, each to a project of its own, whatever happens to the server, and remember
// what they were told: a version was acknowledged, or it was not. Afterwards that is compared with what is there.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { ADMIN_TOKEN, MODULE_HOST } from "./server.ts";

const run = promisify(execFile);
const PUSH_TIMEOUT_MS = 90_000;
const SETTLE_MS = 30_000;

export interface Writer {
  readonly project: string;
  /** Versions whose push succeeded. */
  readonly acknowledged: string[];
  /** Versions whose push failed, or was never answered: they may be there or not, but not in part. */
  readonly refused: string[];
  /** What git said of the last one that failed. */
  reason?: string | undefined;
}

export interface Writing {
  readonly writers: readonly Writer[];
  /** Lets the pushes under way end. */
  stop(): Promise<void>;
}

/** So many clients begin to push. `bytes`: of random data in each version; `name`: what their projects are called. */
export async function beginWriting(
  directory: string,
  url: string,
  count: number,
  bytes: number,
  name = "lib",
): Promise<Writing> {
  let stopping = false;
  const writers: Writer[] = [];
  const working: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    const project = `root/${name}${n}`;
    const repository = join(directory, `writer${n}`);
    mkdirSync(repository, { recursive: true });
    const git = (...words: string[]) =>
      run("git", ["-C", repository, ...words], { env: environment(), timeout: PUSH_TIMEOUT_MS });
    await git("init", "--quiet", "--initial-branch=main");
    const writer: Writer = { project, acknowledged: [], refused: [] };
    writers.push(writer);
    const remote = `${url.replace("://", `://any:${ADMIN_TOKEN}@`)}/${project}.git`;
    const write = async (): Promise<void> => {
      for (let minor = 0; !stopping; minor++) {
        const version = `v1.${minor}.0`;
        writeFileSync(join(repository, "go.mod"), `module ${MODULE_HOST}/${project}\n`);
        writeFileSync(join(repository, "data.bin"), randomBytes(bytes));
        await git("add", ".");
        await git("commit", "--quiet", `--message=${version}`);
        await git("tag", version);
        await git("push", "--quiet", remote, "main", version).then(
          () => writer.acknowledged.push(version),
          (error: { readonly stderr?: string; readonly killed?: boolean }) => {
            writer.refused.push(version);
            writer.reason = error.killed ? `no answer in ${PUSH_TIMEOUT_MS} ms` : error.stderr?.trim();
          },
        );
        if (writer.refused.at(-1) === version) await delay(200);
      }
    };
    working.push(write());
  }
  return {
    writers,
    async stop() {
      stopping = true;
      await Promise.all(working);
    },
  };
}

function environment(): Record<string, string> {
  const who = { NAME: "f", EMAIL: "f@example.com" };
  const both = Object.entries(who).flatMap(([what, value]) => [
    [`GIT_AUTHOR_${what}`, value],
    [`GIT_COMMITTER_${what}`, value],
  ]);
  return {
    PATH: process.env.PATH ?? "",
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    ...Object.fromEntries(both),
  };
}

export interface Truth {
  readonly acknowledged: number;
  /** Acknowledged, and not there. */
  readonly lost: string[];
  /** In the list or among the refs, and not to be had whole. */
  readonly halfVisible: string[];
}

/** Compares what clients were told with what the server has, once it has had the time to come to all tags. */
export async function compare(url: string, writers: readonly Writer[]): Promise<Truth> {
  const lost: string[] = [];
  const halfVisible: string[] = [];
  for (const { project, acknowledged } of writers) {
    const base = `${url}/api/v4/projects/${encodeURIComponent(project)}/packages/go/${MODULE_HOST}/${project}/@v`;
    const get = (path: string) => fetch(`${base}/${path}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    const refs = await tagsOf(url, project);
    let listed: string[] = [];
    for (const end = Date.now() + SETTLE_MS; Date.now() < end; await delay(200)) {
      const answer = await get("list").catch(() => undefined);
      listed = answer?.status === 200 ? (await answer.text()).split("\n").filter(Boolean) : [];
      if (refs.every((tag) => listed.includes(tag))) break;
    }
    for (const version of acknowledged) if (!listed.includes(version)) lost.push(`${project} ${version}`);
    for (const tag of refs) if (!listed.includes(tag)) halfVisible.push(`${project} ${tag}: a tag, and no version`);
    for (const version of listed)
      for (const kind of ["info", "mod", "zip"]) {
        const answer = await get(`${version}.${kind}`);
        const length = (await answer.arrayBuffer()).byteLength;
        if (answer.status !== 200 || length === 0) halfVisible.push(`${project} ${version}.${kind}: ${answer.status}`);
      }
  }
  return { acknowledged: writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0), lost, halfVisible };
}

async function tagsOf(url: string, project: string): Promise<string[]> {
  const remote = `${url.replace("://", `://any:${ADMIN_TOKEN}@`)}/${project}.git`;
  const { stdout } = await run("git", ["ls-remote", "--tags", "--refs", remote], { env: environment() });
  return stdout.split("\n").flatMap((line) => /refs\/tags\/(.+)$/.exec(line)?.[1] ?? []);
}
