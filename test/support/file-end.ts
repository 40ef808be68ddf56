// Runs anew before each test file, also where several files share a process and its modules: what a file leaves behind is
// cleared away before the next begins.
import { afterAll } from "vitest";
import { doWhatIsLeft } from "./at-end.ts";

afterAll(doWhatIsLeft);
