// What the dependency proxy needs of those whom it asks: one question, over the whole list of upstreams.
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";

export interface FoundUpstream {
  readonly kind: "found";
  /** Ends with an error when the connection does before the body. */
  readonly body: Readable;
  readonly headers: IncomingHttpHeaders;
  /** Who answered, without credentials. */
  readonly upstream: string;
}

export interface FoundBytes {
  readonly kind: "found";
  readonly bytes: Buffer;
}

export interface AbsentUpstream {
  readonly kind: "absent";
  readonly status: 404 | 410;
  readonly text: string;
  readonly upstream: string;
}

export interface Upstreams {
  /**
   * Asks for a path of the GOPROXY protocol, escaped, without a slash in front. Throws Failure "unavailable" when nobody
   * could answer.
   */
  fetch(path: string, options: { readonly maxBytes: number }): Promise<FoundUpstream | AbsentUpstream>;
  /**
   * The same, read to the end. `check` throws when the bytes cannot be what was asked for: that counts as trouble with the
   * upstream that sent them, and is thrown when no other has them.
   */
  fetchBytes(
    path: string,
    options: { readonly maxBytes: number; readonly check: (bytes: Buffer, upstream: string) => void },
  ): Promise<FoundBytes | AbsentUpstream>;
}
