// kill -9 in the middle of appending, wherever it hits, with several servers at once: whatever anybody was told is in the log
// for ever, at its place, and every head that was shown is of the one line that is there at the end.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { rootAt } from "../../../src/registry/checksums/log-records.ts";
import { parseSignerKey, parseVerifierKey } from "../../../src/sumdb/note.ts";
import { openGoHead } from "../../../src/sumdb/tree-head.ts";
import { atEnd } from "../../support/at-end.ts";
import { judge, SIGNER_KEY, testLog } from "./log.ts";

const SERVERS = 4;
/** Each costs the start of a process; KILLS=50 makes two hundred of them in some minutes. */
const KILLS_EACH = Number(process.env.KILLS ?? 3);
/** So many records a process tells of at the most before it is killed, or a few more. */
const MOST_TOLD = 60;
const PROGRAM = join(import.meta.dirname, "appending-process.ts");

test(`${SERVERS * KILLS_EACH} kills lose nothing that was told and fork nothing`, async () => {
  const { registry, again } = await testLog();
  const { url } = registry.database;
  const directory = join(registry.dataDirectory, "blobs");
  const told = new Map<number, string>();
  const heads = new Map<string, Buffer>();
  let kills = 0;
  const hear = (line: string): void => {
    const [id, name, note] = line.split(" ") as [string, string, string];
    expect([id, told.get(Number(id)) ?? name]).toEqual([id, name]);
    told.set(Number(id), name);
    heads.set(note, Buffer.from(note, "base64"));
  };
  const { NODE_COMPILE_CACHE = "" } = process.env;
  const lives = async (server: number): Promise<void> => {
    for (let life = 0; life < KILLS_EACH; life++) {
      const words = [PROGRAM, url, directory, SIGNER_KEY, `s${server}-${life}`];
      const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...words], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { NODE_COMPILE_CACHE },
      });
      atEnd(() => child.kill("SIGKILL"));
      let said = "";
      // Some are killed as soon as they are ready, most after they have told of some records.
      const lines = 1 + (life === 0 ? 0 : Math.floor(Math.random() * MOST_TOLD));
      const heard = new Promise<void>((resolve) => {
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
          said += text;
          if (said.split("\n").length > lines) resolve();
        });
      });
      const ended = new Promise((resolve) => child.once("close", resolve));
      await Promise.race([heard, ended]);
      await delay(Math.random() * 50); // the moment is the subject
      child.kill("SIGKILL");
      await ended;
      kills++;
      const [first, ...told] = said.split("\n");
      expect(first).toBe("ready");
      for (const line of told.slice(0, -1)) hear(line);
    }
  };
  await Promise.all(Array.from({ length: SERVERS }, (_, server) => lives(server)));
  expect(kills).toBe(SERVERS * KILLS_EACH);

  const log = await again();
  expect(log.state.closed).toBeUndefined();
  const size = await judge(registry);
  expect(told.size).toBeGreaterThan(KILLS_EACH);
  const { rows } = await registry.database.pool.query<{ id: string; path: string }>("select id, path from sum_record");
  const paths = new Map(rows.map(({ id, path }) => [Number(id), path]));
  for (const [id, name] of told) expect([id, paths.get(id)]).toEqual([id, `example.com/${name}`]);
  for (const note of heads.values()) {
    const head = openGoHead(note, [parseVerifierKey(parseSignerKey(SIGNER_KEY).verifierKey)]);
    expect(head.size).toBeLessThanOrEqual(size);
    expect([head.size, (await rootAt(log, head.size)).equals(head.root)]).toEqual([head.size, true]);
  }
}, 600_000);
