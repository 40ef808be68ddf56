// A server that speaks as much S3 as we ask for, and does what real ones do on bad days: it forgets conditions and sums, breaks
// off, gives other bytes, is full, is busy. What a good one does, a real one is asked for (real-server.test.ts).
import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { atEnd } from "../../support/at-end.ts";

export interface LyingServer {
  readonly url: string;
  readonly objects: Map<string, { bytes: Buffer; writtenAt: number }>;
  /** Methods and paths that were asked, in order. */
  readonly asked: string[];
  /** What it does wrong. */
  wrong: {
    ignoresConditions?: boolean;
    ignoresSums?: boolean;
    ignoresRanges?: boolean;
    /** Says 503 to so many requests. */
    busy?: number;
    full?: boolean;
    forbids?: boolean;
    /** Ends the connection after so many bytes of an object. */
    breaksOffAfter?: number;
    /** Gives this in the place of every object. */
    gives?: Buffer;
  };
  stop(): Promise<void>;
}

export async function lyingServer(): Promise<LyingServer> {
  const objects: LyingServer["objects"] = new Map();
  const asked: string[] = [];
  const server = http.createServer((req, res) => {
    void answer(req, res).catch(() => res.destroy());
  });
  const refuse = (res: http.ServerResponse, status: number, code: string): void => {
    res.writeHead(status).end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
  };
  const answer = async (req: http.IncomingMessage, res: http.ServerResponse): Promise<void> => {
    const { wrong } = self;
    const url = new URL(req.url!, "http://x");
    asked.push(`${req.method} ${url.pathname}`);
    const body = Buffer.concat(await req.toArray());
    if ((wrong.busy ?? 0) > 0) {
      wrong.busy!--;
      return refuse(res, 503, "SlowDown");
    }
    if (wrong.forbids) return refuse(res, 403, "SignatureDoesNotMatch");
    const key = url.pathname;
    const found = objects.get(key);
    if (req.method === "PUT") {
      if (wrong.full) return refuse(res, 507, "XMinioStorageFull");
      if (found && req.headers["if-none-match"] === "*" && !wrong.ignoresConditions)
        return refuse(res, 412, "PreconditionFailed");
      const sum = createHash("sha256").update(body).digest("hex");
      if (sum !== req.headers["x-amz-content-sha256"] && !wrong.ignoresSums)
        return refuse(res, 400, "XAmzContentSHA256Mismatch");
      objects.set(key, { bytes: body, writtenAt: Date.now() });
      res.writeHead(200).end();
    } else if (url.searchParams.has("list-type")) {
      const prefix = `/bucket/${url.searchParams.get("prefix")}`;
      const entries = [...objects]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, { bytes, writtenAt }]) => {
          const moment = new Date(writtenAt).toISOString();
          const path = name.slice("/bucket/".length);
          return `<Contents><Key>${path}</Key><LastModified>${moment}</LastModified><Size>${bytes.length}</Size></Contents>`;
        });
      res.writeHead(200).end(`<ListBucketResult>${entries.join("")}</ListBucketResult>`);
    } else if (req.method === "DELETE") {
      objects.delete(key);
      res.writeHead(204).end();
    } else if (!found) refuse(res, 404, "NoSuchKey");
    else {
      const range = wrong.ignoresRanges ? null : /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? "");
      const whole = wrong.gives ?? found.bytes;
      const bytes = range ? whole.subarray(Number(range[1]), Number(range[2]) + 1) : whole;
      res.writeHead(range ? 206 : 200, {
        "Content-Length": bytes.length,
        "Last-Modified": new Date(found.writtenAt).toUTCString(),
      });
      if (req.method === "HEAD") res.end();
      else if (wrong.breaksOffAfter === undefined) res.end(bytes);
      else res.write(bytes.subarray(0, wrong.breaksOffAfter), () => res.destroy());
    }
  };
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const stop = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  atEnd(stop);
  const self: LyingServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ objects, asked, stop },
    wrong: {},
  };
  return self;
}
