// A git server of others: bare repositories behind git's own http-backend, over TLS, and pages with go-import tags. Nothing in
// it is ours, so it takes whatever a repository may be.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ensureSelfSigned } from "../../src/http/self-signed-certificate.ts";
import { atEnd } from "./at-end.ts";
import { temporary } from "./temporary.ts";

export interface GitServer {
  /** Without a slash at the end; repositories are at `/NAME.git`. */
  readonly url: string;
  readonly port: number;
  /** Where the repositories are: a directory `NAME.git` is served as it stands. */
  readonly directory: string;
  /** The certificate that it shows, for 127.0.0.1 and `host`. */
  readonly caFile: string;
  /** What was asked, "GET /lib.git/info/refs?… version=2", the oldest first. */
  readonly asked: string[];
  /** Answers in the place of git where it returns true; undefined: git answers everything. */
  misbehave: ((req: IncomingMessage, res: ServerResponse) => boolean) | undefined;
  /** Whether protocol 2 is spoken. */
  speaksV2: boolean;
  /** Answers `/PATH?go-get=1` with a page whose head has these go-import contents. */
  page(path: string, ...goImports: string[]): void;
}

/** Starts it on loopback; it ends after the test file. */
export async function gitServer(host: string): Promise<GitServer> {
  const home = temporary("git-server");
  const directory = join(home, "repositories");
  const tlsDirectory = join(home, "tls");
  for (const path of [directory, tlsDirectory]) mkdirSync(path, { recursive: true });
  const { cert, key } = await ensureSelfSigned(tlsDirectory, ["127.0.0.1", host]);
  const caFile = join(home, "ca.pem");
  writeFileSync(caFile, cert);
  const pages = new Map<string, string>();
  const asked: string[] = [];
  const state: Pick<GitServer, "misbehave" | "speaksV2"> = { misbehave: undefined, speaksV2: true };
  const server = https.createServer({ cert, key }, (req, res) => {
    asked.push([req.method, req.url, req.headers["git-protocol"]].join(" ").trim());
    if (state.misbehave?.(req, res)) return;
    const url = new URL(req.url ?? "/", "https://x");
    const page = pages.get(url.pathname);
    if (page !== undefined && url.searchParams.get("go-get") === "1") return void res.end(page);
    const backend = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH,
        HOME: "/nonexistent",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "safe.directory",
        GIT_CONFIG_VALUE_0: "*",
        GIT_PROJECT_ROOT: directory,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: req.method,
        CONTENT_TYPE: req.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: req.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: state.speaksV2 ? String(req.headers["git-protocol"] ?? "") : "",
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    backend.stdin.on("error", () => {});
    req.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    backend.once("close", () => {
      const said = Buffer.concat(chunks);
      const end = said.indexOf("\r\n\r\n");
      const headers = said.subarray(0, end).toString("latin1").split("\r\n");
      for (const header of headers) {
        const [name = "", value = ""] = header.split(/: (.*)/s);
        if (name === "Status") res.statusCode = Number(value.slice(0, 3));
        else res.setHeader(name, value);
      }
      res.end(said.subarray(end + 4));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: `https://127.0.0.1:${port}`,
    ...{ port, directory, caFile, asked },
    page(path: string, ...goImports: string[]) {
      const tags = goImports.map((content) => `<meta name="go-import" content="${content}">`).join("");
      pages.set(`/${path}`, `<html><head>${tags}</head><body></body></html>\n`);
    },
  });
}
