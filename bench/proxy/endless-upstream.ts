// An upstream that has every module that is asked for, each as a zip of 100 kB.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import JSZip from "jszip";

/** Starts one that answers after so many milliseconds. */
export async function startEndlessUpstream(answersAfterMs: number): Promise<{ url: string; close(): void }> {
  const filler = Array.from({ length: 100_000 }, (_, n) => String.fromCharCode(97 + ((n * 7919) % 26))).join("");
  const listener = http.createServer(async (req, res) => {
    await delay(answersAfterMs);
    const [, path, version, kind] = /^\/(.+)\/@v\/(.+)\.(info|mod|zip)$/.exec(req.url ?? "") ?? [];
    if (kind === "info") res.end(JSON.stringify({ Version: version, Time: "2024-01-02T03:04:05Z" }));
    else if (kind === "mod") res.end(`module ${path}\n`);
    else if (kind === "zip") {
      const zip = new JSZip();
      zip.file(`${path}@${version}/go.mod`, `module ${path}\n`, { createFolders: false });
      zip.file(`${path}@${version}/a.go`, `package a // ${filler}\n`, { createFolders: false });
      res.end(await zip.generateAsync({ type: "nodebuffer" }));
    } else res.writeHead(404).end("not found\n");
  });
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    close() {
      listener.closeAllConnections();
      listener.close();
    },
  };
}
