// A checksum database of others over real HTTP: a log in memory (memory-log.ts) that answers what the go command asks of one.
import { unescapePath } from "../../src/gomod/module-path.ts";
import { parseTilePath } from "../../src/sumdb/tile-path.ts";
import { fakeUpstream } from "./fake-upstream.ts";
import { MemoryLog } from "./memory-log.ts";

export interface FakeLog {
  readonly log: MemoryLog;
  /** As GOKURA_SUMDB has it. */
  readonly setting: string;
  /** The paths that were asked. */
  readonly asked: readonly string[];
}

/** Starts one with so many records that nobody asks for. */
export async function fakeLog(records: number): Promise<FakeLog> {
  const log = new MemoryLog().append(records);
  const answerTo = async (path: string): Promise<Buffer | undefined> => {
    if (path === "latest") return log.note();
    if (path.startsWith("tile/")) {
      const tile = parseTilePath(path);
      return tile && log.read(tile);
    }
    const [, escaped = "", version = ""] = /^lookup\/(.*)@(.*)$/.exec(path) ?? [];
    const id = log.texts.findIndex((text) => text.startsWith(`${unescapePath(escaped)} ${version} `));
    return id < 0 ? undefined : log.answer(id);
  };
  const server = await fakeUpstream(async (req, res) => {
    const answer = await answerTo(req.url!.slice(1));
    res.writeHead(answer ? 200 : 404, { "content-type": "text/plain" }).end(answer ?? "not found\n");
  });
  return { log, setting: `${log.signer.verifierKey} ${server.url}`, asked: server.asked };
}
