// A process that shares the port of a server (GOKURA_WORKERS): workers.ts starts this file. It has the settings of the first
// process, is told the rest by it, and is a server that only reads. It ends when it is told to, and when the first process is
// gone, whatever ended that.
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { Stopped, stopSignal } from "./cli/stop-signal.ts";
import type { Measured } from "./telemetry/metrics.ts";
import type { FromWorker, ToWorker, WorkerPlace } from "./workers.ts";

enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/gokura", import.meta.url))); // as bin/gokura.js does
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {}); // whoever reads us may go away

const ended = new AbortController();
const end = AbortSignal.any([stopSignal(), ended.signal]);
const sums = new Map<number, (text: string | undefined) => void>();
let own: () => Promise<Measured> = async () => [];
let questions = 0;

const say = (message: FromWorker): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
};

process.on("message", (message: ToWorker) => {
  if (message.kind === "begin") void work(message.number, message.place);
  else if (message.kind === "stop") ended.abort(new Stopped("SIGTERM"));
  else if (message.kind === "measure")
    own().then(
      (measured) => say({ kind: "measured", id: message.id, measured }),
      () => {}, // what was said last counts
    );
  else {
    sums.get(message.id)?.(message.text);
    sums.delete(message.id);
  }
});
process.on("disconnect", () => {
  if (end.aborted) process.exit(1); // the first process did not wait for us, so nobody does
  ended.abort(new Stopped("SIGTERM"));
});

async function work(number: number, { databaseUrl, ...place }: WorkerPlace): Promise<void> {
  const [{ readConfig }, { createLog }, { startApp }, { collectStartGarbage }] = await Promise.all([
    import("./config.ts"),
    import("./telemetry/log.ts"),
    import("./app.ts"),
    import("./cli/start-garbage.ts"),
  ]);
  const settings = readConfig();
  const log = createLog(settings.logLevel, undefined, { worker: number });
  const metrics = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const id = ++questions;
      const noSum = new Error("the first process could not add up what has been counted: see its log");
      sums.set(id, (text) => (text === undefined ? reject(noSum) : resolve(text)));
      say({ kind: "sum", id });
    });
  const measures = (read: typeof own): void => {
    own = read;
  };
  try {
    const app = await startApp({ ...settings, role: "read", workers: 0, databaseUrl, warnings: [] }, log, {
      stopSignal: end,
      other: { ...place, metrics, measures },
    });
    say({ kind: "up" });
    collectStartGarbage();
    if (!end.aborted) await new Promise((stopped) => end.addEventListener("abort", stopped));
    await app.stop();
    process.exit(0);
  } catch (error) {
    if (end.aborted) process.exit(0);
    log.error({ err: error }, "this worker cannot serve");
    process.exit(1);
  }
}
