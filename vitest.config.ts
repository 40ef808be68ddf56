import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { putTemporaryFilesIntoMemory } from "./test/support/directories.ts";
import { LongestFirst } from "./test/support/longest-first.ts";

// Processes of tests load the whole server: Node keeps what it has compiled.
process.env.NODE_COMPILE_CACHE ??= resolve("node_modules/.cache/node");
// Each start of git or go copies the page tables of what the worker has allocated. What is large goes back to the system when it
// is no longer used, and the rest has large pages, whose tables are small: with 110 MB, 3 ms of processor time instead of 8.
process.env.GLIBC_TUNABLES ??= "glibc.malloc.mmap_threshold=131072:glibc.malloc.hugetlb=1";
putTemporaryFilesIntoMemory();

// The server's code is loaded by Node itself, exactly as in production (experimental.viteModuleRunner off).
// CI's machine is busy with other work at times: there a test that waits for processes gets a second chance.
const retry = process.env.CI ? 1 : 0;
// Another release of go (scripts/conformance.ts) begins with an empty build cache: it compiles its standard library first.
const timeout = process.env.CONFORMANCE === undefined ? 60_000 : 600_000;
// Some files ask the go command all their questions before the first test.
const hookTimeout = 3 * timeout;
const shared = {
  pool: "forks",
  retry,
  experimental: { viteModuleRunner: false },
  // A process has many test files, one after the other, and loads the server once. Each file makes its own server, database
  // and directories, and support/file-end.ts takes them away.
  isolate: false,
  setupFiles: "test/support/file-end.ts",
  expect: { poll: { timeout: 10_000 } }, // what is waited for takes as long as the machine is busy
} as const;

export default defineConfig({
  test: {
    // Vitest keeps one core for itself. Our tests keep all of them busy, with git, go and PostgreSQL, so one each is right:
    // three files at a time on two cores take as long.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: "architecture",
          include: ["test/architecture.test.ts", "test/errors.test.ts", "test/packages.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "rules",
          include: [
            "test/concurrency/**/*.test.ts",
            "test/network/**/*.test.ts",
            "test/gomod/**/*.test.ts",
            "test/godoc/**/*.test.ts",
            "test/conformance/x-mod/**/*.test.ts",
            "test/conformance/go-doc/**/*.test.ts",
            "test/git/**/*.test.ts",
            "test/scripts/**/*.test.ts",
          ],
          testTimeout: timeout,
          hookTimeout,
        },
      },
      {
        test: {
          ...shared,
          name: "server",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/architecture.test.ts",
            "test/errors.test.ts",
            "test/packages.test.ts",
            "test/concurrency/**",
            "test/network/**",
            "test/gomod/**",
            "test/godoc/**",
            "test/conformance/x-mod/**",
            "test/conformance/go-doc/**",
            "test/git/**",
            "test/scripts/**",
          ],
          globalSetup: "test/support/global-postgres.ts",
          testTimeout: timeout,
          hookTimeout,
        },
      },
    ],
  },
});
