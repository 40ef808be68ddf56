// What streams through makes garbage that V8 hardly sees: each read from a socket is a buffer outside of its heap, and 64 MB of
// those may pile up before it looks. malloc gives such a pile back only in part, because something that lives lies in
// between. So whoever reads a long stream says how much has come, and what is young is collected every few megabytes: a
// millisecond each time, for the young generation holds little that is alive.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** So many bytes may have streamed since the last collection. */
const EVERY_BYTES = 8 * 1024 * 1024;

type Collect = (how?: { readonly type: "minor" }) => void;

let collect: Collect | undefined;
let streamed = 0;

/** V8's own function for it: collects all, or what is young. */
export function garbageCollector(): Collect {
  if (collect) return collect;
  setFlagsFromString("--expose-gc");
  const found: Collect = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  collect = found;
  return found;
}

/** Says that so many bytes have come in buffers that are garbage by now, or soon. */
export function noteStreamed(bytes: number): void {
  streamed += bytes;
  if (streamed < EVERY_BYTES) return;
  streamed = 0;
  garbageCollector()({ type: "minor" });
}
