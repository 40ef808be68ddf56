// What git says to people while it takes a push ("remote: …", channel 2 of the side-band): passed on as it comes, but for two
// things. The server's own paths are nobody's business. And an old history may have one and the same defect in every commit
// (the settings of git-environment.ts let the harmless ones in, with a warning each): after a few the rest is counted.

import { repositoryWords } from "../process/repository-words.ts";

const MAX_DEFECTS_TOLD = 10;
const DEFECT = /^warning: object [0-9a-f]+: /;

export interface PushProgress {
  /** What of this is for the client, as far as lines are complete. */
  take(bytes: Buffer): Buffer;
  /** The rest, when git has ended. */
  end(): Buffer;
  /** Whether git said that the pack is larger than it may be (receive.maxInputSize). */
  readonly packTooLarge: boolean;
}

/** Progress of a push to a repository in this directory. */
export function pushProgress(directory: string): PushProgress {
  const words = repositoryWords(directory);
  let rest = "";
  let defects = 0;
  let packTooLarge = false;
  const line = (text: string): string => {
    if (DEFECT.test(text) && ++defects > MAX_DEFECTS_TOLD) return "";
    packTooLarge ||= text.includes("pack exceeds maximum allowed size");
    return words.ofLatin1(text);
  };
  return {
    get packTooLarge() {
      return packTooLarge;
    },
    take(bytes) {
      const lines = (rest + bytes.toString("latin1")).split(/(?<=[\r\n])/);
      rest = /[\r\n]$/.test(lines.at(-1) ?? "") ? "" : (lines.pop() ?? "");
      return Buffer.from(lines.map(line).join(""), "latin1");
    },
    end() {
      const more = defects - MAX_DEFECTS_TOLD;
      const counted =
        more > 0 ? `warning: ${more} more objects have such defects of old histories; they are kept as they are\n` : "";
      return Buffer.from(line(rest) + counted, "latin1");
    },
  };
}
