// Reverse proxies that have us below a path: nginx and Caddy, as docs/operations.md sets them up, where they are on the PATH,
// and one of a few lines, which is always there.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { atEnd } from "./at-end.ts";
import { eventually } from "./eventually.ts";
import { temporary } from "./temporary.ts";

export type ReverseProxy = "plain" | "nginx" | "caddy";

export interface BelowPath {
  /** The path with its slash in front. */
  readonly path: string;
  /** Whether the proxy takes the path off what it hands on. */
  readonly takesOff: boolean;
  /** The directory of the blobs that it sends itself, if it does. */
  readonly blobs?: string;
}

/** Whether this machine has the program. */
export const hasProxy = (proxy: ReverseProxy): boolean =>
  proxy === "plain" || spawnSync(proxy, [proxy === "nginx" ? "-v" : "version"]).status === 0;

/** Starts a proxy at `port`, behind which is the server at `target`; it ends with the test file. */
export async function startProxy(proxy: ReverseProxy, port: number, target: number, below: BelowPath): Promise<void> {
  if (proxy === "plain") return await plain(port, target, below);
  const directory = temporary(proxy);
  const file = join(directory, "configuration");
  writeFileSync(file, proxy === "nginx" ? nginxFile(directory, port, target, below) : caddyfile(port, target, below));
  for (const name of ["body", "proxy"]) mkdirSync(join(directory, name));
  const words =
    proxy === "nginx"
      ? ["-p", directory, "-c", file, "-e", "stderr"]
      : ["run", "--config", file, "--adapter", "caddyfile"];
  const child = spawn(proxy, words, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
  });
  const ended = new Promise((done) => child.once("close", done));
  atEnd(async () => {
    child.kill();
    await ended;
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await eventually(
    () => {
      if (child.exitCode !== null) throw new Error(`${proxy} ended: ${said}`);
      return canConnect(port);
    },
    (connected) => connected,
    30_000,
  );
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("error", () => done(false));
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
  });
}

async function plain(port: number, target: number, { path: prefix, takesOff }: BelowPath): Promise<void> {
  const proxy = http.createServer((incoming, outgoing) => {
    const asked = incoming.url!;
    if (!asked.startsWith(prefix)) return void outgoing.writeHead(404).end("the proxy has no such place\n");
    const { method, headers } = incoming;
    const path = takesOff ? asked.slice(prefix.length) || "/" : asked;
    const onwards = http.request({ host: "127.0.0.1", port: target, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    onwards.on("error", () => outgoing.destroy());
    incoming.pipe(onwards);
  });
  await new Promise<void>((done) => proxy.listen(port, "127.0.0.1", done));
  atEnd(() => new Promise((done) => proxy.close(done)));
}

// The part between the marks is that of docs/operations.md, with another place and port. nginx decodes what it hands on
// where it takes a path off by itself, so that it leaves it.
const nginxFile = (directory: string, port: number, target: number, { path, blobs }: BelowPath): string => `
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  server {
    listen 127.0.0.1:${port};
    merge_slashes off;
    location ${path} {
      proxy_pass http://127.0.0.1:${target};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      client_max_body_size 0;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;
    }
    ${
      blobs === undefined
        ? ""
        : `location /gokura-blobs/ {
      internal;
      alias ${blobs}/;
      add_header X-Content-Type-Options nosniff;
      add_header X-Frame-Options DENY;
      add_header Referrer-Policy no-referrer;
      add_header Content-Security-Policy "default-src 'none'; frame-ancestors 'none'";
    }`
    }
  }
}
`;

const caddyfile = (port: number, target: number, { path, takesOff, blobs }: BelowPath): string => `
{
	admin off
	auto_https off
}
http://127.0.0.1:${port} {
	${takesOff ? "handle_path" : "handle"} ${path}* {
		reverse_proxy 127.0.0.1:${target} {
			transport http {
				keepalive 60s
				dial_timeout 5s
			}
			${
        blobs === undefined
          ? ""
          : `@zip header X-Accel-Redirect *
			handle_response @zip {
				root * ${blobs}
				rewrite * {rp.header.X-Accel-Redirect}
				uri strip_prefix /gokura-blobs
				method * GET
				copy_response_headers {
					exclude X-Accel-Redirect Content-Length Etag
				}
				file_server
			}`
      }
		}
	}
}
`;
