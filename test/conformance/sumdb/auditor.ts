// The Go program beside this file, built: Go's own client, server and hashes of checksum databases. Whatever it runs ends after
// the test file.
import { type ChildProcessByStdio, execFile, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { atEnd } from "../../support/at-end.ts";
import { temporary } from "../../support/temporary.ts";

const run = promisify(execFile);

/** What Go's client makes of a name. */
export interface Said {
  /** Its lines of go.sum. */
  readonly lines?: readonly string[];
  readonly error?: string;
  /** The signed note of the newest head that it believes; "" while it believes none. */
  readonly head: string;
}

/** Go's client, which remembers as long as it lives. */
export interface GoClient {
  /** What it makes of MODULE@VERSION. */
  ask(name: string): Promise<Said>;
  /** Has it forget records and tiles, but not the newest head. */
  forget(): void;
}

/** The rows of a log, bytes in base64. */
export interface LogRows {
  readonly records: readonly string[];
  readonly tiles: readonly { readonly level: number; readonly number: number; readonly bytes: string }[];
  readonly edge: readonly string[];
  readonly note: string;
}

export interface Auditor {
  /** Runs it to its end; its output. Rejects with what it says on stderr. */
  run(...words: string[]): Promise<string>;
  /** Works the rows of a log out again from its records; what it says of them. Throws with what is wrong. */
  replay(verifierKey: string, rows: LogRows): string;
  client(url: string, verifierKey: string): GoClient;
  /** Go's server of an empty log; its URL. */
  serve(signerKey: string): Promise<string>;
}

export function buildAuditor(): Auditor {
  const program = join(temporary("auditor"), "auditor");
  execFileSync("go", ["build", "-o", program, "."], {
    cwd: import.meta.dirname,
    env: { ...process.env, GOTOOLCHAIN: "auto", GOTELEMETRY: "off", GOWORK: "off", GOFLAGS: "" }, // whichever release is tested
  });
  const start = (...words: string[]): ChildProcessByStdio<Writable, Readable, null> => {
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "ignore"] });
    atEnd(() => child.kill("SIGKILL"));
    return child;
  };
  return {
    run: (...words) => run(program, words).then(({ stdout }) => stdout),
    replay: (verifierKey, rows) =>
      execFileSync(program, ["replay", verifierKey], { input: JSON.stringify(rows), encoding: "utf8" }),
    client(url, verifierKey) {
      const child = start("client", url, verifierKey);
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      return {
        async ask(name) {
          child.stdin.write(`${name}\n`);
          const { value = "" } = await lines.next();
          return JSON.parse(value) as Said;
        },
        forget: () => void child.stdin.write("\n"),
      };
    },
    async serve(signerKey) {
      const { value } = await createInterface(start("serve", signerKey).stdout)[Symbol.asyncIterator]().next();
      return value as string;
    },
  };
}
