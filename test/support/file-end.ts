// Runs anew before each test file, also where several files share a process and its modules: what a file leaves behind is
// cleared away before the next begins.
import { afterAll } from "vitest";
import { doWhatIsLeft } from "./at-end.ts";

/** Module caches of go are ten thousands of files, which a busy disk takes a while to remove. */
const TIMEOUT_MS = 300_000;

afterAll(doWhatIsLeft, TIMEOUT_MS);
