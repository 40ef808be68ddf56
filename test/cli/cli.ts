// The command on a database, without a server: each call is a process of its own.
import { testDatabase } from "../support/database.ts";
import { type Ended, gokura } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

export interface Cli {
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a command and tells how it ended. */
  (...words: string[]): Promise<Ended>;
  /** Runs a command that must succeed; returns its lines. */
  lines(...words: string[]): Promise<string[]>;
  /** Runs a command with --json that must succeed; returns what it printed. */
  json<T = Record<string, unknown>>(...words: string[]): Promise<T>;
}

/** A command line on a database of its own. */
export async function cliOnDatabase(environment: Readonly<Record<string, string>> = {}): Promise<Cli> {
  const all = { DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: temporary("cli"), ...environment };
  const run = (...words: string[]): Promise<Ended> => gokura(words, all);
  const must = async (words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(...words);
    if (code !== 0 || stderr !== "") throw new Error(`gokura ${words.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };
  return Object.assign(run, {
    environment: all,
    lines: async (...words: string[]) => (await must(words)).trimEnd().split("\n"),
    json: async (...words: string[]) => JSON.parse(await must([...words, "--json"])),
  });
}
