// An upstream for the bench: modules whose zips cannot be compressed, so that they have the sizes that were asked for, and
// answers that take as long as a distant upstream's.
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import JSZip from "jszip";

export class Upstream {
  /** The paths that were asked, in order. */
  asked: string[] = [];
  /** How long each answer takes. */
  milliseconds = 0;
  readonly #files = new Map<string, Buffer>();
  readonly #versions = new Map<string, string[]>();
  readonly #server = http.createServer(async (req, res) => {
    const path = req.url!.slice(1);
    this.asked.push(path);
    if (this.milliseconds > 0) await delay(this.milliseconds);
    const file = this.#files.get(path);
    if (file) res.writeHead(200, { "content-length": file.length }).end(file);
    else res.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
  });

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

  /** A version of a module whose zip has about so many bytes. */
  async add(module: string, version: string, bytes: number): Promise<void> {
    const mod = `module ${module}\n\ngo 1.21\n\nrequire golang.org/x/mod v0.20.0\n`;
    const info = `{"Version":"${version}","Time":"2024-02-03T04:05:06Z"}`;
    const zip = new JSZip();
    zip.file(`${module}@${version}/go.mod`, mod, { createFolders: false });
    zip.file(`${module}@${version}/data.bin`, randomBytes(bytes), { createFolders: false });
    const versions = [...(this.#versions.get(module) ?? []), version];
    this.#versions.set(module, versions);
    const files = {
      "@latest": info,
      "@v/list": `${versions.join("\n")}\n`,
      [`@v/${version}.info`]: info,
      [`@v/${version}.mod`]: mod,
      [`@v/${version}.zip`]: await zip.generateAsync({ type: "nodebuffer", compression: "STORE" }),
    };
    for (const [name, content] of Object.entries(files)) this.#files.set(`${module}/${name}`, Buffer.from(content));
  }

  /** Writes files below a directory, for a web server to serve. */
  write(directory: string, paths: readonly string[]): void {
    for (const path of paths) {
      const file = join(directory, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, this.#files.get(path)!);
    }
  }
}
