// A password or token from standard input: not from the words of a command, which other processes and histories can read.
import { invalid } from "../errors.ts";

/** All of standard input, without the end of its last line. Throws invalid when there is nothing. */
export async function readPassword(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const password = Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (password === "") throw invalid("standard input held no password");
  return password;
}
