// What cannot be taken back is asked about once more: on a terminal by a question, elsewhere by refusing until the command
// line says --yes. A script that was written for one project shall not delete another by a slip.
import { createInterface } from "node:readline";
import { InvalidArgumentError } from "commander";
import { invalid } from "../errors.ts";
import { harmless } from "./output.ts";

export const YES_OPTION = ["--yes", "do it without asking"] as const;

/**
 * Resolves when it may be done. `what` is the question. Throws wrong usage where nobody can be asked, and a Failure when
 * the answer is anything but yes. To be called before anything is opened.
 */
export async function confirm(what: string, yes = false): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new InvalidArgumentError("this cannot be taken back: say --yes, or run it on a terminal, which is asked.");
  process.stderr.write(`${harmless(what)} [y/N] `);
  const lines = createInterface({ input: process.stdin, terminal: false });
  const answer = await new Promise<string>((resolve) => {
    lines.once("line", resolve).once("close", () => resolve(""));
  });
  lines.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw invalid("nothing was changed");
}
