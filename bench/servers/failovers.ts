// What clients see when the database fails over: by a synchronous standby, which has all that was acknowledged, in each way; and
// once by one that was left behind, so that acknowledged pushes are lost, where what is left must be of one piece.
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { ADMIN_TOKEN, MODULE_HOST } from "../faults/server.ts";
import { beginWriting, compare, type Writing } from "../faults/writers.ts";
import { WAYS, type Way } from "./failing-database.ts";
import type { Instance } from "./instance.ts";

const run = promisify(execFile);
const BACK_MS = 60_000;
const TARGET_MS = 10_000;
const LOST = 5;
/** A leader that goes on records again what its database lost. */
const RECORDED_AGAIN_MS = 10_000;
const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** Where figures and faults are told. */
export interface Told {
  tell(what: string, figure: string | number): void;
  fault(what: string): void;
}

const acknowledged = ({ writers }: Writing): number => writers.reduce((sum, one) => sum + one.acknowledged.length, 0);

async function until(check: () => Promise<boolean> | boolean): Promise<number> {
  const begun = performance.now();
  while (performance.now() - begun < BACK_MS) {
    if (await check()) return performance.now() - begun;
    await delay(10);
  }
  return Number.NaN;
}

/** Fails over so many times, each in another way, with a synchronous standby. */
export async function failOvers(
  instance: Instance,
  writing: Writing,
  times: number,
  { tell, fault }: Told,
): Promise<void> {
  const back = new Map<Way, number[]>();
  let leaders = 0;
  for (let n = 0; n < times; n++) {
    await instance.postgres.addStandby(true);
    await delay(1_000);
    const before = await instance.leader();
    const way = WAYS[n % WAYS.length]!;
    const begun = performance.now();
    await instance.postgres.failOver(way);
    const moved = performance.now();
    const written = acknowledged(writing);
    // One that was acknowledged may just not have been heard of.
    await until(() => acknowledged(writing) > written + 1);
    const took = performance.now() - moved;
    if ((await instance.leader().catch(() => undefined)) !== before) leaders++;
    if (took > TARGET_MS) fault(`the primary was ${way}: nobody wrote for ${Math.round(took)} ms`);
    back.set(way, [...(back.get(way) ?? []), took]);
    console.error(
      `failover ${n + 1}, the primary was ${way}: promoted after ${Math.round(moved - begun)} ms, written again ${Math.round(took)} ms later`,
    );
  }
  for (const [way, all] of back)
    tell(
      `the database failed over, its primary ${way}: writes again after`,
      `${all.map((ms) => Math.round(ms)).join(", ")} ms`,
    );
  tell("and another server led after a failover", `${leaders} of ${times}`);
}

interface Signed {
  /** By version. */
  readonly records: ReadonlyMap<string, string>;
  readonly size: number;
}

async function signedOf(url: string, project: string, versions: readonly string[]): Promise<Signed> {
  const base = `${url}/sumdb/gokura.faults/sumdb`;
  const records = new Map<string, string>();
  for (const version of versions) {
    const answer = await fetch(`${base}/lookup/${MODULE_HOST}/${project}@${version}`, { headers });
    records.set(version, answer.status === 200 ? (await answer.text()).split("\n\n")[0]! : `${answer.status}`);
  }
  const latest = await (await fetch(`${base}/latest`, { headers })).text();
  return { records, size: Number(latest.split("\n")[1]) };
}

/** Has the primary die with pushes that its standby never got; what is there afterwards is all or nothing, and can be pushed again. */
export async function loseTransactions(
  instance: Instance,
  directory: string,
  reader: string,
  { tell, fault }: Told,
): Promise<void> {
  mkdirSync(directory);
  await instance.postgres.addStandby(false);
  const writing = await beginWriting(directory, reader, 1, 10_000, "late");
  const writer = writing.writers[0]!;
  const { project, acknowledged: told } = writer;
  await until(() => told.length > 1);
  await instance.postgres.leaveBehind();
  const then = told.length;
  await until(() => told.length > then + LOST);
  await writing.stop();
  const before = await signedOf(reader, project, told);
  await instance.postgres.failOver("killed");
  const listPath = `/api/v4/projects/${encodeURIComponent(project)}/packages/go/${MODULE_HOST}/${project}/@v/list`;
  const listed = async (url: string): Promise<string[]> => {
    const answer = await fetch(url + listPath, { headers });
    return answer.status === 200 ? (await answer.text()).split("\n").filter(Boolean) : [];
  };
  const begun = performance.now();
  await until(async () => {
    const left = await listed(reader).catch(() => []);
    return left.length === told.length || (left.length > 0 && performance.now() - begun > RECORDED_AGAIN_MS);
  });
  const left = await listed(reader);
  tell(
    "acknowledged after an asynchronous standby was left behind, and there again after it took over",
    `${told.length - then}, ${left.length - then}`,
  );
  for (const [name, { url }] of instance.servers)
    if ((await listed(url)).join() !== left.join()) fault(`${name} serves what ${reader} does not`);
  const remote = `${reader.replace("://", `://any:${ADMIN_TOKEN}@`)}/${project}.git`;
  const repository = join(directory, "writer0");
  const again = await until(async () => {
    const done = run("git", ["-C", repository, "push", "--quiet", remote, "main", "--tags"], {
      env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent" },
    });
    return done.then(
      () => true,
      () => false,
    );
  });
  tell("and pushed again after", `${Math.round(again)} ms`);
  for (const [name, { url }] of instance.servers) {
    const truth = await compare(url, writing.writers);
    for (const what of [...truth.lost, ...truth.halfVisible]) fault(`${name}, after an asynchronous failover: ${what}`);
    const after = await signedOf(url, project, told);
    for (const [version, record] of before.records)
      if (after.records.get(version) !== record) fault(`${name} has another record of ${version}`);
    if (after.size < before.size) fault(`${name} signs a tree of ${after.size} after one of ${before.size}`);
  }
  tell("records of the checksum log that are others afterwards, of", `0, ${before.records.size}`);
}
