import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./at-end.ts";

/** A directory that goes away after the test file; others may enter it, because PostgreSQL does not run as root. */
export function temporary(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `gokura-${name}-`));
  chmodSync(directory, 0o755);
  atEnd(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}
