// A limit of wall-clock time for one request. Node cannot take work away from a resolver, but it can stop waiting for it:
// when the time is up every field that is still on its way becomes an error, no resolver begins anything more
// (endpoint/limited-fields.ts), and the client gets what there is. So an answer comes in time even if the database holds a statement
// up. A change is waited for however long it takes, for whoever were told that it took too long would find it done; what is
// asked of it afterwards has the whole time again.
import { Failure } from "../errors.ts";

export interface TimeLimit {
  /** Whether the time is up. */
  readonly passed: boolean;
  /** Rejects when the time is up. */
  readonly expiry: Promise<never>;
  /** The time begins anew: a change was waited for. */
  restart(): void;
  /** The answer is complete. */
  clear(): void;
}

/** Starts the clock. */
export function startTimeLimit(milliseconds: number): TimeLimit {
  let [passed, expiry, timer] = begin();

  function begin(): [passed: boolean, expiry: Promise<never>, timer: NodeJS.Timeout] {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {}); // nobody may be waiting
    const started = setTimeout(() => {
      passed = true;
      reject(tooLate());
    }, milliseconds).unref();
    return [false, promise, started];
  }

  return {
    get passed() {
      return passed;
    },
    get expiry() {
      return expiry;
    },
    restart() {
      clearTimeout(timer);
      [passed, expiry, timer] = begin();
    },
    clear: () => clearTimeout(timer),
  };
}

/** What to say then. */
export function tooLate(): Failure {
  return new Failure("unavailable", "the request took too long; ask for less at once, or try again later", {
    reason: "took_too_long",
  });
}
