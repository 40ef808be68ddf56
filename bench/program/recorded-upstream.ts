// An upstream that has what a registry answered once: the first time a path is asked for, the registry is, and the answer, an
// absence too, is kept in a directory; from then on each answer takes as long as was set, and nobody else is asked. So two
// proxies that are compared have the same upstream, equally far away, whatever the network does meanwhile.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

interface Recorded {
  readonly status: number;
  readonly body: Buffer;
}

export class RecordedUpstream {
  /** The paths that were asked, in order. */
  asked: string[] = [];
  /** How long each answer takes. */
  milliseconds = 0;
  /** How many answers the registry has given. */
  fetched = 0;
  readonly #registry: string;
  readonly #directory: string;
  readonly #answers = new Map<string, Promise<Recorded>>();
  readonly #server = http.createServer(async (req, res) => {
    const path = req.url!.slice(1);
    this.asked.push(path);
    try {
      const [{ status, body }] = await Promise.all([this.#answer(path), delay(this.milliseconds)]);
      res.writeHead(status, { "content-length": body.length, "content-type": "text/plain; charset=utf-8" }).end(body);
    } catch (error) {
      res.writeHead(502).end(String(error));
    }
  });

  /** `registry`: its URL; `directory`: where its answers are kept, for later runs too. */
  constructor(registry: string, directory: string) {
    this.#registry = registry.replace(/\/$/, "");
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  async start(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** What is answered to a path, of 200 only. */
  async bodyOf(path: string): Promise<Buffer> {
    const { status, body } = await this.#answer(path);
    if (status !== 200) throw new Error(`the registry answers ${status} to ${path}: ${body.subarray(0, 200)}`);
    return body;
  }

  #answer(path: string): Promise<Recorded> {
    let answer = this.#answers.get(path);
    if (answer === undefined) {
      answer = this.#recorded(path);
      this.#answers.set(path, answer);
      answer.catch(() => this.#answers.delete(path));
    }
    return answer;
  }

  async #recorded(path: string): Promise<Recorded> {
    const file = join(this.#directory, createHash("sha256").update(path).digest("hex"));
    if (existsSync(file)) {
      const bytes = readFileSync(file);
      return { status: bytes.readUInt16BE(0), body: bytes.subarray(2) };
    }
    const response = await fetch(`${this.#registry}/${path}`);
    const body = Buffer.from(await response.arrayBuffer());
    const { status } = response;
    if (status !== 200 && status !== 404 && status !== 410)
      throw new Error(`the registry answers ${status} to ${path}`);
    this.fetched++;
    const head = Buffer.alloc(2);
    head.writeUInt16BE(status);
    writeFileSync(file, Buffer.concat([head, body]));
    return { status, body };
  }
}
