// HTTP as a client that cleans nothing up: the path goes out exactly as given, which fetch would not do.
import http from "node:http";
import https from "node:https";

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly ca?: string;
  /** Keeps connections; without it each request has its own. */
  readonly agent?: https.Agent;
}

/** One request, on a connection of its own unless an agent keeps some. */
export function ask(base: string, path: string, options: Ask = {}): Promise<Answer> {
  return asking(base, path, options).whole;
}

/** A request whose answer is on its way. */
export interface Asking {
  /** How many bytes of the body have come so far. */
  received(): number;
  /** The answer when all of it is there; rejects when it breaks off. */
  readonly whole: Promise<Answer>;
}

/** One request on a connection of its own, watched while its answer comes. */
export function asking(
  base: string,
  path: string,
  { method = "GET", headers = {}, body, ca, agent }: Ask = {},
): Asking {
  const { hostname, port, protocol } = new URL(base);
  let received = 0;
  const whole = new Promise<Answer>((resolve, reject) => {
    const length = body === undefined || body.length === 0 ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const common = { hostname, port, path, method, headers: { ...length, ...headers }, agent: agent ?? false } as const;
    const request = protocol === "https:" ? https.request({ ...common, ...(ca ? { ca } : {}) }) : http.request(common);
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => {
        received += chunk.length;
        chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode!, headers: response.headers, bytes, text: bytes.toString("utf8") });
      });
    });
    request.end(body);
  });
  return { received: () => received, whole };
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

export const basic = (username: string, token: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${username}:${token}`).toString("base64")}`,
});
