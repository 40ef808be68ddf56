// What a process costs, from its accounting, while it answers.

import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import tls from "node:tls";
import { descendants } from "./process-tree.ts";

export interface Target {
  /** The process that answers. */
  readonly pid: number;
  readonly port: number;
  /** Whether it answers over TLS; its certificate is not looked at. */
  readonly tls?: boolean;
}

/**
 * Processor time of a process and all the threads that it has, in microseconds: what the scheduler counted in nanoseconds
 * (proc(5) on schedstat), for the ticks of /proc/PID/stat are too coarse for what is done sixty times.
 */
export function processorTime(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const times = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]);
  return times.reduce((sum, time) => sum + Number(time), 0) / 1_000;
}

/**
 * Processor time of a process and of all that descend from it, in microseconds, those among them that ended and were waited
 * for: PostgreSQL's backends are children of a child.
 */
export function familyTime(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, one) => sum + timeUnlessEnded(one), 0);
}

/** As Linux has it everywhere (sysconf(3), _SC_CLK_TCK). */
const TICKS_A_SECOND = 100;

/** Its own, and that of its children which it has waited for (cutime and cstime of proc(5)); 0 for one that has ended. */
function timeUnlessEnded(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [user, system] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(13, 15);
    return processorTime(pid) + (Number(user) + Number(system)) * (1e6 / TICKS_A_SECOND);
  } catch {
    return 0;
  }
}

/** What is resident of a process, in MB. */
export const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

/** The most that was resident of a process while something was done, looked at 50 times a second. */
export async function highestMemory(pid: number, work: () => Promise<unknown>): Promise<number> {
  let highest = memoryOf(pid);
  const timer = setInterval(() => {
    highest = Math.max(highest, memoryOf(pid));
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return highest;
}

/** How a server answered for a while. */
export interface Load {
  /** Processor time of all its processes, in microseconds for each answer. */
  readonly cost: number;
  readonly answersPerSecond: number;
  /** Which part of that processor time each of its processes took. */
  readonly shares: readonly number[];
}

/** Asks the same thing again and again on some connections for a while; returns microseconds of its process for each answer. */
export async function costOfAnswer(
  target: Target,
  path: string,
  connections: number,
  milliseconds: number,
  token?: string,
): Promise<number> {
  return (await underLoad(target, [target.pid], path, connections, milliseconds, token)).cost;
}

/**
 * Asks the same thing again and again on some connections for a while, of a server of some processes. All answers have the same
 * length, so that counting bytes is all that the asking side does.
 */
export async function underLoad(
  target: Target,
  pids: readonly number[],
  path: string,
  connections: number,
  milliseconds: number,
  token?: string,
): Promise<Load> {
  const authorization = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nUser-Agent: Go-http-client/1.1\r\n${authorization}\r\n`;
  await lengthOfAnswer(target, request); // the first time may be not from memory, and longer
  const length = await lengthOfAnswer(target, request);
  let bytes = 0;
  let stopping = false;
  const ends = Array.from({ length: connections }, async () => {
    const socket = connectTo(target);
    let missing = length;
    socket.on("data", (chunk) => {
      if (missing === length && !chunk.subarray(0, 12).equals(OK))
        throw new Error(`not 200: ${chunk.subarray(0, 300)}`);
      bytes += chunk.length;
      missing -= chunk.length;
      if (missing > 0) return;
      if (missing < 0) throw new Error("an answer of another length");
      missing = length;
      if (stopping) socket.end();
      else socket.write(request);
    });
    await once(socket, target.tls ? "secureConnect" : "connect");
    socket.write(request);
    return once(socket, "close");
  });
  await delay(100); // until it runs smoothly
  const [before, from, start] = [pids.map(processorTime), bytes, performance.now()];
  await delay(milliseconds);
  const times = pids.map((pid, n) => processorTime(pid) - before[n]!);
  const answers = (bytes - from) / length;
  const seconds = (performance.now() - start) / 1000;
  stopping = true;
  await Promise.all(ends);
  const time = times.reduce((sum, one) => sum + one, 0);
  return { cost: time / answers, answersPerSecond: answers / seconds, shares: times.map((one) => one / time) };
}

function connectTo({ port, tls: secure }: Target, ready?: () => void): net.Socket {
  if (secure) return tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, ready);
  return net.connect(port, "127.0.0.1", ready);
}

const OK = Buffer.from("HTTP/1.1 200");

function lengthOfAnswer(target: Target, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(target, () => socket.write(request));
    let start = Buffer.alloc(0);
    let got = 0;
    let length = Infinity;
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      got += chunk.length;
      if (length === Infinity) {
        start = Buffer.concat([start, chunk]);
        const head = start.indexOf("\r\n\r\n");
        if (head < 0) return;
        const text = start.subarray(0, head).toString();
        if (!text.startsWith("HTTP/1.1 200")) reject(new Error(`not 200: ${text}`));
        length = head + 4 + Number(/^content-length: (\d+)/im.exec(text)?.[1]);
      }
      if (got < length) return;
      socket.destroy();
      resolve(length);
    });
  });
}
