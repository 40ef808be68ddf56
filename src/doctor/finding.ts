// What an examination finds: for people in a sentence, and if something is wrong with what to do about it.

export interface Finding {
  /** What was looked at, such as "disk". */
  readonly about: string;
  /** `wrong` keeps something from working; `doubtful` works, and may not be meant so. */
  readonly state: "good" | "doubtful" | "wrong";
  readonly says: string;
  /** What to do; never absent unless all is good. */
  readonly remedy?: string;
}

export function good(about: string, says: string): Finding {
  return { about, state: "good", says };
}

export function doubtful(about: string, says: string, remedy: string): Finding {
  return { about, state: "doubtful", says, remedy };
}

export function wrong(about: string, says: string, remedy: string): Finding {
  return { about, state: "wrong", says, remedy };
}

/** A number of bytes for people: 3.4 GB. */
export function inBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 4);
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${["bytes", "kB", "MB", "GB", "TB"][power]}`;
}
