// What a start leaves behind: a server that has just loaded three hundred files holds more memory than it needs, and V8
// gives it back only when somebody else is short of it. So it is collected once, when the server has begun to serve.
import { setFlagsFromString } from "node:v8";
import { garbageCollector } from "../concurrency/streamed-garbage.ts";

/**
 * Has V8 collect what is not used any more, and give back what it took. Takes some 50 ms. Not by HeapProfiler.collectGarbage,
 * which frees more but leaves a young generation of 1 MB: every answer from memory then pays for six times as many collections.
 */
export function collectStartGarbage(): void {
  garbageCollector()();
  // After such a collection V8 lets the heap grow by a tenth until the next one, which would come every dozen downloads; with
  // this it may become twice what is alive. When nothing is done V8 makes it small again, whatever it may be.
  setFlagsFromString("--heap-growing-percent=100");
}
