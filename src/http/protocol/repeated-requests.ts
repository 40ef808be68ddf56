// Requests that come again byte for byte. The go command asks for the same file of a module in the same words on every
// machine, and to read those words again finds nothing that was not found before: the same bytes at the beginning of a
// message are the same request. So Node reads a request once; when it was answered from memory its bytes are remembered, and
// the next time they are answered without being parsed, which is two thirds of what Node's own part of an answer costs.
//
// Nothing is read here that Node did not read. What is remembered is only the plainest request there is, whole in one piece:
// a GET of HTTP/1.1 with no header that means anything to us beside Host and Authorization, so no condition, no range, no
// body, and the connection stays. One with a secret in it is remembered by a hash: secrets are kept nowhere. Anything else,
// anything that comes while an answer is under way, and everything after that on the same connection, is Node's alone. It has
// the first request of a connection too, for its timeouts begin with that.
//
// What is looked at here Node hands over as buffers, where it would have parsed it in place: a body costs it 0.4 ms more for
// each megabyte, which is little beside what a push costs otherwise.
import { hash } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import tls from "node:tls";
import { LRUCache } from "lru-cache";
import { currentEnd } from "./answer-head.ts";

/** Longer requests are not remembered, in bytes. */
const MAX_REQUEST_BYTES = 2_048;
/** So many are. */
const MAX_REQUESTS = 10_000;
/** Headers that the plainest request may have, each once: they change nothing in an answer, but for who asks. */
const PLAIN_HEADERS: ReadonlySet<string> = new Set([
  "host",
  "user-agent",
  "accept",
  "accept-encoding",
  "authorization",
]);
/** How the line with the secret begins. Spelled otherwise, the request is not remembered. */
const WITH_SECRET = "\r\nAuthorization: ";

/** What is written to a socket. */
export interface ReadyAnswer {
  /** Status line and headers, as answerHead makes them. */
  readonly head: string;
  /** As many bytes as Content-Length says; a text has one a character (latin1). */
  readonly body: string | Buffer;
  /** Called when the client has not taken all of it yet; what it returns is called when it has, or is gone. */
  readonly held?: () => () => void;
}

export interface RepeatedRequests<Who> {
  /** Says that a request of somebody was answered from memory: the same bytes may be answered from there at once. */
  remember(req: IncomingMessage, who: () => Who): void;
  /** Whether some client has not taken all of its answer yet. Node takes its connection for an idle one. */
  readonly underWay: boolean;
}

interface Connection {
  /** `new`: nothing was asked yet; `idle`: everything is answered; `asked`: Node has one request. */
  stage: "new" | "idle" | "asked";
  /** The request that Node has. */
  text: string;
  /** Leaves the connection to Node for good. */
  leave(): void;
}

/**
 * Looks at what comes on the connections of a listener before Node parses it. `answer`: what is in memory for a URL and may
 * be given to whom it was given before, now.
 */
export function repeatedRequests<Who>(
  server: Server,
  answer: (url: string, who: Who) => ReadyAnswer | undefined,
): RepeatedRequests<Who> {
  const known = new LRUCache<string, { readonly url: string; readonly who: Who }>({ max: MAX_REQUESTS });
  const connections = new WeakMap<Socket, Connection>();
  let underWay = 0;

  const write = (socket: Socket, { head, body, held }: ReadyAnswer): void => {
    const start = head + currentEnd(server.keepAliveTimeout);
    let taken = (): void => {};
    if (typeof body === "string") socket.write(start + body, "latin1", () => taken());
    else {
      socket.cork();
      socket.write(start, "latin1");
      socket.write(body, () => taken());
      socket.uncork();
    }
    if (socket.writableLength === 0) return; // the kernel has it all
    underWay++;
    const release = held?.();
    taken = () => {
      underWay--;
      release?.();
    };
  };

  const enter = (socket: Socket): void => {
    const [parse, ...others] = socket.listeners("data");
    if (!parse || others.length > 0) return; // not as we know Node: it keeps the connection
    const connection: Connection = {
      stage: "new",
      text: "",
      leave() {
        socket.off("data", look).on("data", parse as (chunk: Buffer) => void);
        connections.delete(socket);
      },
    };
    const look = (chunk: Buffer): void => {
      const text = chunk.length > MAX_REQUEST_BYTES || connection.stage === "asked" ? "" : chunk.toString("latin1");
      if (connection.stage === "idle" && socket.writable && socket.writableLength === 0) {
        const request = known.get(keyOf(text));
        const ready = request && answer(request.url, request.who);
        if (ready) {
          write(socket, ready);
          return;
        }
      }
      if (isOneGet(text)) {
        connection.stage = "asked";
        connection.text = text;
      } else connection.leave();
      parse.call(socket, chunk);
    };
    connections.set(socket, connection);
    socket.on("data", look).off("data", parse as (chunk: Buffer) => void);
  };
  server.on(server instanceof tls.Server ? "secureConnection" : "connection", enter);

  server.prependListener("request", (req: IncomingMessage, res: ServerResponse) => {
    const connection = connections.get(req.socket);
    if (!connection) return;
    if (!isPlain(req, connection.text)) connection.leave();
    else
      res.once("close", () => {
        connection.stage = "idle";
        connection.text = "";
      });
  });

  return {
    remember(req, who) {
      const text = connections.get(req.socket)?.text;
      if (text) known.set(keyOf(text), { url: req.url!, who: who() });
    },
    get underWay() {
      return underWay > 0;
    },
  };
}

/** Whether a text is the head of one GET, to its end and not further. */
function isOneGet(text: string): boolean {
  return text.startsWith("GET ") && text.indexOf("\r\n\r\n") === text.length - 4;
}

/** What a request is remembered by. */
function keyOf(text: string): string {
  return text.includes(WITH_SECRET) ? hash("sha256", text, "base64") : text;
}

/** Whether nothing in a request changes the answer, but for who asks. `text`: its bytes. */
function isPlain({ httpVersion, rawHeaders, headers }: IncomingMessage, text: string): boolean {
  if (httpVersion !== "1.1") return false;
  if (headers.authorization !== undefined && !text.includes(WITH_SECRET)) return false;
  let names = 0;
  for (const name in headers) {
    if (!PLAIN_HEADERS.has(name)) return false;
    names++;
  }
  return rawHeaders.length === 2 * names;
}
