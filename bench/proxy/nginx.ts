// nginx as the measure of all things: one worker that serves files from a directory, and, on a second port, a cache in
// front of an upstream. Everything of it is in a directory of the bench's own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/support/free-port.ts";
import type { Target } from "../measure.ts";

const PROGRAM = "nginx";

export interface Nginx {
  readonly child: ChildProcess;
  readonly version: string;
  /** Serves the files. */
  readonly files: Target;
  /** Asks the upstream once and keeps the answer. */
  readonly cache: Target;
}

/** Undefined where there is no nginx. */
export async function startNginx(directory: string, root: string, upstream: string): Promise<Nginx | undefined> {
  const said = spawnSync(PROGRAM, ["-v"], { encoding: "utf8" });
  if (said.error || said.status !== 0) return undefined;
  const [filesPort, cachePort] = [await freePort(), await freePort()];
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "nginx.conf");
  writeFileSync(file, configuration(directory, root, upstream, filesPort, cachePort));
  const child = spawn(PROGRAM, ["-p", directory, "-c", file, "-e", "stderr"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const pid = await workerOf(child);
  return {
    child,
    version: said.stderr.trim().replace(/^nginx version: /, ""),
    files: { pid, port: filesPort },
    cache: { pid, port: cachePort },
  };
}

const configuration = (directory: string, root: string, upstream: string, filesPort: number, cachePort: number) => `
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  default_type application/octet-stream;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  proxy_cache_path ${directory}/cache keys_zone=bench:1m use_temp_path=off;
  upstream world { server ${new URL(upstream).host}; keepalive 64; }
  server {
    listen 127.0.0.1:${filesPort};
    root ${root};
  }
  server {
    listen 127.0.0.1:${cachePort};
    location / {
      proxy_pass http://world;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache bench;
      proxy_cache_valid 200 1h;
      proxy_cache_lock on;
    }
  }
}
`;

/** The worker, which is the child of the process that was started that does the work. */
async function workerOf(child: ChildProcess): Promise<number> {
  for (let patience = 100; patience > 0; patience--) {
    await delay(50);
    if (child.exitCode !== null) break;
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
    for (const pid of children.filter(Boolean))
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("worker process")) return Number(pid);
  }
  throw new Error("nginx did not start");
}
