// The certificate that we serve TLS with: our own or the operator's files, and until when it is good (RFC 5280, 4.1.2.5).
// Nothing tells an operator of a certificate that is about to end but we: clients only say that they do not trust us.
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type http from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { ensureSelfSigned } from "./self-signed-certificate.ts";

const DAY_MS = 24 * 3600 * 1000;
const SOON_MS = 14 * DAY_MS;
/** Of certificates that live for days only, soon is the last quarter. */
const SOON_PART = 1 / 4;

export interface ServedCertificate {
  readonly cert: string;
  readonly key: string;
  /** Where it is, for clients that are to trust it, when it is our own. */
  readonly file: string | undefined;
}

/** The certificate that the settings say; undefined without TLS. */
export async function readCertificate(config: Config): Promise<ServedCertificate | undefined> {
  const { tls } = config;
  if (tls.kind === "off") return undefined;
  if (tls.kind === "files")
    return { cert: await readFile(tls.certFile, "utf8"), key: await readFile(tls.keyFile, "utf8"), file: undefined };
  const own = config.url === undefined ? [] : [new URL(config.url).hostname.replace(/^\[|\]$/g, "")];
  const { host } = config.listen;
  const names = [
    "localhost",
    "127.0.0.1",
    "::1",
    config.moduleHost,
    ...(host === "0.0.0.0" || host === "::" ? [] : [host]),
    ...own,
  ];
  return ensureSelfSigned(join(config.dataDirectory, "tls"), [...new Set(names)]);
}

export interface CertificateState {
  /** The last moment at which it is good. */
  readonly expires: Date;
  /** What is wrong with it, or soon will be; undefined: nothing. */
  readonly warning: string | undefined;
}

/** How a certificate (PEM; of a chain the first) is doing at a moment, in milliseconds since 1970. */
export function stateOfCertificate(pem: string, now: number = Date.now()): CertificateState {
  const { validFromDate: from, validToDate: expires } = new X509Certificate(pem);
  const left = expires.getTime() - now;
  const soon = Math.min(SOON_MS, (expires.getTime() - from.getTime()) * SOON_PART);
  const until = expires.toISOString();
  const renew = "renew it and start again";
  const warning =
    left < 0
      ? `the TLS certificate expired at ${until}: clients refuse it; ${renew}`
      : now < from.getTime()
        ? `the TLS certificate is good only from ${from.toISOString()}: clients refuse it until then`
        : left < soon
          ? `the TLS certificate expires at ${until}: ${renew}`
          : undefined;
  return { expires, warning };
}

/** Says so in the log, now and every day, when a certificate needs a person. Returns what ends that. */
export function watchCertificate(pem: string, log: Log, metrics: Metrics): () => void {
  const look = (): void => {
    const { expires, warning } = stateOfCertificate(pem);
    metrics.certificateExpires.set(Math.floor(expires.getTime() / 1000));
    if (warning !== undefined) log.warn({ expires }, warning);
  };
  look();
  const timer = setInterval(look, DAY_MS).unref();
  return () => clearInterval(timer);
}

/**
 * Answers plain http on a port that speaks TLS with a sentence (400, as other servers do), where a client would only see its
 * connection close. `url`: how the server is reached, once it is known.
 */
export function answerPlainHttp(server: http.Server, url: () => string): void {
  const sockets = new Map<string, Socket>(); // what TLS was tried on, by the client's address
  const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  server.on("connection", (socket) => {
    const name = nameOf(socket);
    sockets.set(name, socket);
    socket.once("close", () => sockets.delete(name));
  });
  server.on("secureConnection", (socket) => sockets.delete(nameOf(socket)));
  server.on("clientError", (error: NodeJS.ErrnoException, connection) => {
    const socket = error.code === "ERR_SSL_HTTP_REQUEST" ? sockets.get(nameOf(connection as Socket)) : undefined;
    if (!socket) return answerUnreadable(error, connection as Socket);
    const body = `this port speaks https, and was asked in http: use ${url()}\n`;
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
}

/**
 * Answers what cannot be read as http, as Node does where nobody listens to `clientError`: 400, 408 for a request that took too
 * long, 413 and 431 for headers that are too large. What breaks on the way, and what comes while an answer is written, ends.
 */
function answerUnreadable({ code = "" }: NodeJS.ErrnoException, connection: Socket): void {
  const isHttp = code.startsWith("HPE_") || code === "ERR_HTTP_REQUEST_TIMEOUT";
  const isAnswering = (connection as { _httpMessage?: unknown })._httpMessage != null;
  if (!isHttp || isAnswering || !connection.writable) return void connection.destroy();
  const status = UNREADABLE[code] ?? "400 Bad Request";
  connection.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, () => connection.destroy());
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};
