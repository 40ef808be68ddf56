// Documents packages in a thread of its own, so that no request waits for the reading of sources, and nothing that a source
// does can hurt the server: the thread has a heap of its own with an end, a package has its time, and a thread that took
// much memory, or was idle for a while, is ended, which gives everything back but the compiled parser: the next thread begins
// with that. One thread at a time: whoever has to show a package now comes before those who document whole modules.
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import { type SourceProblem, TOO_MUCH } from "../documentation.ts";
import type { CompiledGoParser } from "../source/go-source.ts";
import { FIRST_PACKAGE } from "./first-package.ts";

/** How long one package may take: its thread is ended, and a new one does the next. */
const PACKAGE_MS = 20_000;
/** How long a thread lives with nothing to do. */
const IDLE_MS = 30_000;
/** Memory of the parser after which a thread is ended when its package is done. */
const LET_GO_BYTES = 80 * 1024 * 1024;
/** Of JavaScript in the thread. With the parser's (source/go-source.ts) these are the 256 MB that it may take. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };

/** The Go files of one directory, and what is known to be wrong with others there. */
export interface DirectoryToDocument {
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly problems: readonly SourceProblem[];
}

/** What is kept of a package. */
export interface DocumentedDirectory {
  readonly name: string;
  readonly synopsis: string;
  readonly imports: readonly string[];
  readonly words: readonly string[];
  /** PackageDocumentation as JSON, compressed by brotli. */
  readonly content: Uint8Array;
}

/** What the thread says: what it compiled, and then an answer to each directory; after the last kind it is of no use any more. */
export type ThreadAnswer =
  | { readonly compiled: CompiledGoParser }
  | { readonly documented: DocumentedDirectory | undefined; readonly memoryBytes: number }
  | { readonly tooMuch: string };

/** What cannot be documented: it took more than it may. */
export class TooMuch extends Error {}

/** Nothing is documented any more: the process ends. */
export class ThreadsClosed extends Error {
  constructor() {
    super("the server stops");
  }
}

export interface DocumentationThreads {
  /**
   * Documents a directory; undefined if it holds no package. `soon`: before all that is not. Throws TooMuch for one that
   * takes more time or memory than it may.
   */
  document(directory: DirectoryToDocument, soon: boolean): Promise<DocumentedDirectory | undefined>;
  /**
   * Documents a package of its own, once in a process and unless one was documented before: then what somebody waits for costs
   * half. To be said when somebody may soon ask.
   */
  prepare(): void;
  /** Whether there is a thread. */
  readonly running: boolean;
  /** Ends a thread that has nothing to do, as happens by itself after a while. */
  rest(): Promise<void>;
  /** Ends the thread; what waits for it fails. */
  close(): Promise<void>;
}

interface Waiting {
  readonly directory: DirectoryToDocument;
  readonly done: (found: DocumentedDirectory | undefined) => void;
  readonly failed: (error: Error) => void;
}

/** Opens the threads; the first starts when it is needed. */
export function openDocumentationThreads(): DocumentationThreads {
  const waiting: { soon: Waiting[]; later: Waiting[] } = { soon: [], later: [] };
  let thread: Worker | undefined;
  let compiled: CompiledGoParser | undefined;
  let current: { readonly job: Waiting; readonly timer: NodeJS.Timeout } | undefined;
  let idle: NodeJS.Timeout | undefined;
  let isClosed = false;

  const end = (): Promise<number | undefined> => {
    const ending = thread;
    thread = undefined;
    clearTimeout(idle);
    ending?.removeAllListeners();
    ending?.on("error", () => {}); // what it says while it dies
    return ending?.terminate() ?? Promise.resolve(undefined);
  };
  const finish = (settle: (job: Waiting) => void): void => {
    if (!current) return;
    const { job, timer } = current;
    clearTimeout(timer);
    current = undefined;
    settle(job);
    next();
  };
  const fail = (error: Error): void => {
    void end();
    finish((job) => job.failed(error));
  };
  const start = (): Worker => {
    const started = new Worker(new URL("./documentation-thread.ts", import.meta.url), {
      resourceLimits: RESOURCE_LIMITS,
      // Its parent's flags may name what a thread does not take, such as a test runner's loader.
      execArgv: [],
      // Nothing of the environment but where compiled code is kept: a thread does not learn that by itself.
      env: compileCache(),
      workerData: compiled,
    });
    started.unref();
    started.on("message", (answer: ThreadAnswer) => {
      if ("compiled" in answer) {
        compiled = answer.compiled;
        return;
      }
      if ("tooMuch" in answer) {
        void end();
        finish((job) => waiting.soon.unshift({ ...job, directory: without(job.directory, answer.tooMuch) }));
        return;
      }
      if (answer.memoryBytes > LET_GO_BYTES) void end();
      finish((job) => job.done(answer.documented));
    });
    started.on("error", (cause) => fail(new TooMuch("documenting it takes more memory than it may", { cause })));
    return started;
  };
  const next = (): void => {
    if (current || isClosed) return;
    const job = waiting.soon.shift() ?? waiting.later.shift();
    if (!job) {
      idle = setTimeout(() => void end(), IDLE_MS).unref();
      return;
    }
    clearTimeout(idle);
    thread ??= start();
    const timer = setTimeout(() => fail(new TooMuch("documenting it takes more time than it may")), PACKAGE_MS).unref();
    current = { job, timer };
    thread.postMessage(job.directory);
  };
  const document = (directory: DirectoryToDocument, soon: boolean): Promise<DocumentedDirectory | undefined> => {
    if (isClosed) return Promise.reject(new ThreadsClosed());
    return new Promise((done, failed) => {
      waiting[soon ? "soon" : "later"].push({ directory, done, failed });
      next();
    });
  };
  return {
    document,
    prepare() {
      if (!thread && !compiled) document(FIRST_PACKAGE, false).catch(() => {}); // whoever asks next is told what is wrong
    },
    get running() {
      return thread !== undefined;
    },
    async rest() {
      if (!current) await end();
    },
    async close() {
      isClosed = true;
      const left = [...waiting.soon.splice(0), ...waiting.later.splice(0)];
      const closed = new ThreadsClosed();
      for (const job of left) job.failed(closed);
      const ended = end();
      finish((job) => job.failed(closed));
      await ended;
    },
  };
}

/** Where Node keeps compiled code, as a thread takes it: the directory above that of this release. */
function compileCache(): Record<string, string> {
  const directory = getCompileCacheDir();
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(directory) };
}

function without({ files, problems }: DirectoryToDocument, file: string): DirectoryToDocument {
  return {
    files: files.filter(({ name }) => name !== file),
    problems: [...problems, { file, problem: TOO_MUCH }],
  };
}
