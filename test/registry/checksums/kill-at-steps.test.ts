// kill -9 between every two steps of an append: each statement and each file operation, before it, and after it was sent or
// done. Whatever was told is in the log at its place, every head that was shown is of the one line, and the next server goes on.
// An append of two batches has some steps twice: KILLS makes the second ones too.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findRecord, rootAt } from "../../../src/registry/checksums/log-records.ts";
import { parseSignerKey, parseVerifierKey } from "../../../src/sumdb/note.ts";
import { openGoHead } from "../../../src/sumdb/tree-head.ts";
import { atEnd } from "../../support/at-end.ts";
import { judge, SIGNER_KEY, testLog } from "./log.ts";

const PROGRAM = join(import.meta.dirname, "dying-process.ts");
const AT_ONCE = 3;

test("a server that dies at any step of an append has lost nothing that it told", async () => {
  const { registry, again } = await testLog();
  const { url } = registry.database;
  const directory = join(registry.dataDirectory, "blobs");
  const live = (step: number): Promise<{ signal: string | null; lines: string[] }> => {
    const words = [PROGRAM, url, directory, SIGNER_KEY, `step${step}`, String(step)];
    const { NODE_COMPILE_CACHE = "" } = process.env;
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...words], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { NODE_COMPILE_CACHE },
    });
    atEnd(() => child.kill("SIGKILL"));
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    return new Promise((resolve) =>
      child.once("close", (_, signal) => resolve({ signal, lines: said.split("\n").slice(0, -1) })),
    );
  };

  const whole = await live(0);
  const steps = whole.lines.filter((line) => line.startsWith("step "));
  for (const part of [
    "BEGIN",
    "SELECT size, root",
    "INSERT INTO sum_record",
    "INSERT INTO sum_tile",
    "UPDATE sum_tree",
    "COMMIT",
  ])
    expect(steps.join("\n")).toContain(part);
  const told = whole.lines.filter((line) => !line.startsWith("step "));
  expect(told).toHaveLength(259);
  const isWanted = (step: string, n: number): boolean => process.env.KILLS !== undefined || steps.indexOf(step) === n;
  const wanted = steps.flatMap((step, n) => (isWanted(step, n) ? [n + 1] : []));
  const waiting = wanted.values();
  let kills = 0;
  const lives = async (): Promise<void> => {
    for (const step of waiting) {
      const { signal, lines } = await live(step);
      if (signal === "SIGKILL") kills++;
      told.push(...lines);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lives));
  // Where a tile had just been full, the append was one batch, and had fewer steps.
  expect(kills).toBeGreaterThan(wanted.length * 0.8);

  const log = await again();
  expect(log.state.closed).toBeUndefined();
  const size = await judge(registry);
  for (const line of told) {
    const [id, name, note] = line.split(" ") as [string, string, string];
    expect([line, (await findRecord(registry, `example.com/${name}`, "v1.0.0"))?.id]).toEqual([line, Number(id)]);
    const head = openGoHead(Buffer.from(note, "base64"), [parseVerifierKey(parseSignerKey(SIGNER_KEY).verifierKey)]);
    expect(head.size).toBeLessThanOrEqual(size);
    expect([line, (await rootAt(log, head.size)).equals(head.root)]).toEqual([line, true]);
  }
}, 300_000);
