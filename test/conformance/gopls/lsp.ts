// A client of the Language Server Protocol over a program's standard input and output, as far as a test needs one (LSP 3.17,
// "Base Protocol").
import { spawn } from "node:child_process";
import { atEnd } from "../../support/at-end.ts";

export interface LanguageServer {
  request<T>(method: string, params: object): Promise<T>;
  notify(method: string, params: object): void;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly items?: readonly unknown[] };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Starts a language server, until the end of the file. What it asks of an editor is answered with nothing. */
export function languageServer(
  program: string,
  cwd: string,
  env: Record<string, string>,
  settings: object,
): LanguageServer {
  const child = spawn(program, ["serve"], { cwd, env, stdio: ["pipe", "pipe", "ignore"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  atEnd(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  const send = (message: object): void => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  const receive = ({ id, method, params, result, error }: Message): void => {
    if (method !== undefined) {
      const answer = method === "workspace/configuration" ? (params?.items ?? []).map(() => settings) : null;
      if (id !== undefined) send({ id, result: answer });
      return;
    }
    const asked = waiting.get(id!);
    waiting.delete(id!);
    if (error) asked?.reject(new Error(error.message));
    else asked?.resolve(result);
  };
  let bytes: Buffer = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const end = bytes.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(bytes.subarray(0, Math.max(0, end)).toString())?.[1]);
      if (end < 0 || bytes.length < end + 4 + length) return;
      receive(JSON.parse(bytes.subarray(end + 4, end + 4 + length).toString("utf8")));
      bytes = bytes.subarray(end + 4 + length);
    }
  });
  let last = 0;
  return {
    request<T>(method: string, params: object): Promise<T> {
      const id = ++last;
      return new Promise<T>((resolve, reject) => {
        waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
        send({ id, method, params });
      });
    },
    notify: (method, params) => send({ method, params }),
  };
}
