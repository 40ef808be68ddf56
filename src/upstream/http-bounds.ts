// How long a GET may take, in each of its parts, and what ends it early. Nothing is endless: connecting, waiting for the first
// byte, waiting between bytes, and the whole are bounded.

/** From the request to a connection (with TLS), the look-up of the name included. */
const CONNECT_TIMEOUT_MS = 10_000;
/** From the connection to the head of the answer: a proxy that has not got the thing yet fetches it meanwhile. */
const FIRST_BYTE_TIMEOUT_MS = 60_000;
/** Between two pieces of a body. */
const IDLE_TIMEOUT_MS = 30_000;
/** For everything, redirects and body included; for small things less, see `totalOf`. */
const TOTAL_TIMEOUT_MS = 15 * 60_000;
/** The slowest body that is waited for: one that drips must not be held for minutes when it can only be small. */
const MIN_BYTES_PER_MS = 64;

/** How one GET is made. */
export interface GetOptions {
  /** Authorization and Cookie go to the host of the URL only. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The most bytes of the decoded body, if the status is 200; other bodies are bounded by REASON_BYTES at least. */
  readonly maxBytes: number;
  readonly connectTimeoutMs?: number | undefined;
  readonly firstByteTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly totalTimeoutMs?: number | undefined;
}

/** The time limits of one GET, and what ends it early. */
export interface HttpBounds {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
  /** Ends whatever is under way with a reason. */
  cut(reason: Error): void;
  /** Has something called by `cut`; returns what undoes that. */
  onCut(action: (reason: Error) => void): () => void;
}

/** The bounds of a GET, as asked for or by default. */
export function httpBoundsOf(asked: GetOptions): HttpBounds {
  const actions = new Set<(reason: Error) => void>();
  return {
    connectMs: asked.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    firstByteMs: asked.firstByteTimeoutMs ?? FIRST_BYTE_TIMEOUT_MS,
    idleMs: asked.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    totalMs: asked.totalTimeoutMs ?? totalOf(asked.maxBytes),
    cut(reason) {
      for (const action of [...actions]) action(reason);
    },
    onCut(action) {
      actions.add(action);
      return () => actions.delete(action);
    },
  };
}

/** As long as the largest body takes at the slowest pace, after the longest wait for it. */
function totalOf(maxBytes: number): number {
  const wait = CONNECT_TIMEOUT_MS + FIRST_BYTE_TIMEOUT_MS;
  return Math.min(TOTAL_TIMEOUT_MS, wait + Math.ceil(maxBytes / MIN_BYTES_PER_MS));
}
