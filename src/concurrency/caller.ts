// For whom work is done: whoever waits in a line (slots.ts) far below a door is told apart from others without every function in
// between being told who asks. A door says it once for each request; what belongs to no request, such as a job, has no caller.
import { AsyncLocalStorage } from "node:async_hooks";

const current = new AsyncLocalStorage<() => string>();

/** Does work for a caller, who may be known only later: `caller` is asked whenever somebody waits. */
export function onBehalfOf<T>(caller: () => string, work: () => T): T {
  return current.run(caller, work);
}

/** For whom the work that is done now is; undefined: for nobody in particular. */
export function callerNow(): string | undefined {
  return current.getStore()?.();
}
