// A server that speaks as much S3 as we ask for, and does what real ones do on bad days: it forgets conditions and sums, breaks
// off, gives other bytes, is full, is busy. What a good one does, a real one is asked for (real-server.test.ts).
import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { atEnd } from "../../support/at-end.ts";

export interface LyingServer {
  readonly url: string;
  readonly objects: Map<string, { bytes: Buffer; writtenAt: number }>;
  /** Uploads in parts that have not ended, by their id. */
  readonly uploads: Map<string, { key: string; parts: Map<number, Buffer>; begunAt: number }>;
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
    /** Ends the connection in the place of saying that an object is there: what it says is lost where it has not read the body. */
    hangsUpOnWhatIsThere?: boolean;
    /** Has no conditions where the parts of an upload are put together, and says so. */
    knowsNoConditionOfParts?: boolean;
    /** Refuses the part of this number. */
    refusesPart?: number;
    forbids?: boolean;
    /** Ends the connection after so many bytes of an object. */
    breaksOffAfter?: number;
    /** Gives this in the place of every object. */
    gives?: Buffer;
    /** Answers so many requests with another protocol, which nobody asked for. */
    switches?: number;
    /** Answers when this is done. */
    takesItsTime?: () => Promise<void>;
  };
  stop(): Promise<void>;
}

export async function lyingServer(): Promise<LyingServer> {
  const objects: LyingServer["objects"] = new Map();
  const uploads: LyingServer["uploads"] = new Map();
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
    await wrong.takesItsTime?.();
    if ((wrong.switches ?? 0) > 0) {
      wrong.switches!--;
      res.socket!.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
      return;
    }
    if ((wrong.busy ?? 0) > 0) {
      wrong.busy!--;
      return refuse(res, 503, "SlowDown");
    }
    if (wrong.forbids) return refuse(res, 403, "SignatureDoesNotMatch");
    const key = url.pathname;
    const found = objects.get(key);
    if (url.searchParams.has("uploads") || url.searchParams.has("uploadId")) {
      inParts(req, res, url, body);
      return;
    }
    if (req.method === "PUT") {
      if (wrong.full) return refuse(res, 507, "XMinioStorageFull");
      if (found && req.headers["if-none-match"] === "*" && wrong.hangsUpOnWhatIsThere) return void req.socket.destroy();
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
  const inParts = (req: http.IncomingMessage, res: http.ServerResponse, url: URL, body: Buffer): void => {
    const key = url.pathname;
    const id = url.searchParams.get("uploadId") ?? "";
    const upload = uploads.get(id);
    if (req.method === "GET") {
      const entries = [...uploads].map(([one, { key: path, begunAt }]) => {
        const moment = new Date(begunAt).toISOString();
        return `<Upload><Key>${path.slice("/bucket/".length)}</Key><UploadId>${one}</UploadId><Initiated>${moment}</Initiated></Upload>`;
      });
      res.writeHead(200).end(`<ListMultipartUploadsResult>${entries.join("")}</ListMultipartUploadsResult>`);
    } else if (req.method === "POST" && url.searchParams.has("uploads")) {
      const begun = String(uploads.size + asked.length);
      uploads.set(begun, { key, parts: new Map(), begunAt: Date.now() });
      res
        .writeHead(200)
        .end(`<InitiateMultipartUploadResult><UploadId>${begun}</UploadId></InitiateMultipartUploadResult>`);
    } else if (!upload) refuse(res, 404, "NoSuchUpload");
    else if (req.method === "DELETE") {
      uploads.delete(id);
      res.writeHead(204).end();
    } else if (req.method === "PUT") {
      const number = Number(url.searchParams.get("partNumber"));
      if (number === self.wrong.refusesPart) refuse(res, 403, "AccessDenied");
      else if (createHash("sha256").update(body).digest("hex") !== req.headers["x-amz-content-sha256"])
        refuse(res, 400, "XAmzContentSHA256Mismatch");
      else {
        upload.parts.set(number, body);
        res.writeHead(200, { etag: `"${number}"` }).end();
      }
    } else if (req.headers["if-none-match"] !== undefined && self.wrong.knowsNoConditionOfParts)
      refuse(res, 501, "NotImplemented");
    else if (req.headers["if-none-match"] === "*" && objects.has(key)) refuse(res, 412, "PreconditionFailed");
    else {
      const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, number]) => Number(number));
      objects.set(key, {
        bytes: Buffer.concat(numbers.map((number) => upload.parts.get(number)!)),
        writtenAt: Date.now(),
      });
      uploads.delete(id);
      res.writeHead(200).end("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
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
    ...{ objects, uploads, asked, stop },
    wrong: {},
  };
  return self;
}
