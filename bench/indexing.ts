// What it costs to make versions of tags, on the embedded PostgreSQL as it is by default. Two repositories: one with many
// tags, each on a commit of its own with a go.mod of its own; one with dozens of modules in sub-directories. Measured are
// the first import, tags per second against the floor (the same refs listed and the same objects read by a bare git, which
// writes nothing down), the memory of the process, and one more tag on top, from the moment git has it.
//
// The import is the whole of it: refs recorded, every version published with its requirements, zips left to their job.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readConfig } from "../src/config.ts";
import { recordPush } from "../src/git/hosting/recorded-push.ts";
import { ensureRepository, repositoryDirectory } from "../src/git/hosting/repositories-of-projects.ts";
import { openTagIndexer, type TagIndexer } from "../src/git/indexing/tag-indexer.ts";
import { initRepository } from "../src/git/objects/init-repository.ts";
import { Repositories } from "../src/git/objects/repositories.ts";
import { gitEnvironment } from "../src/git/process/git-environment.ts";
import { runGit } from "../src/git/process/git-process.ts";
import { openRegistry } from "../src/open-registry.ts";
import { createProject } from "../src/registry/forge/projects.ts";
import { nobodysPush } from "../src/registry/forge/recorded-refs.ts";
import { createUser } from "../src/registry/forge/users.ts";
import { OPERATOR } from "../src/registry/principal.ts";
import type { Registry } from "../src/registry/registry.ts";
import { createLog } from "../src/telemetry/log.ts";
import { postmasterOf, processorSeconds, processorSecondsOfAll } from "./process-tree.ts";

const { values } = parseArgs({
  options: {
    tags: { type: "string", default: "10000" },
    "module-tags": { type: "string", default: "2000" },
    modules: { type: "string", default: "50" },
    pushes: { type: "string", default: "3" },
    "only-pushes": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    grow: { type: "string" }, // of ourselves, see grow()
  },
});
if (values.help) {
  console.log(`usage: node bench/indexing.ts [--tags 10000] [--module-tags 2000] [--modules 50] [--pushes 3] [--only-pushes]
  --tags N         tags of the first repository, one module
  --module-tags N  tags of the second repository, all together
  --modules N      modules in sub-directories of the second repository
  --pushes N       how often a push of all tags of the first repository is measured, beside bare git
  --only-pushes    nothing else is measured`);
  process.exit(0);
}

/** How often one more tag is pushed on top. */
const MORE_TAGS = 7;
const SAMPLE_MS = 20;

/** A repository that grows by tags: `count` of them, over this many modules (0: one, in the root). */
interface Series {
  readonly name: string;
  readonly count: number;
  readonly modules: number;
}

/** The n-th tag of a series and the file that its commit changes. */
function tagOf({ modules }: Series, n: number): { tag: string; directory: string } {
  if (modules === 0) return { tag: `v1.${Math.floor(n / 100)}.${n % 100}`, directory: "" };
  const directory = `m${n % modules}/`;
  return { tag: `${directory}v1.${Math.floor(n / modules)}.0`, directory };
}

interface Growth {
  readonly directory: string;
  readonly fullPath: string;
  readonly series: Series;
  readonly from: number;
  readonly to: number;
}

/** Commits and tags number `from` to `to`, on top of what is there; in a process of its own, because memory is measured. */
async function grow(growth: Growth): Promise<void> {
  const child = fork(import.meta.filename, ["--grow", JSON.stringify(growth)]);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error("the repository could not be made");
}

async function growHere({ directory, fullPath, series, from, to }: Growth): Promise<void> {
  const git = spawn("git", [`--git-dir=${directory}`, "fast-import", "--quiet"], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const ended = once(git, "close");
  for (let n = from; n < to; n++) {
    const { tag, directory: place } = tagOf(series, n);
    const file = `module ${`gokura.test/${fullPath}/${place}`.replace(/\/$/, "")}\n\ngo 1.21\n\nrequire (\n\texample.com/a v1.${n}.0\n\texample.com/b v0.0.${n} // indirect\n)\n`;
    const text =
      `commit refs/heads/main\nmark :${n + 1}\ncommitter C <c@example.com> ${1_704_067_200 + n * 60} +0000\ndata 1\nx\n` +
      (n === from && from > 0 ? "from refs/heads/main^0\n" : "") +
      `M 100644 inline ${place}go.mod\ndata ${file.length}\n${file}\nM 100644 inline ${place}a.go\ndata 10\npackage a\n\n` +
      `reset refs/tags/${tag}\nfrom :${n + 1}\n\n`;
    if (!git.stdin.write(text)) await once(git.stdin, "drain");
  }
  git.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}

/** The floor: refs listed, and of each tag the commit and its go.mod read, by git alone. Seconds. */
async function bareGit(directory: string): Promise<number> {
  const start = performance.now();
  const script = `git for-each-ref --format='%(objectname) %(refname:lstrip=2)' refs/tags |
    awk '{ place = $2; sub(/[^\\/]*$/, "", place); print $1; print $1 ":" place "go.mod" }' | git cat-file --batch >/dev/null`;
  const shell = spawn("sh", ["-c", script], { stdio: "inherit", env: { ...process.env, GIT_DIR: directory } });
  const [code] = await once(shell, "close");
  if (code !== 0) throw new Error("the bare git failed");
  return (performance.now() - start) / 1000;
}

/** Runs something and tells its seconds, processor seconds of this process, and the most memory that it was seen with. */
async function measured(work: () => Promise<void>): Promise<{ seconds: number; cpu: number; peak: number }> {
  let peak = process.memoryUsage.rss();
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, SAMPLE_MS);
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(sampler);
  return { seconds, cpu: (user + system) / 1e6, peak: Math.max(peak, process.memoryUsage.rss()) };
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_000_000)} MB`;

async function bench(registry: Registry, repositories: Repositories, indexer: TagIndexer, series: Series) {
  const progress = (text: string): void => console.error(`${series.name}: ${text}`);
  const fullPath = `bench/${series.name}`;
  const project = await createProject(registry, OPERATOR, { fullPath });
  const { id } = project;
  await ensureRepository(registry, project);
  const directory = repositoryDirectory(registry, id);
  progress(`making ${series.count} tags`);
  await grow({ directory, fullPath, series, from: 0, to: series.count });

  progress("bare git");
  const floors = [];
  for (let n = 0; n < 3; n++) floors.push(await bareGit(directory));
  const floor = floors.sort((a, b) => a - b)[1]!;

  progress("importing");
  const ticker = setInterval(async () => {
    const done = await registry.prisma.moduleVersion.count({ where: { module: { projectId: id } } });
    progress(`${done} versions`);
  }, 5_000);
  const rest = process.memoryUsage.rss();
  const index = async (touched?: ReadonlySet<string>): Promise<void> => {
    await recordPush(registry, repositories, { ...nobodysPush(id), touched: () => touched });
    await indexer.index(id);
  };
  const first = await measured(() => index());
  clearInterval(ticker);
  const published = (): Promise<number> =>
    registry.prisma.moduleVersion.count({ where: { module: { projectId: id } } });
  if ((await published()) !== series.count) throw new Error(`${await published()} versions of ${series.count} tags`);

  progress("one more tag");
  const more = [];
  for (let n = 0; n < MORE_TAGS; n++) {
    await grow({ directory, fullPath, series, from: series.count + n, to: series.count + n + 1 });
    const touched = new Set(["refs/heads/main", `refs/tags/${tagOf(series, series.count + n).tag}`]);
    more.push((await measured(() => index(touched))).seconds * 1000);
  }
  if ((await published()) !== series.count + MORE_TAGS) throw new Error("one more tag is no version");
  more.sort((a, b) => a - b);
  const rate = (seconds: number): string => `${Math.round(series.count / seconds)} tags/s`;
  console.log(
    [
      `${series.name}: ${series.count} tags, ${Math.max(series.modules, 1)} module(s)`,
      `  first import   ${first.seconds.toFixed(2)} s   ${rate(first.seconds)}   ${first.cpu.toFixed(1)} s CPU of this process`,
      `  floor, git     ${floor.toFixed(2)} s   ${rate(floor)}   (for-each-ref + cat-file --batch, same refs and objects)`,
      `  memory         ${megabytes(rest)} before, ${megabytes(first.peak)} at most`,
      `  one more tag   ${more[MORE_TAGS >> 1]!.toFixed(0)} ms median, ${more.at(-1)!.toFixed(0)} ms at most, of ${MORE_TAGS}`,
    ].join("\n"),
  );
}

/** Pushes everything of a repository into another on this machine; the seconds that it took. */
async function push(from: string, to: string, receivePack = "git-receive-pack"): Promise<number> {
  const start = performance.now();
  const args = [`--git-dir=${from}`, "push", "--quiet", `--receive-pack=${receivePack}`, to, "refs/*:refs/*"];
  const child = spawn("git", args, { stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`git push ended with ${code}`);
  return (performance.now() - start) / 1000;
}

/**
 * A push of many tags, from the moment git begins until its tags are versions, beside the same push into a bare repository
 * that is as durable. Both on this machine: over HTTP the client itself takes longer than either (docs/publishing.md).
 */
async function benchPush(
  registry: Registry,
  repositories: Repositories,
  indexer: TagIndexer,
  count: number,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "gokura-bench-push-"));
  const source = join(directory, "source");
  const series: Series = { name: "pushed", count, modules: 0 };
  const fullPath = `bench/${series.name}`;
  await initRepository(source);
  await grow({ directory: source, fullPath, series, from: 0, to: count });
  const receive = join(directory, "receive-pack");
  const settings = Object.entries(gitEnvironment()).map(([name, value]) => `export ${name}='${value}'\n`);
  writeFileSync(receive, `#!/bin/sh\n${settings.join("")}exec git receive-pack "$@"\n`, { mode: 0o755 });
  const ratios: number[] = [];
  const ours: number[] = [];
  const bare: number[] = [];
  const pushes = Number(values.pushes);
  const phases: { name: string; seconds: number; node: number; git: number; postgres: number }[] = [];
  const postmaster = postmasterOf(registry.dataDirectory);
  const phase = async (name: string, work: () => Promise<unknown>, of = source): Promise<void> => {
    const cpu = (): number[] => {
      const { own, ended } = processorSeconds(process.pid);
      return [own, ended, processorSecondsOfAll(postmaster)];
    };
    const [before, start] = [cpu(), performance.now()];
    await work();
    const seconds = (performance.now() - start) / 1000;
    await repositories.forget(of); // the time of a process counts once it has ended
    const [node, git, postgres] = cpu().map((after, n) => after - before[n]!) as [number, number, number];
    phases.push({ name, seconds, node, git, postgres });
  };
  for (let n = 0; n < pushes; n++) {
    console.error(`push ${n + 1} of ${pushes}`);
    const reference = join(directory, `bare-${n}`);
    await initRepository(reference);
    for (const setting of ["core.fsync=all", "core.fsyncMethod=batch", "receive.unpackLimit=1"])
      await runGit(undefined, ["-C", reference, "config", ...setting.split("=")]);
    await phase("bare git", () => push(source, reference));
    bare.push(phases.at(-1)!.seconds);
    const project = await createProject(registry, OPERATOR, { fullPath: `${fullPath}${n}` });
    await ensureRepository(registry, project);
    const target = repositoryDirectory(registry, project.id);
    await phase("git", () => push(source, target, receive), target);
    await phase("recorded", () => recordPush(registry, repositories, nobodysPush(project.id)), target);
    await phase("versions", () => indexer.index(project.id), target);
    ours.push(phases.slice(-3).reduce((sum, { seconds }) => sum + seconds, 0));
    ratios.push(ours.at(-1)! / bare.at(-1)!);
  }
  rmSync(directory, { recursive: true, force: true });
  const median = (of: readonly number[]): string => of.toSorted((a, b) => a - b)[of.length >> 1]!.toFixed(2);
  console.log(
    [
      `a push of ${count} tags, ${pushes} times`,
      `  until they are versions   ${median(ours)} s`,
      `  bare git, the same fsync  ${median(bare)} s`,
      `  ratio                     ${median(ratios)}   (${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`,
      ...[...Map.groupBy(phases, ({ name }) => name)].map(([name, all]) => {
        const part = (of: "seconds" | "node" | "git" | "postgres"): string => median(all.map((each) => each[of]));
        return `  ${name.padEnd(25)} ${part("seconds")} s   CPU: this process ${part("node")}, git ${part("git")}, PostgreSQL ${part("postgres")}`;
      }),
    ].join("\n"),
  );
}

async function run(): Promise<void> {
  const dataDirectory = mkdtempSync(join(tmpdir(), "gokura-bench-"));
  chmodSync(dataDirectory, 0o755); // PostgreSQL does not run as root
  const config = readConfig({ GOKURA_DATA_DIR: dataDirectory, GOKURA_MODULE_HOST: "gokura.test" });
  console.error("starting PostgreSQL");
  const opened = await openRegistry(config, createLog("warn"), "sender");
  const repositories = new Repositories();
  try {
    await createUser(opened.registry, OPERATOR, { username: "bench" });
    const indexer = openTagIndexer(opened.registry, repositories);
    const { tags, modules, "module-tags": moduleTags } = values;
    const one = { name: "one-module", count: Number(tags), modules: 0 };
    const many = { name: "many-modules", count: Number(moduleTags), modules: Number(modules) };
    await benchPush(opened.registry, repositories, indexer, Number(tags));
    for (const series of values["only-pushes"] ? [] : [one, many])
      await bench(opened.registry, repositories, indexer, series);
  } finally {
    await repositories.close();
    await opened.close();
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

await (values.grow === undefined ? run() : growHere(JSON.parse(values.grow) as Growth));
