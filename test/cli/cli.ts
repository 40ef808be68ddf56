// The command on a database of its own, without a server: in this process, or, by `process`, in one of its own.
import { testDatabase } from "../support/database.ts";
import { type Ended, gokura } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";
import { runHere } from "./run-here.ts";

export interface Cli {
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a command here and tells how it ended. */
  (...words: string[]): Promise<Ended>;
  /** Runs bin/gokura.js and tells how it ended. */
  process(...words: string[]): Promise<Ended>;
  /** Runs a command here that must succeed; returns its lines. */
  lines(...words: string[]): Promise<string[]>;
  /** Runs a command with --json here that must succeed; returns what it printed. */
  json<T = Record<string, unknown>>(...words: string[]): Promise<T>;
}

/** A command line on a database of its own. */
export async function cliOnDatabase(environment: Readonly<Record<string, string>> = {}): Promise<Cli> {
  const all = { DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: temporary("cli"), ...environment };
  const here = (...words: string[]): Promise<Ended> => runHere(words, all);
  const must = async (words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await here(...words);
    if (code !== 0 || stderr !== "") throw new Error(`gokura ${words.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };
  return Object.assign(here, {
    environment: all,
    process: (...words: string[]) => gokura(words, all),
    lines: async (...words: string[]) => (await must(words)).trimEnd().split("\n"),
    json: async (...words: string[]) => JSON.parse(await must([...words, "--json"])),
  });
}
