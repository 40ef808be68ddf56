// The processes that share the port of a server (GOKURA_WORKERS), as the first one has them: it starts them, starts again
// what has ended, adds up what they count, and ends them with itself. Each is a server that only reads (GOKURA_ROLE=read) on
// the same data directory and database: what it cannot do the first process does. They talk over the channel that Node opens
// to a child process; when it breaks, the first process is gone, and the others end.
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FirstProcess } from "./http/shared-port.ts";
import type { Log } from "./telemetry/log.ts";
import type { Measured } from "./telemetry/metrics.ts";
import { sumAsText, sumOfEnded } from "./telemetry/summed-metrics.ts";

const PROGRAM = fileURLToPath(new URL("./worker.ts", import.meta.url));
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** One that was up for so long did not end because it cannot start. */
const LIVED_MS = 60_000;
/** How long one that is busy may take to say what it counts; after that the last that it said counts. */
const MEASURE_MS = 1_000;
/** How long one may take to end: it lets requests under way finish for 20 s (http/server.ts). */
const END_MS = 30_000;

/** What a worker must know that the settings do not say. */
export interface WorkerPlace {
  readonly port: number;
  readonly databaseUrl: string;
  readonly first: FirstProcess;
}

/** What the first process says to a worker. Ids are of questions, of the side that asks. */
export type ToWorker =
  | { readonly kind: "begin"; readonly number: number; readonly place: WorkerPlace }
  | { readonly kind: "stop" }
  | { readonly kind: "measure"; readonly id: number }
  | { readonly kind: "summed"; readonly id: number; readonly text: string | undefined };

/** What a worker says to the first process. */
export type FromWorker =
  | { readonly kind: "up" }
  | { readonly kind: "measured"; readonly id: number; readonly measured: Measured }
  | { readonly kind: "sum"; readonly id: number };

export interface Workers {
  /** What all processes have counted, the first among them, as text for Prometheus. */
  metrics(): Promise<string>;
  /** Has them finish what is under way; resolves when none is left. */
  stop(): Promise<void>;
}

export interface WorkersParts {
  readonly count: number;
  readonly place: WorkerPlace;
  readonly log: Log;
  /** What the first process has counted. */
  readonly own: () => Promise<Measured>;
}

/** Starts them. They begin to answer when they can; until then those who are up do. */
export function startWorkers({ count, place, log, own }: WorkersParts): Workers {
  let ended: Promise<Measured> = Promise.resolve([]);
  const metrics = async (): Promise<string> => {
    const measured = await Promise.all([own(), ...workers.map((worker) => worker.measure())]);
    return sumAsText([...measured, await ended]);
  };
  const workers = Array.from({ length: count }, (_, index) =>
    keepWorker({
      ...{ number: index + 1, place, log, metrics },
      leaves(measured) {
        ended = ended.then((before) => sumOfEnded([before, measured]));
      },
    }),
  );
  return {
    metrics,
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

interface WorkerParts {
  readonly number: number;
  readonly place: WorkerPlace;
  readonly log: Log;
  readonly metrics: () => Promise<string>;
  /** Is told the last counts of one that has ended. */
  readonly leaves: (measured: Measured) => void;
}

interface Worker {
  measure(): Promise<Measured>;
  stop(): Promise<void>;
}

function keepWorker({ number, place, log, metrics, leaves }: WorkerParts): Worker {
  const asked = new Map<number, (measured: Measured) => void>();
  let child: ChildProcess;
  let over: Promise<void>;
  let last: Measured = [];
  let upSince = Number.POSITIVE_INFINITY;
  let pause = FIRST_PAUSE_MS;
  let stopping = false;
  let again: NodeJS.Timeout | undefined;
  let questions = 0;

  const say = (message: ToWorker): void => {
    if (child.connected) child.send(message, () => {}); // whoever does not hear it is about to end
  };
  const hear = (message: FromWorker): void => {
    if (message.kind === "up") upSince = performance.now();
    else if (message.kind === "measured") {
      last = message.measured;
      asked.get(message.id)?.(last);
    } else
      metrics().then(
        (text) => say({ kind: "summed", id: message.id, text }),
        (error: unknown) => {
          log.warn({ err: error }, "what several processes have counted could not be added up");
          say({ kind: "summed", id: message.id, text: undefined });
        },
      );
  };
  const ended = (how: object): void => {
    leaves(last);
    last = [];
    if (stopping) return;
    const lived = performance.now() - upSince;
    upSince = Number.POSITIVE_INFINITY;
    if (lived > LIVED_MS) pause = FIRST_PAUSE_MS;
    log.warn(
      { worker: number, pid: child.pid, ...how, againAfterMs: pause },
      "a worker has ended; it is started again",
    );
    again = setTimeout(start, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  };
  const start = (): void => {
    const { promise, resolve } = Promise.withResolvers<object>();
    over = promise.then(ended);
    // Values such as NaN, which JSON does not have, are among those that are counted.
    child = fork(PROGRAM, { serialization: "advanced", stdio: ["ignore", "inherit", "inherit", "ipc"] });
    child.on("message", hear);
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.on("error", (error) => {
      if (child.pid === undefined) resolve({ err: error }); // it did not even start
    });
    say({ kind: "begin", number, place });
  };
  start();

  return {
    async measure() {
      if (upSince === Number.POSITIVE_INFINITY) return last; // it has answered nobody yet
      const id = ++questions;
      const answered = new Promise<Measured>((resolve) => asked.set(id, resolve));
      say({ kind: "measure", id });
      const patience = new AbortController();
      const late = delay(MEASURE_MS, undefined, { signal: patience.signal }).catch(() => {});
      await Promise.race([answered, over, late]);
      patience.abort();
      asked.delete(id);
      return last;
    },
    async stop() {
      stopping = true;
      clearTimeout(again);
      say({ kind: "stop" });
      const slow = setTimeout(() => child.kill("SIGKILL"), END_MS);
      await over;
      clearTimeout(slow);
    },
  };
}
